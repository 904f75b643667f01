from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from fake_lab import STEPS, FakeLab
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QLineEdit, QTableView, QWidget

from engine.spec.errors import StoreError
from gui.dialogs.error import CrashDialog
from gui.look.theme import Theme
from gui.session import Session
from gui.shell.main_window import MainWindow


def test_ctrl_and_a_digit_switches_pages(opened, qtbot, lab) -> None:
    window = opened(lab)
    for digit, name in enumerate(("questions", "queue", "live", "verdict")):
        qtbot.keyClick(window, Qt.Key(Qt.Key.Key_1.value + digit), Qt.KeyboardModifier.ControlModifier)
        assert window.buttons[name].isChecked()


def test_arrows_move_along_the_side_bar_and_tab_leaves_it(opened, qtbot, lab) -> None:
    window = opened(lab)
    window.activateWindow()
    window.buttons["questions"].setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(window.buttons["questions"], Qt.Key.Key_Down)
    assert window.buttons["queue"].isChecked()
    assert window.buttons["queue"].hasFocus()
    assert window._stack.currentWidget() is window.pages["queue"]
    qtbot.keyClick(window.buttons["queue"], Qt.Key.Key_Tab)
    assert window.appearance.hasFocus()


def test_badge_and_strip_say_what_goes_on(opened, qtbot, lab) -> None:
    window = opened(lab)
    qtbot.waitUntil(lambda: window.buttons["queue"].badge == 5)
    assert window.buttons["queue"].accessibleName() == "Queue, 5 open"
    strip = window.strip
    assert (strip.running.text(), strip.queued.text(), strip.left.text()) == (
        "2 running",
        "3 queued",
        "about 2–3 min left",
    )
    assert (strip.slots.text(), strip.memory.text()) == ("2 of 2 slots", "memory 1.9 of 24 GB")
    lab.step = STEPS
    qtbot.waitUntil(lambda: strip.running.text() == "Nothing is running")
    assert window.buttons["queue"].badge == 0


@pytest.mark.parametrize("page", ["questions", "queue", "live", "verdict"])
def test_every_control_has_a_name_and_no_label_reads_html(opened, qtbot, tmp_path: Path, page: str) -> None:
    window = opened(FakeLab(tmp_path, step=STEPS, trials=2))
    window.go(page)
    qtbot.wait(300)
    for kind in (QAbstractButton, QComboBox, QLineEdit, QTableView):
        for control in window.findChildren(kind):
            if control.isVisible() and control.objectName() != "qt_tableview_cornerbutton":
                inner = isinstance(control.parentWidget(), QTableView | QComboBox)
                assert inner or control.accessibleName(), control
    for label in window.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText, label.text()


@pytest.mark.parametrize("page", ["questions", "queue", "live", "verdict"])
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_nothing_is_wider_than_the_smallest_window(opened, qtbot, tmp_path: Path, page: str, mode: str) -> None:
    window = opened(FakeLab(tmp_path, step=STEPS, trials=2), mode)
    window.resize(window.minimumSize())
    window.go(page)
    qtbot.wait(300)
    assert window.width() == window.minimumWidth()
    for child in window.pages[page].findChildren(QWidget):
        if child.isVisible() and child.parentWidget() is window.pages[page].body:
            assert child.mapTo(window, child.rect().topRight()).x() <= window.width()
    window.grab()


def test_an_occupied_folder_can_be_tried_again(qapp, qtbot, tmp_path: Path) -> None:
    lab, tries = FakeLab(tmp_path), []

    def opener(_: Path | None) -> FakeLab:
        tries.append(1)
        if len(tries) == 1:
            raise StoreError("The data folder is in use by process 7.", "Close that window first.")
        return lab

    session = Session(None, opener)
    window = MainWindow(session, Theme("light"))
    qtbot.addWidget(window)
    window.show()
    session.open()
    qtbot.waitUntil(lambda: window._stack.currentWidget() is window._trouble)
    assert window._trouble.sentence.text() == "The data folder is in use by process 7. Close that window first."
    qtbot.mouseClick(window._trouble.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: session.snapshot is not None)
    assert window._stack.currentWidget() is window.pages["questions"]
    with qtbot.waitSignal(session.closed):
        window.close()


