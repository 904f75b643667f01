"""What a table does not say is asked for in the window: columns, arms of files, words, scores."""

from __future__ import annotations

from pathlib import Path

import pytest
from elsewhere_steps import LEFT, asked, bring, drop, files, judged, shown
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFileDialog, QLabel

from engine.data.tables.choices import Choices, Sketch, Source
from gui.dialogs.error import TextDialog
from gui.dialogs.mapping import MappingDialog
from gui.dialogs.results import ResultsDialog
from tests.support.tables import csv_text, lm_eval_samples, outcomes, write


def mapping(window, qtbot) -> MappingDialog:
    """The dialog that asks how a table is read."""
    qtbot.waitUntil(lambda: bool(shown(window, MappingDialog)), timeout=10_000)
    return shown(window, MappingDialog)[0]


def pick(qtbot, box: QComboBox, value: object) -> None:
    """Choose by keyboard."""
    wanted = next(n for n in range(box.count()) if box.itemData(n) == value)
    box.setFocus()
    while box.currentIndex() != wanted:
        qtbot.keyClick(box, Qt.Key.Key_Down if box.currentIndex() < wanted else Qt.Key.Key_Up)


def texts(dialog) -> str:
    return " ".join(label.text() for label in dialog.findChildren(QLabel))


def test_a_table_without_seeds_asks_for_them(opened, qtbot, lab, tmp_path, monkeypatch) -> None:
    rows = [
        {"model": r["arm"], "question_id": r["item"], "run": r["seed"], "correct": r["correct"]} for r in outcomes()
    ]
    window = opened(lab)
    bring(window, qtbot, monkeypatch, write(tmp_path / "t.csv", csv_text(rows)))
    dialog = mapping(window, qtbot)
    assert dialog.problem.text().startswith("Which seed is a row of?")
    assert (dialog.columns["arm"].chosen, dialog.columns["item"].chosen) == ("model", "question_id")
    assert dialog.columns["seed"].chosen == "run"
    assert dialog.columns["seed"].guessed
    assert "%" not in texts(dialog)  # no figure of an arm
    qtbot.mouseClick(dialog.read, LEFT)
    parts = asked(window, qtbot)
    assert parts._contents.seeds == {"base": (0, 1, 2), "sft": (0, 1, 2), "dpo": (0, 1, 2)}
    assert "seed (called run)" in texts(parts)
    qtbot.mouseClick(parts.judge, LEFT)
    judged(window, qtbot)


def test_columns_without_a_seed_are_not_ticked_as_arms(opened, qtbot, lab, tmp_path, monkeypatch) -> None:
    rows = {}
    for r in outcomes():
        rows.setdefault(r["item"], {"item": r["item"]})[f"{r['arm']}_{r['seed']}"] = r["correct"]
    for at, row in enumerate(rows.values()):
        row["is_hard"] = at % 2
    window = opened(lab)
    bring(window, qtbot, monkeypatch, write(tmp_path / "t.csv", csv_text(list(rows.values()))))
    dialog = mapping(window, qtbot)
    boxes = [dialog.arm_list.item(at) for at in range(dialog.arm_list.count())]
    unticked = [box.text() for box in boxes if box.checkState() == Qt.CheckState.Unchecked]
    assert unticked == ["is_hard"]
    qtbot.mouseClick(dialog.read, LEFT)
    parts = asked(window, qtbot)
    assert parts._contents.seeds == {"base": (0, 1, 2), "sft": (0, 1, 2), "dpo": (0, 1, 2)}
    parts.reject()


def test_a_wrong_answer_is_asked_again(opened, qtbot, lab, tmp_path, monkeypatch) -> None:
    rows = [{"model": r["arm"], "question_id": r["item"], "correct": r["correct"]} for r in outcomes()]
    window = opened(lab)
    path = write(tmp_path / "t.csv", csv_text(rows))
    bring(window, qtbot, monkeypatch, path)
    dialog = mapping(window, qtbot)
    assert dialog.columns["seed"].chosen == "none"  # guessed; yet each item comes three times
    qtbot.mouseClick(dialog.read, LEFT)
    qtbot.waitUntil(lambda: shown(window, MappingDialog) not in ([], [dialog]))
    dialog = mapping(window, qtbot)
    assert dialog.problem.text() == "t.csv has 240 problems:"
    assert dialog.problems.isVisible()
    assert dialog.problems.isReadOnly()
    listed = dialog.problems.toPlainText()
    assert listed.splitlines()[-1] == "- and 190 more"
    assert len(listed.splitlines()) == 51
    assert "--" not in listed + dialog.hint.text()
    assert "Correct the rows named" in dialog.hint.text()
    assert dialog.columns["seed"].chosen == "none"
    pick(qtbot, dialog.columns["seed"].box, None)
    qtbot.mouseClick(dialog.read, LEFT)
    qtbot.waitUntil(lambda: shown(window, MappingDialog) not in ([], [dialog]))
    dialog = mapping(window, qtbot)
    assert dialog.problem.text().startswith("Which seed is a row of?")
    dialog.reject()
    bring(window, qtbot, monkeypatch, write(path, "arm,seed\n\0"))  # another file: nothing was asked about it
    qtbot.waitUntil(lambda: bool(shown(window, TextDialog)))
    shown(window, TextDialog)[0].accept()


