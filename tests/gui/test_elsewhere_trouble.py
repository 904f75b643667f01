"""Results from elsewhere that are refused, given up, broken or hostile: that is said, and nothing is lost."""

from __future__ import annotations

import json
import os
import threading

import pytest
from elsewhere_steps import LEFT, asked, bring, choose, drop, files, judged, shown
from fake_table import invented_table
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLabel, QWidget
from test_hostile import HOSTILE

from gui import operations
from gui.dialogs.error import CrashDialog, TextDialog
from gui.dialogs.results import ResultsDialog
from gui.dialogs.wait import WaitDialog


def test_parts_that_make_no_comparison_are_refused_at_their_field(opened, qtbot, lab, table, monkeypatch) -> None:
    window = opened(lab)
    bring(window, qtbot, monkeypatch, table)
    dialog = asked(window, qtbot)
    for part, arm, said in (
        ("reference", "sft-dpo", "Arm 'sft-dpo' cannot be compared with itself."),
        ("reference", "planted", "Arm 'planted' cannot be compared with itself."),
        ("format", "base", "Arm 'base' is named for two parts."),
        ("planted", "sft-dpo", "Arm 'sft-dpo' is named for two parts."),
    ):
        field = dialog.fields[part]
        before = field.arm
        choose(qtbot, field, arm)
        qtbot.mouseClick(dialog.judge, LEFT)
        assert field.error.isVisible()
        assert field.error.text().startswith(said)
        assert field.arms.hasFocus()
        assert [p for p, f in dialog.fields.items() if f.error.isVisible()] == [part]
        choose(qtbot, field, before)
        assert not field.error.isVisible()
    assert dialog.judge.isEnabled()
    qtbot.mouseClick(dialog.judge, LEFT)
    judged(window, qtbot)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("arm,seed,item,correct\nbase,0,a,1\nsft,zero,a,1\n", "bad.csv, row 2, field seed: must be a whole number"),
        ("arm,seed,item,correct\nbase,0,a,1\nbase,0,a,0\n", "bad.csv, row 2, field item: repeats row 1"),
        ("arm,seed,item,correct\nbase,0,a,1\n", "A comparison needs two arms."),
        ("", "bad.csv "),
    ],
)
def test_a_broken_file_is_said_and_nothing_is_lost(opened, qtbot, lab, tmp_path, monkeypatch, text, said) -> None:
    window = opened(lab)
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    chosen = window.session.trial
    bring(window, qtbot, monkeypatch, path)
    qtbot.waitUntil(lambda: bool(shown(window, TextDialog)))
    dialog = shown(window, TextDialog)[0]
    assert said in dialog.shown.toPlainText()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert window.buttons["questions"].isChecked()
    assert (window.session.trial, window.session.tables) == (chosen, {})
    bring(window, qtbot, monkeypatch, invented_table(path, seeds=3, items=60))  # mended, it is read
    asked(window, qtbot).reject()


