from __future__ import annotations

from pathlib import Path

from fake_lab import FakeLab
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtTest import QAbstractItemModelTester

from engine.spec.runs import RunRecord
from gui.dialogs.error import TextDialog
from gui.pages.queue import COLUMNS, QueuePage
from gui.tables.runs import RunsModel, in_order, left_words, state_words


def queue(window, qtbot) -> QueuePage:
    window.go("queue")
    return window.pages["queue"]


def select(page: QueuePage, *states: str) -> list[str]:
    """Select the first run of each state; gives their hashes."""
    found = []
    for state in states:
        row = next(n for n in range(page.model.rowCount()) if page.model.run(n).state == state)
        flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        page.table.selectionModel().select(page.model.index(row, 0), flags)
        found.append(page.model.run(row).run)
    return found


def click(qtbot, widget) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def test_an_empty_queue_leads_to_the_questions(opened, qtbot, tmp_path: Path) -> None:
    window = opened(FakeLab(tmp_path, trials=0))
    page = queue(window, qtbot)
    assert page.is_empty
    assert page.empty.sentence.text() == "Nothing is queued."
    click(qtbot, page.empty.button)
    assert window.buttons["questions"].isChecked()


def test_runs_are_listed_with_states_in_words(opened, qtbot, lab) -> None:
    page = queue(opened(lab), qtbot)
    model = page.model
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    states = [model.run(n).state for n in range(model.rowCount())]
    assert states == sorted(states, key=["running", "queued", "succeeded"].index)
    words = [model.index(n, 2).data() for n in range(model.rowCount())]
    assert words[0].startswith("training, step")
    assert "queued, 1st" in words
    assert model.index(0, 4).data() == "9–16 s"


def test_buttons_follow_the_selection(opened, qtbot, lab) -> None:
    page = queue(opened(lab), qtbot)
    assert not any(b.isEnabled() for b in (page.cancel, page.retry, page.next, page.log))
    select(page, "queued")
    assert (page.cancel.isEnabled(), page.retry.isEnabled(), page.log.isEnabled()) == (True, False, True)
    select(page, "succeeded")
    assert page.selected.text() == "2 runs selected"
    assert not page.log.isEnabled()


def test_cancel_by_mouse_and_by_key(opened, qtbot, lab) -> None:
    page = queue(opened(lab), qtbot)
    runs = select(page, "running", "queued", "succeeded")
    click(qtbot, page.cancel)
    qtbot.waitUntil(lambda: [a for a in lab.asked if a[0] == "cancel"] == [("cancel", r) for r in runs[:2]])
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: len([a for a in lab.asked if a[0] == "cancel"]) == 4)


def test_retry_and_reason_of_a_failed_run(opened, qtbot, tmp_path: Path) -> None:
    lab = FakeLab(tmp_path, step=1)
    page = queue(opened(lab), qtbot)
    run = select(page, "failed")[0]
    row = next(n for n in range(page.model.rowCount()) if page.model.run(n).run == run)
    assert page.model.index(row, 2).data() == "failed: The loss became infinite."
    assert "Lower the rate." in page.model.index(row, 2).data(Qt.ItemDataRole.ToolTipRole)
    click(qtbot, page.retry)
    qtbot.waitUntil(lambda: ("retry", run) in lab.asked)


def test_a_waiting_run_can_be_next(opened, qtbot, lab) -> None:
    page = queue(opened(lab), qtbot)
    row = next(
        n
        for n in range(page.model.rowCount())
        if (page.model.run(n).position or 0) == 2 and page.model.run(n).state == "queued"
    )
    page.table.selectRow(row)
    run = page.model.run(row).run
    click(qtbot, page.next)
    qtbot.waitUntil(lambda: ("first", run) in lab.asked)


def test_the_queue_pauses_and_goes_on(opened, qtbot, lab) -> None:
    page = queue(opened(lab), qtbot)
    click(qtbot, page.pause)
    qtbot.waitUntil(lambda: page.pause.text() == "Resume queue")
    assert "paused" in page.subtitle.text()
    click(qtbot, page.pause)
    qtbot.waitUntil(lambda: page.pause.text() == "Pause queue")


def test_a_log_is_shown_as_it_is(opened, qtbot, lab) -> None:
    window = opened(lab)
    page = queue(window, qtbot)
    run = select(page, "running")[0]
    folder = lab.home.run(run)
    folder.mkdir(parents=True)
    (folder / "run.log").write_bytes(b"<b>hello</b>\n\xff\x00end\n")
    click(qtbot, page.log)
    qtbot.waitUntil(lambda: window.findChild(TextDialog) is not None)
    dialog = window.findChild(TextDialog)
    assert dialog.shown.toPlainText().startswith("<b>hello</b>\n")
    click(qtbot, dialog.copy)
    assert dialog.copy.text() == "Copied"
    dialog.accept()


def test_no_log_is_said(opened, qtbot, lab) -> None:
    window = opened(lab)
    page = queue(window, qtbot)
    select(page, "queued")
    click(qtbot, page.log)
    qtbot.waitUntil(lambda: len(window.messages.banners()) == 1)
    assert window.messages.banners()[0].message.text() == "This run has written no log yet."


def test_the_selection_stays_on_its_runs_when_the_order_changes(opened, qtbot, lab) -> None:
    page = queue(opened(lab), qtbot)
    run = select(page, "running")[0]
    lab.step = 149
    qtbot.wait(50)
    lab.step = 150
    qtbot.waitUntil(lambda: all(page.model.run(n).state == "succeeded" for n in range(page.model.rowCount())))
    rows = page.table.selectionModel().selectedRows()
    assert [page.model.run(i.row()).run for i in rows] == [run]


def test_only_what_differs_is_told(qtbot, tmp_path: Path, opened, lab) -> None:
    page = queue(opened(lab), qtbot)
    rows = page._rows(lab.snapshot())
    model = RunsModel(("arm", "step"), page.context.theme)
    model.show_rows(rows)
    with qtbot.assertNotEmitted(model.dataChanged), qtbot.assertNotEmitted(model.modelReset):
        model.show_rows(list(rows))


def test_words(tmp_path: Path) -> None:
    runs = in_order(FakeLab(tmp_path, step=1).snapshot().runs)
    assert all(state_words(r) for r in runs)
    assert {left_words(r) for r in runs if r.state == "succeeded"} == {"took 21 s"}


def test_a_run_that_waits_says_for_what(opened, qtbot, lab, monkeypatch) -> None:
    plain, waits = lab._runs, "waits for the weights that SFT, seed 4 is making"

    def runs() -> list[RunRecord]:
        return [
            run.model_copy(update={"reason": waits}) if run.arm == "sft-dpo" and run.state == "queued" else run
            for run in plain()
        ]

    monkeypatch.setattr(lab, "_runs", runs)
    window = opened(lab)
    window.go("queue")
    model = window.pages["queue"].model
    column = COLUMNS.index("state")
    said = [model.index(row, column).data() for row in range(model.rowCount())]
    assert f"queued: {waits}" in said
    assert "queued, 1st" in said