def test_files_of_arms_are_dropped_together(opened, qtbot, lab, tmp_path) -> None:
    paths = []
    for arm, rate in (("base", 0.3), ("sft", 0.6)):
        (tmp_path / arm).mkdir()
        paths += [lm_eval_samples(tmp_path / arm / f"samples_gsm_{n}.jsonl", rate, seed=n) for n in range(2)]
    window = opened(lab)
    assert drop(window, files(*paths))
    dialog = mapping(window, qtbot)
    assert [field.text() for field in dialog.arms] == ["base", "base", "sft", "sft"]
    assert "Press Read if these names are right" in dialog.problem.text()
    assert "Which arm" not in dialog.problem.text()
    dialog.arms[2].setText("tuned")
    dialog.arms[3].setText("tuned")
    qtbot.mouseClick(dialog.read, LEFT)
    parts = asked(window, qtbot)
    assert parts._contents.seeds == {"base": (0, 1), "tuned": (0, 1)}
    assert "Files of one arm count as its seeds" in texts(parts)
    assert parts.fields["treated"].arm == "tuned"
    qtbot.mouseClick(parts.judge, LEFT)
    page = judged(window, qtbot)
    assert page.result is not None
    assert "4 files" in str(page.result.data["source"])


def test_further_files_are_added(opened, qtbot, lab, tmp_path, monkeypatch) -> None:
    first, second = (lm_eval_samples(tmp_path / f"{arm}.jsonl", rate) for arm, rate in (("base", 0.3), ("sft", 0.6)))
    window = opened(lab)
    bring(window, qtbot, monkeypatch, first)
    dialog = mapping(window, qtbot)
    assert [field.text() for field in dialog.arms] == ["base"]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(second)], ""))
    qtbot.mouseClick(dialog.add_file, LEFT)
    assert [field.text() for field in dialog.arms] == ["base", "sft"]
    qtbot.mouseClick(dialog.read, LEFT)
    assert asked(window, qtbot)._contents.seeds == {"base": (0,), "sft": (0,)}
    shown(window, ResultsDialog)[0].reject()


def test_a_wide_table_shows_its_arms(opened, qtbot, lab, tmp_path, monkeypatch) -> None:
    rows = [
        {"": n, "question_id": f"q{n}", "hard": n % 2, "base": n % 3 == 0, "sft": n % 3 > 0, "dpo": n % 5 > 0}
        for n in range(40)
    ]
    window = opened(lab)
    bring(window, qtbot, monkeypatch, write(tmp_path / "wide.csv", csv_text(rows)))
    dialog = mapping(window, qtbot)
    assert dialog._ticked() == ("hard", "base", "sft", "dpo")
    assert dialog.columns["seed"].chosen == "none"
    assert dialog.arm_list is not None
    dialog.arm_list.item(0).setCheckState(Qt.CheckState.Unchecked)
    qtbot.mouseClick(dialog.read, LEFT)
    parts = asked(window, qtbot)
    assert tuple(parts._contents.seeds) == ("base", "sft", "dpo")
    assert "Not used: (no name), hard." in texts(parts)
    qtbot.mouseClick(parts.columns, LEFT)  # back to how it is read
    again = mapping(window, qtbot)
    assert not again.problem.isVisible()
    assert again._ticked() == ("base", "sft", "dpo")
    again.reject()


def test_words_and_scores_are_asked_for(opened, qtbot, lab, tmp_path, monkeypatch) -> None:
    words = {0: "rate", 1: "vero-ish"}
    path = write(tmp_path / "t.csv", csv_text([r | {"correct": words[r["correct"]]} for r in outcomes()]))
    window = opened(lab)
    bring(window, qtbot, monkeypatch, path)
    dialog = mapping(window, qtbot)
    assert set(dialog.words) == {"rate", "vero-ish"}
    pick(qtbot, dialog.words["vero-ish"], True)
    pick(qtbot, dialog.words["rate"], False)
    qtbot.mouseClick(dialog.read, LEFT)
    parts = asked(window, qtbot)
    assert "'vero-ish' is right" in texts(parts)
    parts.reject()
    path = write(tmp_path / "s.csv", csv_text([r | {"correct": 0.2 + 0.5 * r["correct"]} for r in outcomes()]))
    bring(window, qtbot, monkeypatch, path)
    dialog = mapping(window, qtbot)
    assert dialog.threshold.isVisible()
    assert dialog.problem.text().startswith("The cells are scores")
    dialog.threshold.setValue(0.5)
    qtbot.mouseClick(dialog.read, LEFT)
    parts = asked(window, qtbot)
    assert "a score of at least 0.5 counts as right" in texts(parts)
    parts.reject()


