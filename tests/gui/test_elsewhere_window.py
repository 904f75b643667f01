"""Results from elsewhere, from the button or a dropped file to the verdict: with real clicks, keys and drops."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_lab import STEPS, FakeLab
from fake_table import ARMS, invented_table
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QComboBox, QDialog, QDoubleSpinBox, QFileDialog, QLabel, QWidget
from test_hostile import HOSTILE

from gui import operations
from gui.dialogs.error import CrashDialog, TextDialog
from gui.dialogs.results import ResultsDialog
from gui.dialogs.wait import WaitDialog
from jobs.report import FORMATS

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return invented_table(tmp_path / "results.csv", seeds=3, items=60)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], threading.Event]]:
    """Makes an operation wait until its event is set; set at the end at the latest."""
    gates: list[threading.Event] = []

    def hold(name: str) -> threading.Event:
        gate, plain = threading.Event(), getattr(operations, name)
        gates.append(gate)

        def waits(*arguments: object) -> object:
            gate.wait(20)
            return plain(*arguments)

        monkeypatch.setattr(operations, name, waits)
        return gate

    yield hold
    for gate in gates:
        gate.set()


def bring(window, qtbot, monkeypatch, path: Path | str) -> None:
    """Press the button and choose this file ("" for none)."""
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    qtbot.mouseClick(window.pages["questions"].elsewhere, LEFT)


def asked(window, qtbot) -> ResultsDialog:
    """The dialog that names the arms' parts."""
    qtbot.waitUntil(lambda: bool(shown(window, ResultsDialog)), timeout=10_000)
    return shown(window, ResultsDialog)[0]


def shown(window, kind: type[QDialog]) -> list:
    return [dialog for dialog in window.findChildren(kind) if dialog.isVisible()]


def choose(qtbot, field, arm: str) -> None:
    """Choose an arm as a user at the keyboard does."""
    field.arms.setFocus()
    wanted = field.arms.findData(arm)
    while field.arms.currentIndex() != wanted:
        qtbot.keyClick(field.arms, Qt.Key.Key_Down if field.arms.currentIndex() < wanted else Qt.Key.Key_Up)


def judged(window, qtbot, tables: int = 1):
    """The verdict page, once it shows a table."""
    qtbot.waitUntil(lambda: len(window.session.tables) == tables, timeout=20_000)
    page = window.pages["verdict"]
    qtbot.waitUntil(lambda: window.buttons["verdict"].isChecked() and not page.is_empty)
    return page


def drop(window, data: QMimeData) -> bool:
    """Drag over the window and drop; gives whether the window wanted it."""
    action, none = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    at = QPointF(640, 400)
    enter = QDragEnterEvent(at.toPoint(), action, data, LEFT, none)
    enter.ignore()
    QApplication.sendEvent(window, enter)
    if enter.isAccepted():
        QApplication.sendEvent(window, QDropEvent(at, action, data, LEFT, none))
    return enter.isAccepted()


def files(*paths: Path | str) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(p)) if isinstance(p, Path) else QUrl(p) for p in paths])
    return data


def test_from_the_button_to_the_verdict(opened, qtbot, lab, table, monkeypatch) -> None:
    window = opened(lab)
    bring(window, qtbot, monkeypatch, table)
    dialog = asked(window, qtbot)
    words = " ".join(label.text() for label in dialog.findChildren(QLabel))
    assert "780 rows, 5 arms, 3 seeds, 60 items" in words
    assert "item (called item_id)" in words
    assert "reliance on it can be measured" in words
    guesses = {part: field.arm for part, field in dialog.fields.items()}
    assert guesses == {"treated": "sft-dpo", "reference": "sft", "base": "base", "format": "shuffled",
                       "planted": "planted"}  # fmt: skip
    assert all(field.mark.isVisible() for field in dialog.fields.values())
    assert dialog.preview.words.rowCount() == len(ARMS)
    choose(qtbot, dialog.fields["reference"], "base")
    assert not dialog.fields["reference"].mark.isVisible()
    dialog.margin.selectAll()
    qtbot.keyClicks(dialog.margin, "2.5")
    qtbot.keyClick(dialog.judge, Qt.Key.Key_Space)
    page = judged(window, qtbot)
    assert not shown(window, ResultsDialog)
    result = page.result
    assert result is not None
    assert (result.study.primary.contrast, result.study.primary.margin) == (("sft-dpo", "base"), 0.025)
    assert page.title.text() == "Did sft-dpo learn the task, or sharpen a shortcut, against base?"
    assert page.subtitle.text().startswith("results.csv · trained elsewhere · 5 arms × 3 seeds · judged ")
    assert page.head.exploratory.isVisible()
    assert page.head.standing.text().startswith("Exploratory: ")
    assert page.head.sentence.text() == result.verdict.text
    assert page.waterfall.isVisible()
    assert page.flips.isVisible()  # the table has the models' own words
    words = page.flips.table.words
    assert [words.headerData(n, Qt.Orientation.Horizontal) for n in range(words.columnCount())] == [
        "item", "sft-dpo", "base", "seeds",
    ]  # fmt: skip
    assert words.index(0, 1).data().startswith("right: get_weather(city='Turin')")
    assert page.cards["threats"].isVisible()
    page.grab()


