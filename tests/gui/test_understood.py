"""What was understood of a user's model and data stands in the options before anything can be queued."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from engine.spec.errors import DataError
from engine.spec.understanding import Cost, Fit, Inspection, Understanding
from gui import operations
from gui.dialogs.error import TextDialog
from gui.dialogs.options import OptionsDialog
from gui.operations import Launch

READ = Understanding(
    file="mine.jsonl", form="chat messages (OpenAI)", rows=300, examples=295, calls=240, several=12, declined=55,
    tools=31, train=220, items={"wording": 40, "tools": 22, "no_tool": 13},
    notes=("Arguments that are null because rows were padded were dropped in 24 rows.",),
    left_out=("row 7, field messages[1]: holds what looks like a call that cannot be read",), left_out_count=1,
)  # fmt: skip
FIT = Fit(
    language="Hermes", context=2048, prompt_tokens=412, answer_tokens=77, limit=112,
    prompt="<|im_start|>user\nTell the weather of Rome<|im_end|>\n<|im_start|>assistant\n",
    answer='<tool_call>{"name": "weather_now", "arguments": {"city": "Rome"}}</tool_call><|im_end|>',
)  # fmt: skip
FOUND = Inspection(
    understanding=READ, fit=FIT, seconds=(250.0, 340.0), memory=1_300_000_000,
    costs=(Cost(method="sft", seconds=40, memory=1_300_000_000, basis="measured on this machine"),),
)  # fmt: skip


def texts(dialog: OptionsDialog) -> dict[str, str]:
    grid = dialog.understood.grid
    cells = [[grid.itemAtPosition(row, at).widget().text() for at in (0, 1)] for row in range(grid.rowCount())]
    return dict(cells)


def asked(window, study: str = "function-calling") -> OptionsDialog:
    return window.pages["questions"].ask(window.session.studies[study])


def test_a_data_file_is_looked_at_and_described(opened, qtbot, lab, monkeypatch) -> None:
    looks: list[Launch] = []

    def inspect(_lab: object, _study: object, choice: Launch, _cancel: threading.Event) -> Inspection:
        looks.append(choice)
        return FOUND

    monkeypatch.setattr(operations, "inspect", inspect)
    dialog = asked(opened(lab))
    assert not dialog.understood.isVisible()
    assert not dialog.skip.isVisible()
    qtbot.keyClicks(dialog.data, "mine.jsonl")
    assert dialog.understood.looking.isVisible()
    assert not dialog.run.isEnabled(), "nothing is queued before there is something to read"
    qtbot.waitUntil(dialog.understood.table.isVisible)
    assert dialog.run.isEnabled()
    at, room = dialog.frameGeometry(), dialog.screen().availableGeometry()
    assert at.left() == 0, "wider than the test's screen: its left edge stays in sight"
    assert room.top() <= at.top() <= at.bottom() <= room.bottom()
    assert [choice.data for choice in looks] == [Path("mine.jsonl")], "looked at once, when typing had ended"
    said = texts(dialog)
    assert said["Form"] == "chat messages (OpenAI)"
    assert said["that call tools"] == "240 (12 of them with several calls)"
    assert said["Longest right answer"] == "77 tokens; answers are given up to 112"
    assert dialog.understood.cost.text().startswith("About 4 to 6 minutes on this machine and 1.3 GB")
    qtbot.mouseClick(dialog.understood.example, Qt.MouseButton.LeftButton)
    shown = dialog.findChild(TextDialog).shown.toPlainText()
    assert "Tell the weather of Rome" in shown
    assert shown.endswith("</tool_call><|im_end|>")
    dialog.findChild(TextDialog).accept()
    qtbot.mouseClick(dialog.understood.rows, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: any("row 7" in d.shown.toPlainText() for d in dialog.findChildren(TextDialog)))
    dialog.reject()


def test_what_is_wrong_is_said_at_length_and_the_choice_stays(opened, qtbot, lab, monkeypatch) -> None:
    problems = "\n".join(f"- row {row}, field messages: is missing" for row in range(1, 51))

    def inspect(*_: object) -> Inspection:
        raise DataError(f"mine.jsonl has 61 problems:\n{problems}\nand 11 more.", "Nothing was queued. Mend the rows.")

    monkeypatch.setattr(operations, "inspect", inspect)
    dialog = asked(opened(lab))
    qtbot.keyClicks(dialog.data, "mine.jsonl")
    qtbot.waitUntil(dialog.understood.error.isVisible)
    assert dialog.understood.error.text() == "mine.jsonl has 61 problems:"
    assert dialog.understood.hint.text() == "Nothing was queued. Mend the rows."
    assert dialog.understood.problems.isVisible()
    assert "- row 50, field messages: is missing\nand 11 more." in dialog.understood.problems.toPlainText()
    assert dialog.data.text() == "mine.jsonl"
    dialog.reject()


def test_a_look_that_is_no_longer_wanted_is_given_up_and_not_shown(opened, qtbot, lab, monkeypatch) -> None:
    cancels: list[threading.Event] = []

    def inspect(_lab: object, _study: object, choice: Launch, cancel: threading.Event) -> Inspection:
        cancels.append(cancel)
        if choice.data == Path("a"):
            assert cancel.wait(60)
            raise DataError("Given up.")
        return FOUND

    monkeypatch.setattr(operations, "inspect", inspect)
    dialog = asked(opened(lab))
    qtbot.keyClicks(dialog.data, "a")
    qtbot.waitUntil(lambda: len(cancels) == 1)
    qtbot.keyClicks(dialog.data, "b")
    assert cancels[0].is_set()
    qtbot.waitUntil(dialog.understood.table.isVisible)
    assert not dialog.understood.error.isVisible()
    dialog.reject()
    assert cancels[-1].is_set()


def test_how_a_file_is_read_is_chosen_only_where_there_is_one(opened, qtbot, lab, monkeypatch) -> None:
    monkeypatch.setattr(operations, "inspect", lambda *_: FOUND)
    dialog = asked(opened(lab))
    qtbot.keyClicks(dialog.data, "x")
    assert dialog.skip.isVisible()
    qtbot.mouseClick(dialog.skip, Qt.MouseButton.LeftButton, pos=dialog.skip.rect().center() * 0.2)
    dialog.grader.setCurrentIndex(dialog.grader.findData("bfcl"))
    dialog.batch.setValue(4)
    choice = dialog.choice()
    assert (choice.skip_bad_rows, choice.grader, choice.batch_size) == (dialog.skip.isChecked(), "bfcl", 4)
    dialog.data.clear()
    assert dialog.choice().grader == ""
    assert not dialog.choice().skip_bad_rows
    assert not dialog.understood.isVisible()
    dialog.reject()


@pytest.mark.parametrize("name", ["fork-s", "fork-m", ""])
def test_the_labs_own_models_need_no_look(opened, qtbot, lab, monkeypatch, name: str) -> None:
    monkeypatch.setattr(operations, "inspect", lambda *_: pytest.fail("nothing is to be looked at"))
    dialog = asked(opened(lab))
    dialog.model.setEditText(name)
    qtbot.wait(700)
    assert not dialog.understood.isVisible()
    assert dialog.run.isEnabled()
    dialog.reject()


def test_every_button_of_the_panel_has_a_name(opened, qtbot, lab) -> None:
    dialog = asked(opened(lab))
    assert all(button.accessibleName() for button in dialog.understood.findChildren(QPushButton))
    dialog.reject()