def test_scores_in_percent_are_asked_for_in_percent(opened, qtbot, lab, tmp_path, monkeypatch) -> None:
    percent = {0: "23%", 1: "57 %"}
    path = write(tmp_path / "s.csv", csv_text([r | {"correct": percent[r["correct"]]} for r in outcomes()]))
    window = opened(lab)
    bring(window, qtbot, monkeypatch, path)
    dialog = mapping(window, qtbot)
    assert dialog.threshold.text() == "not said"
    dialog.threshold.setFocus()
    dialog.threshold.selectAll()
    qtbot.keyClicks(dialog.threshold, "57")
    assert dialog.threshold.text() == "57 %"
    assert dialog.choice()[1].threshold == 0.57
    right = sum(r["correct"] for r in outcomes())
    qtbot.mouseClick(dialog.read, LEFT)
    parts = asked(window, qtbot)
    assert f"a score of at least 0.57 (57 %) counts as right, which is so in {right:,} of" in texts(parts)
    qtbot.mouseClick(parts.columns, LEFT)
    assert mapping(window, qtbot).threshold.text() == "57.0 %"


def test_a_file_is_named_for_no_arm_where_a_column_says_it(opened, qtbot, lab, tmp_path, monkeypatch) -> None:
    rows = [{"wer": r["arm"], "item": r["item"], "Lauf": r["seed"], "correct": r["correct"]} for r in outcomes()]
    window = opened(lab)
    bring(window, qtbot, monkeypatch, write(tmp_path / "runs.csv", csv_text(rows)))
    dialog = mapping(window, qtbot)
    assert [field.text() for field in dialog.arms] == ["runs"]
    assert (dialog.columns["seed"].chosen, dialog.columns["seed"].guessed) == ("Lauf", True)
    pick(qtbot, dialog.columns["arm"].box, "wer")
    assert [(field.text(), field.isEnabled()) for field in dialog.arms] == [("", False)]
    pick(qtbot, dialog.columns["arm"].box, None)
    assert [(field.text(), field.isEnabled()) for field in dialog.arms] == [("runs", True)]
    pick(qtbot, dialog.columns["arm"].box, "wer")
    qtbot.mouseClick(dialog.read, LEFT)
    assert asked(window, qtbot)._contents.seeds == {"base": (0, 1, 2), "sft": (0, 1, 2), "dpo": (0, 1, 2)}


def test_names_that_were_given_to_files_come_back(qtbot) -> None:
    paths = (Path("base.csv"), Path("sft.csv"))
    sketch = Sketch(
        sources=tuple(Source(path, path.stem) for path in paths), form="long", roles={"arm": "arm"},
        columns={"arm": ("llama",)},
    )  # fmt: skip
    dialog = MappingDialog(sketch, Choices())
    qtbot.addWidget(dialog)
    assert dialog.columns["arm"].chosen is None
    assert [field.text() for field in dialog.arms] == ["base", "sft"]
    assert [source.arm for source in dialog.choice()[0]] == ["base", "sft"]
    pick(qtbot, dialog.columns["arm"].box, "arm")
    assert [source.arm for source in dialog.choice()[0]] == ["", ""]


@pytest.mark.parametrize("cells", [("exp-a", "exp-b", "exp-c"), None], ids=["words", "a number for each row"])
def test_a_column_that_only_sounds_like_seeds_is_not_guessed(
    opened, qtbot, lab, tmp_path, monkeypatch, cells
) -> None:  # fmt: skip
    rows = [
        {"arm": r["arm"], "item": r["item"], "run": cells[r["seed"]] if cells else at, "correct": r["correct"]}
        for at, r in enumerate(outcomes())
    ]
    window = opened(lab)
    bring(window, qtbot, monkeypatch, write(tmp_path / "t.csv", csv_text(rows)))
    assert mapping(window, qtbot).columns["seed"].chosen != "run"


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_hostile_columns_are_plain_text(opened, qtbot, lab, tmp_path: Path, mode: str) -> None:
    name = "<b>arm</b>\u202e<img src=x>"
    rows = [{name: r["arm"], "item": r["item"], "correct": r["correct"]} for r in outcomes()]
    window = opened(lab, mode)
    assert drop(window, files(write(tmp_path / "t.csv", csv_text(rows))))
    dialog = mapping(window, qtbot)
    dialog.grab()
    for box in dialog.findChildren(QComboBox):
        assert box.accessibleName()
        assert not any("\u202e" in box.itemText(n) for n in range(box.count()))
    for label in dialog.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText
    dialog.reject()