@pytest.mark.parametrize("ending", FORMATS)
def test_it_is_exported_in_every_format(opened, qtbot, lab, table, monkeypatch, ending: str) -> None:
    window = opened(lab)
    bring(window, qtbot, monkeypatch, table)
    qtbot.mouseClick(asked(window, qtbot).judge, LEFT)
    page = judged(window, qtbot)
    target = table.with_name(f"out{ending}")
    offered: list[str] = []

    def pick(_parent: QWidget, _title: str, _name: str, kinds: str) -> tuple[str, str]:
        offered.append(kinds)
        return str(target), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", pick)
    qtbot.mouseClick(page.export, LEFT)
    qtbot.waitUntil(target.exists, timeout=20_000)
    qtbot.waitUntil(lambda: page.export.isEnabled() and page.export.text() == "Export report")
    assert window.messages.banners()[0].message.text() == "The report is written."
    assert "Every item" not in offered[0]
    assert all(f"(*{known})" in offered[0] for known in FORMATS)


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
        ("arm,seed,item\nbase,0,a\n", "bad.csv has no column correct"),
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


def test_two_tables_and_a_trial_can_be_chosen(opened, qtbot, tmp_path, table, monkeypatch) -> None:
    window = opened(FakeLab(tmp_path, step=STEPS))
    other = invented_table(tmp_path / "other.csv", {"base": (0.2, 0.2), "a": (0.5, 0.5), "b": (0.7, 0.6)}, 3, 60)
    for at, path in enumerate((table, other), 1):
        window.go("questions")
        bring(window, qtbot, monkeypatch, path)
        qtbot.mouseClick(asked(window, qtbot).judge, LEFT)
        page = judged(window, qtbot, at)
    assert page.title.text().startswith("Did b learn")
    chooser = page.chooser
    assert chooser.isVisible()
    shown_ = [chooser.itemText(n).split(" · ")[0] for n in range(chooser.count())]
    assert sorted(shown_) == ["function-calling", "other.csv", "results.csv"]
    chooser.setFocus()
    while not page.title.text().startswith("Did sft-dpo"):
        qtbot.keyClick(chooser, Qt.Key.Key_Down if chooser.currentIndex() + 1 < chooser.count() else Qt.Key.Key_Home)
    chooser.setCurrentIndex(shown_.index("function-calling"))
    chooser.activated.emit(chooser.currentIndex())
    qtbot.waitUntil(lambda: page.head.pill.word == "Learned" and not page.head.exploratory.isVisible())


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
    with qtbot.waitSignal(window.session.closed, timeout=10_000):
        window.close()
    qtbot.waitUntil(lambda: not window.isVisible())
    assert lab.closed
    assert not any(shown(window, kind) for kind in (WaitDialog, ResultsDialog, CrashDialog))


def test_a_file_is_dropped_on_any_page(opened, qtbot, lab, table) -> None:
    window = opened(lab)
    window.go("queue")
    assert drop(window, files(table))
    qtbot.mouseClick(asked(window, qtbot).judge, LEFT)
    judged(window, qtbot)