def test_a_bug_is_shown_with_its_traceback_and_copied(opened, qtbot, lab) -> None:
    window = opened(lab)
    window.messages.error(KeyError("<b>broken</b>"))
    dialog = window.findChild(CrashDialog)
    assert "KeyError: '<b>broken</b>'" in dialog.shown.toPlainText()
    qtbot.mouseClick(dialog.copy, Qt.MouseButton.LeftButton)
    assert "KeyError" in QApplication.clipboard().text()
    dialog.accept()


def test_the_reader_says_a_trouble_once_and_goes_on(opened, qtbot, lab) -> None:
    window = opened(lab)
    lab.fails = StoreError("The database cannot be read.", "Is the disk there?")
    qtbot.waitUntil(lambda: len(window.messages.banners()) == 1)
    qtbot.wait(1200)
    assert len(window.messages.banners()) == 1
    lab.fails = None
    lab.step = STEPS
    qtbot.waitUntil(lambda: window.buttons["queue"].badge == 0)


def test_banners_close_and_make_room(opened, qtbot, lab) -> None:
    window = opened(lab)
    for n in range(5):
        window.messages.warn(f"message {n}")
    assert [b.message.text() for b in window.messages.banners()] == ["message 4", "message 3", "message 2"]
    window.messages.warn("message 4")
    assert len(window.messages.banners()) == 3
    qtbot.mouseClick(window.messages.banners()[0].close_button, Qt.MouseButton.LeftButton)
    assert len(window.messages.banners()) == 2
    for banner in window.messages.banners():
        qtbot.mouseClick(banner.close_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.messages.isVisible())


def test_the_appearance_is_kept(opened, qtbot, lab) -> None:
    window = opened(lab)
    window._choose_mode("dark")
    path = lab.home.folder / "window.json"
    qtbot.waitUntil(path.exists)
    qtbot.waitUntil(lambda: json.loads(path.read_text("utf-8") or "{}") == {"appearance": "dark"})
    assert window.theme.tokens.dark


def test_closing_leaves_no_thread_and_closes_the_lab(opened, qtbot, lab) -> None:
    window = opened(lab)
    with qtbot.waitSignal(window.session.closed):
        window.close()
    assert lab.closed
    qtbot.waitUntil(
        lambda: not any(t.name.startswith(("reader", "action", "analysis", "close")) for t in threading.enumerate())
    )
    assert not window.isVisible()


def test_closing_while_the_lab_opens_closes_it(qapp, qtbot, lab) -> None:
    """The lab's folder would stay locked if the window went before it heard that the lab is open."""
    begun, gate = threading.Event(), threading.Event()

    def opener(home: object) -> object:
        begun.set()
        gate.wait(20)
        return lab

    session = Session(None, opener)
    session.open()
    assert begun.wait(20)
    with qtbot.waitSignal(session.closed):
        session.close()
        gate.set()
    assert lab.closed


def test_an_analysis_that_failed_is_tried_again_when_the_trial_is_looked_at_again(
    opened, qtbot, lab, monkeypatch
) -> None:
    window = opened(lab)
    session, trial, result = window.session, lab.snapshot().trials[0].id, lab.result
    monkeypatch.setattr(lab, "result", _busy)
    with qtbot.waitSignal(session.failed):
        session.want_result(trial)
    monkeypatch.setattr(lab, "result", result)
    session.choose("")
    with qtbot.waitSignal(session.result_ready):
        session.choose(trial)
        session.want_result(trial)


def _busy(trial: str) -> None:
    raise StoreError(f"The database is busy: {trial} cannot be read.", "Try again.")


def test_importing_the_window_brings_no_training_library_and_no_database(root: Path) -> None:
    heavy = ("torch", "transformers", "peft", "trl", "datasets", "sqlite3", "sqlite_utils")
    pages = "gui.app, gui.pages.live, gui.pages.verdict.page"
    code = f"import sys, {pages}; print(sorted(set({heavy!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_a_message_moves_nothing(opened, lab) -> None:
    window = opened(lab)
    page = window.pages["questions"]
    before = page.mapTo(window, page.rect().topLeft()), page.size()
    window.messages.warn("Something to know.", "A hint.")
    QApplication.processEvents()
    banner = window.messages.banners()[0]
    assert (page.mapTo(window, page.rect().topLeft()), page.size()) == before
    assert window.childAt(banner.close_button.mapTo(window, banner.close_button.rect().center())) is banner.close_button
    assert banner.mapTo(window, banner.rect().topLeft()).y() > window.height() / 2
