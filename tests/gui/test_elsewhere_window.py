"""Results from elsewhere, from the button or a dropped file to the verdict: with real clicks, keys and drops."""

from __future__ import annotations

import json

import pytest
from elsewhere_steps import LEFT, asked, bring, choose, drop, files, judged, shown
from fake_lab import STEPS, FakeLab
from fake_table import ARMS, invented_table
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtWidgets import QApplication, QComboBox, QDoubleSpinBox, QFileDialog, QLabel, QWidget

from engine.stats.display.wording import together
from gui.dialogs.error import TextDialog
from gui.dialogs.results import ResultsDialog
from gui.dialogs.wait import WaitDialog
from jobs.report import FORMATS


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
    assert page.subtitle.text().startswith("results.csv · trained elsewhere · 5 arms · 3 seeds · judged ")
    assert page.head.exploratory.isVisible()
    assert page.head.standing.text().startswith("Exploratory: ")
    assert page.head.sentence.text() == together(result.verdict.text)
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
    qtbot.waitUntil(target.exists)
    qtbot.waitUntil(lambda: page.export.isEnabled() and page.export.text() == "Export report")
    assert window.messages.banners()[0].message.text() == "The report is written."
    assert "Every item" not in offered[0]
    assert all(f"(*{known})" in offered[0] for known in FORMATS)


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
    page.scroller.verticalScrollBar().setValue(200)
    assert page.scroller.verticalScrollBar().value() > 0
    window.theme.choose("dark")
    assert page.scroller.verticalScrollBar().value() > 0  # the same result in other colours
    needed = page.table.sizeHintForColumn(0)
    assert page.table.columnWidth(0) >= needed  # three arms leave it the room
    shown_ = [chooser.itemText(n).split(" · ")[0] for n in range(chooser.count())]
    assert sorted(shown_) == ["function-calling", "other.csv", "results.csv"]
    chooser.setFocus()
    while not page.title.text().startswith("Did sft-dpo"):
        qtbot.keyClick(chooser, Qt.Key.Key_Down if chooser.currentIndex() + 1 < chooser.count() else Qt.Key.Key_Home)
    assert page.scroller.verticalScrollBar().value() == 0
    chooser.setCurrentIndex(shown_.index("function-calling"))
    chooser.activated.emit(chooser.currentIndex())
    qtbot.waitUntil(lambda: page.head.pill.word == "Learned" and not page.head.exploratory.isVisible())


def test_a_file_is_dropped_on_any_page(opened, qtbot, lab, table) -> None:
    window = opened(lab)
    window.go("queue")
    assert drop(window, files(table))
    qtbot.mouseClick(asked(window, qtbot).judge, LEFT)
    judged(window, qtbot)


def test_what_is_no_file_is_not_taken(opened, qtbot, lab, table) -> None:
    window = opened(lab)
    text = QMimeData()
    text.setText(str(table))
    assert not drop(window, text)
    assert not drop(window, files(table, "https://example.org/results.csv"))
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
    assert together(json.loads(kept.read_text("utf-8"))["verdict"]["text"]) == page.head.sentence.text()
    with qtbot.waitSignal(window.session.closed):
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
    wanted = [*(f.arms for f in dialog.fields.values()), dialog.margin, dialog.floor, dialog.columns, dialog.cancel,
              dialog.judge]  # fmt: skip
    wanted[0].setFocus()
    met = [QApplication.focusWidget()]
    for _ in wanted[1:]:
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        met.append(QApplication.focusWidget())
    assert met == wanted
    dialog.reject()