def test_what_is_no_single_file_is_not_taken(opened, qtbot, lab, table) -> None:
    window = opened(lab)
    text = QMimeData()
    text.setText(str(table))
    assert not drop(window, text)
    assert not drop(window, files(table, table))
    assert not drop(window, files("https://example.org/results.csv"))
    assert not window.findChildren(WaitDialog)
    assert drop(window, files(table.parent))  # a folder is told apart where files are read: off this thread
    qtbot.waitUntil(lambda: bool(shown(window, TextDialog)))
    shown(window, TextDialog)[0].accept()


def test_a_judged_table_is_there_after_a_restart(opened, qtbot, tmp_path, table, monkeypatch) -> None:
    window = opened(FakeLab(tmp_path, trials=0))
    bring(window, qtbot, monkeypatch, table)
    qtbot.mouseClick(asked(window, qtbot).judge, LEFT)
    page = judged(window, qtbot)
    kept = tmp_path / "reports" / f"{window.session.trial}.json"
    qtbot.waitUntil(kept.exists)
    assert json.loads(kept.read_text("utf-8"))["verdict"]["text"] == page.head.sentence.text()
    with qtbot.waitSignal(window.session.closed, timeout=5000):
        window.close()
    again = opened(FakeLab(tmp_path, trials=0))
    again.go("verdict")
    found = again.pages["verdict"]
    qtbot.waitUntil(lambda: not found.is_empty)
    assert found.result == page.result
    again.go("live")
    live = again.pages["live"]
    assert live.empty.sentence.text() == "These results were trained elsewhere: there is nothing to watch."
    qtbot.mouseClick(live.empty.button, LEFT)
    assert again.buttons["verdict"].isChecked()


def test_a_table_that_cannot_be_kept_is_shown_and_that_is_said(opened, qtbot, lab, table, monkeypatch) -> None:
    window = opened(lab)
    lab.home.reports.write_text("a file where the folder should be", "utf-8")
    bring(window, qtbot, monkeypatch, table)
    qtbot.mouseClick(asked(window, qtbot).judge, LEFT)
    page = judged(window, qtbot)
    qtbot.waitUntil(lambda: len(window.messages.banners()) == 1)
    assert "cannot be written" in window.messages.banners()[0].message.text()
    assert page.head.exploratory.isVisible()


def test_without_sides_reliance_is_missing_and_that_is_said(opened, qtbot, lab, tmp_path, monkeypatch) -> None:
    window = opened(lab)
    path = invented_table(tmp_path / "plain.csv", {"base": (0.2, 0.2), "a": (0.5, 0.5), "b": (0.7, 0.6)}, 3, 60, False)
    bring(window, qtbot, monkeypatch, path)
    dialog = asked(window, qtbot)
    assert any("cannot be measured" in label.text() for label in dialog.findChildren(QLabel))
    assert (dialog.fields["format"].arm, dialog.fields["planted"].arm) == (None, None)
    assert not dialog.fields["planted"].mark.isVisible()
    qtbot.mouseClick(dialog.judge, LEFT)
    page = judged(window, qtbot)
    assert page.head.pill.word == "Inconclusive"
    page.grab()


def test_every_control_has_a_name_and_the_keyboard_reaches_it(opened, qtbot, lab, table, monkeypatch) -> None:
    window = opened(lab)
    bring(window, qtbot, monkeypatch, table)
    dialog = asked(window, qtbot)
    dialog.activateWindow()
    for kind in (QComboBox, QDoubleSpinBox):
        assert all(control.accessibleName() for control in dialog.findChildren(kind))
    wanted = [*(f.arms for f in dialog.fields.values()), dialog.margin, dialog.floor, dialog.cancel, dialog.judge]
    wanted[0].setFocus()
    met = [QApplication.focusWidget()]
    for _ in wanted[1:]:
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        met.append(QApplication.focusWidget())
    assert met == wanted
    dialog.reject()


@pytest.mark.parametrize("name", [n for n in HOSTILE if n != "empty"])
def test_hostile_names_are_shown_as_plain_text(opened, qtbot, lab, tmp_path, name: str) -> None:
    words = HOSTILE[name][:150].replace("\x00", "\x07")  # a NUL is refused where files are read
    if os.name == "nt" and name != "scripts":
        pytest.skip("no file can be called so there")
    safe = words.replace("/", "_")[:60]
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