def test_a_bug_in_reading_is_shown_as_one(opened, qtbot, lab, table, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(operations, "read_table", broken)
    window = opened(lab)
    bring(window, qtbot, monkeypatch, table)
    qtbot.waitUntil(lambda: bool(shown(window, CrashDialog)))
    shown(window, CrashDialog)[0].accept()


def test_a_bug_in_judging_leaves_the_dialog_open(opened, qtbot, lab, table, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("oops")

    window = opened(lab)
    bring(window, qtbot, monkeypatch, table)
    dialog = asked(window, qtbot)
    plain = operations.judge_table
    monkeypatch.setattr(operations, "judge_table", broken)
    qtbot.mouseClick(dialog.judge, LEFT)
    qtbot.waitUntil(lambda: bool(shown(window, CrashDialog)))
    shown(window, CrashDialog)[0].accept()
    monkeypatch.setattr(operations, "judge_table", plain)
    qtbot.mouseClick(dialog.judge, LEFT)
    judged(window, qtbot)


def test_of_two_files_the_later_counts(opened, qtbot, lab, tmp_path, table, held) -> None:
    window = opened(lab)
    gate = held("read_table")
    other = invented_table(tmp_path / "other.csv", {"base": (0.2, 0.2), "a": (0.5, 0.5)}, 3, 20)
    assert drop(window, files(table))
    assert drop(window, files(other))
    gate.set()
    assert asked(window, qtbot).fields["treated"].arm == "a"
    qtbot.wait(600)
    assert len(shown(window, ResultsDialog)) == 1
    assert not shown(window, WaitDialog)
    shown(window, ResultsDialog)[0].reject()


def test_nothing_chosen_reads_nothing(opened, qtbot, lab, monkeypatch) -> None:
    window = opened(lab)
    bring(window, qtbot, monkeypatch, "")
    qtbot.wait(100)
    assert not window.findChildren(WaitDialog)
    assert not window.findChildren(ResultsDialog)


def test_reading_can_be_given_up(opened, qtbot, lab, table, monkeypatch, held) -> None:
    window = opened(lab)
    gate = held("read_table")
    bring(window, qtbot, monkeypatch, table)
    qtbot.waitUntil(lambda: bool(shown(window, WaitDialog)))
    wait = shown(window, WaitDialog)[0]
    assert wait.sentence.text() == "Reading results.csv …"
    qtbot.mouseClick(wait.cancel, LEFT)
    gate.set()
    qtbot.wait(700)
    assert not shown(window, ResultsDialog)
    assert not shown(window, WaitDialog)


def test_naming_and_judging_can_be_given_up(opened, qtbot, lab, table, monkeypatch, held) -> None:
    window = opened(lab)
    bring(window, qtbot, monkeypatch, table)
    qtbot.keyClick(asked(window, qtbot), Qt.Key.Key_Escape)
    assert not shown(window, ResultsDialog)
    gate = held("judge_table")
    bring(window, qtbot, monkeypatch, table)
    dialog = asked(window, qtbot)
    qtbot.mouseClick(dialog.judge, LEFT)
    assert dialog.judge.text() == "Judging …"
    assert not dialog.judge.isEnabled()
    qtbot.mouseClick(dialog.cancel, LEFT)
    gate.set()
    qtbot.wait(1000)
    assert window.session.tables == {}
    assert window.buttons["questions"].isChecked()
    assert not list(lab.home.reports.glob("*"))


@pytest.mark.parametrize("name", ["read_table", "judge_table"])
def test_the_window_closes_while_a_file_is_at_work(opened, qtbot, lab, table, monkeypatch, held, name: str) -> None:
    window = opened(lab)
    gate = held(name)
    bring(window, qtbot, monkeypatch, table)
    if name == "judge_table":
        qtbot.mouseClick(asked(window, qtbot).judge, LEFT)
    else:
        qtbot.waitUntil(lambda: bool(shown(window, WaitDialog)))
    threading.Timer(0.3, gate.set).start()
    with qtbot.waitSignal(window.session.closed):
        window.close()
    qtbot.waitUntil(lambda: not window.isVisible())
    assert lab.closed
    assert not any(shown(window, kind) for kind in (WaitDialog, ResultsDialog, CrashDialog))


def test_a_table_that_cannot_be_kept_is_shown_and_that_is_said(opened, qtbot, lab, table, monkeypatch) -> None:
    window = opened(lab)
    lab.home.reports.write_text("a file where the folder should be", "utf-8")
    bring(window, qtbot, monkeypatch, table)
    qtbot.mouseClick(asked(window, qtbot).judge, LEFT)
    page = judged(window, qtbot)
    qtbot.waitUntil(lambda: len(window.messages.banners()) == 1)
    assert "cannot be written" in window.messages.banners()[0].message.text()
    assert page.head.exploratory.isVisible()


@pytest.mark.parametrize("name", [n for n in HOSTILE if n != "empty"])
def test_hostile_names_are_shown_as_plain_text(opened, qtbot, lab, tmp_path, name: str) -> None:
    words = HOSTILE[name][:150].replace("\x00", "\x07")  # a NUL is refused where files are read
    safe = words.replace("/", "_")[:60]
    if os.name == "nt" and any(letter in '<>:"|?*\\' or letter < " " for letter in safe):
        pytest.skip("no file can be called so there")
    path = tmp_path / f"{safe}.jsonl"
    rows = [
        {"arm": arm, "seed": seed, "item": f"{words}{n}", "prediction": words if n % 7 < right else "x", "gold": words,
         "cluster": words, words: words}
        for arm, right in (("base", 2), (words, 4), (f"{words}&", 6)) for seed in range(3) for n in range(28)
    ]  # fmt: skip
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    window = opened(lab)
    assert drop(window, files(path))
    dialog = asked(window, qtbot)
    dialog.grab()
    assert dialog.width() <= 1280
    assert_plain(window, *(field.arms for field in dialog.fields.values()))
    qtbot.mouseClick(dialog.judge, LEFT)
    page = judged(window, qtbot)
    window.grab()
    assert window.width() <= 1280
    assert_plain(window, page.chooser)


def assert_plain(window, *boxes: QComboBox) -> None:
    unsafe = {"\u202e", "\x00", "\x1b"}
    for label in window.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText
        assert not unsafe & set(label.text())
    for box in boxes:
        assert not any(unsafe & set(box.itemText(n)) for n in range(box.count()))
    for widget in window.findChildren(QWidget):
        assert "<b>" not in widget.toolTip()
        assert "<img" not in widget.toolTip()
