from __future__ import annotations

import threading
from pathlib import Path

from fake_lab import STEPS, FakeLab
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from engine.models import bundled
from engine.spec.errors import ModelError, PluginError
from engine.spec.plugins.discovery import Broken
from engine.spec.runs import Detectable
from engine.spec.understanding import Fit, Inspection
from gui import operations
from gui.dialogs.error import TextDialog
from gui.dialogs.options import OptionsDialog
from gui.operations import Size
from gui.pages.questions import QuestionsPage
from gui.shell.estimate import estimate
from gui.widgets.basics import Text
from jobs.store.records import Snapshot

FIT = Fit(context=512, prompt_tokens=100, answer_tokens=20, limit=48)


def page(window) -> QuestionsPage:
    return window.pages["questions"]


def click(qtbot, widget) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def test_every_study_has_a_card_and_the_first_unrun_is_primary(opened, qtbot, tmp_path: Path) -> None:
    window = opened(FakeLab(tmp_path, trials=0))
    cards = page(window).cards
    assert list(cards) == ["nli-frequency", "function-calling"]
    qtbot.waitUntil(lambda: cards["nli-frequency"].cost.text() == "not timed here yet")
    assert [c.button.property("primary") for c in cards.values()] == ["true", "false"]
    assert cards["nli-frequency"].found.text() == "not run here yet"
    assert not cards["nli-frequency"].pill.isVisible()


def test_run_queues_the_study_and_shows_it_live(opened, qtbot, lab, plans) -> None:
    lab.count = 0
    window = opened(lab)
    qtbot.waitUntil(lambda: page(window).cards["function-calling"].button.text() == "Run")
    click(qtbot, page(window).cards["function-calling"].button)
    qtbot.waitUntil(window.buttons["live"].isChecked)
    assert plans[0].scale == "quick"
    assert ("warm",) in lab.asked
    assert any(a[0] == "enqueue" for a in lab.asked)
    assert window.session.trial == "function-calling-quick-1"


def test_the_button_watches_what_runs_and_shows_what_is_done(opened, qtbot, tmp_path: Path) -> None:
    lab = FakeLab(tmp_path)
    window = opened(lab)
    card = page(window).cards["function-calling"]
    qtbot.waitUntil(lambda: card.button.text() == "Watch")
    assert card.pill.word == "Running"
    lab.step = STEPS
    qtbot.waitUntil(lambda: card.button.text() == "See verdict" and card.pill.word == "Learned")
    assert card.cost.text() == "3–4 min on this machine"
    click(qtbot, card.button)
    assert window.buttons["verdict"].isChecked()


def test_a_trial_of_an_older_recipe_is_run_anew_and_not_resumed(opened, qtbot, lab, plans, monkeypatch) -> None:
    whole = lab.snapshot

    def aged(trial: str | None = None) -> Snapshot:
        found = whole(trial)
        old = tuple(t.model_copy(update={"old": True, "done": 0, "finished": 1.0}) for t in found.trials)
        stopped = tuple(run.model_copy(update={"state": "cancelled"}) for run in found.runs)
        return found.model_copy(update={"trials": old, "runs": stopped})

    monkeypatch.setattr(lab, "snapshot", aged)
    window = opened(lab)
    button = page(window).cards["function-calling"].button
    qtbot.waitUntil(lambda: button.text() == "Run")
    click(qtbot, button)
    qtbot.waitUntil(window.buttons["live"].isChecked)
    assert any(a[0] == "enqueue" for a in lab.asked)


def test_a_bad_model_is_said_in_a_banner_and_nothing_is_queued(opened, qtbot, lab, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise ModelError("The folder <b>x</b> holds no model.", "Choose another.")

    monkeypatch.setattr(operations, "plan", refuse)
    lab.count = 0
    window = opened(lab)
    button = page(window).cards["nli-frequency"].button
    click(qtbot, button)
    qtbot.waitUntil(lambda: len(window.messages.banners()) == 1)
    assert window.messages.banners()[0].message.text() == "The folder <b>x</b> holds no model."
    assert button.isEnabled()
    assert not any(a[0] == "enqueue" for a in lab.asked)


def test_a_verdict_that_no_card_shows_is_not_asked_for(opened, qtbot, tmp_path: Path) -> None:
    """To draw it up is noted as a look at its figures."""
    lab = FakeLab(tmp_path)
    window = opened(lab)
    session, shown = window.session, page(window)
    click(qtbot, window.buttons["live"])
    lab.step = STEPS
    qtbot.waitUntil(lambda: session.snapshot.trials[0].finished is not None)
    assert not shown.isVisible()
    shown.refresh()
    session._analyses.submit(
        lambda: None
    ).result()  # one thread draws up verdicts, in the order in which they are asked
    assert not any(asked[0] == "result" for asked in lab.asked)
    click(qtbot, window.buttons["questions"])
    qtbot.waitUntil(lambda: session.trial in session.results)
    assert shown.cards["function-calling"].pill.isVisible()


def test_a_card_says_where_a_result_cannot_be_drawn_up(opened, qtbot, tmp_path: Path, monkeypatch) -> None:
    lab = FakeLab(tmp_path, step=STEPS)

    def broken(trial: str) -> None:
        raise PluginError("The rule 'mine' failed: a bug.", "Mend the file.")

    monkeypatch.setattr(lab, "result", broken)
    card = page(opened(lab)).cards["function-calling"]
    qtbot.waitUntil(lambda: card.found.text() == "its result cannot be drawn up; See verdict says why")
    assert card.button.text() == "See verdict"


def test_options_ask_for_scale_seeds_model_and_data(opened, qtbot, lab, plans, monkeypatch) -> None:
    monkeypatch.setattr(operations, "inspect", lambda *_: Inspection(fit=FIT))
    lab.count = 0
    window = opened(lab)
    click(qtbot, page(window).cards["function-calling"].options)
    dialog = window.findChild(OptionsDialog)
    assert dialog is not None
    assert dialog.seeds.value() == 3
    dialog.scale.setCurrentIndex(dialog.scale.findData("smoke"))
    assert dialog.seeds.value() == 2
    assert "mean nothing" in dialog.note.text()
    dialog.seeds.selectAll()
    qtbot.keyClicks(dialog.seeds, "7")
    dialog.model.lineEdit().selectAll()
    qtbot.keyClicks(dialog.model, "some/folder")
    qtbot.keyClicks(dialog.data, "some/file.jsonl")
    qtbot.waitUntil(dialog.run.isEnabled)
    click(qtbot, dialog.run)
    qtbot.waitUntil(window.buttons["live"].isChecked)
    assert (plans[0].scale, plans[0].seeds, plans[0].model) == ("smoke", 7, "some/folder")
    assert plans[0].data == Path("some/file.jsonl")


def test_what_a_study_would_find_stands_beside_its_time(opened, qtbot, tmp_path) -> None:
    lab = FakeLab(tmp_path, step=STEPS)
    card = page(opened(lab)).cards["function-calling"]
    qtbot.waitUntil(lambda: card.finds.text() == "finds differences from about 9 points")
    assert card.finds.isVisible()
    assert "four times in five" in card.finds.toolTip()
    assert "from 6 seeds of an earlier trial here" in card.finds.toolTip()
    before = len(lab.asked)
    qtbot.waitUntil(lambda: ("detectable", "function-calling", "quick", 3) in lab.asked[before - 3 :])


def test_options_say_what_the_chosen_size_would_find(opened, qtbot, lab) -> None:
    window = opened(lab)
    dialog = page(window).ask(window.session.studies["function-calling"])
    qtbot.waitUntil(lambda: dialog.finds.text() == "Finds differences from about 9 points, four times in five.")
    for digits in ("1", "12", "6"):
        dialog.seeds.selectAll()
        qtbot.keyClicks(dialog.seeds, digits)
    qtbot.waitUntil(lambda: dialog.finds.text() == "Finds differences from about 6 points, four times in five.")
    assert ("detectable", "function-calling", "quick", 1) not in lab.asked
    dialog.show_detectable(Size("quick", 12), None)  # an answer that came late
    assert dialog.finds.isVisible()
    dialog.scale.setFocus()
    while dialog.scale.currentData() != "smoke":
        qtbot.keyClick(dialog.scale, Qt.Key.Key_Up)
    qtbot.waitUntil(lambda: not dialog.finds.isVisible())
    assert not window.messages.banners()
    dialog.reject()
    qtbot.wait(300)


def test_a_size_that_finds_nothing_says_so_and_own_data_have_no_figure(opened, qtbot, lab, monkeypatch) -> None:
    far = Detectable(difference=1.62, unit="share", basis="from the study’s own expectation")
    monkeypatch.setattr(lab, "detectable", lambda *_, **__: far)
    window = opened(lab)
    card = page(window).cards["function-calling"]
    qtbot.waitUntil(lambda: card.finds.text() == "at this size finds no difference, not even the largest")
    assert "162" not in card.finds.toolTip()
    dialog = page(window).ask(window.session.studies["function-calling"])
    qtbot.waitUntil(lambda: dialog.finds.text().startswith("At this size finds no difference"))
    dialog.data.setText("mine.jsonl")
    qtbot.waitUntil(lambda: not dialog.finds.isVisible())
    dialog.data.setText("")
    qtbot.waitUntil(dialog.finds.isVisible)
    dialog.reject()


def test_a_lab_that_foresees_nothing_says_nothing(opened, qtbot, lab, monkeypatch) -> None:
    monkeypatch.setattr(lab, "detectable", lambda *_, **__: None)
    window = opened(lab)
    qtbot.wait(300)
    card = page(window).cards["function-calling"]
    assert not card.finds.isVisible()
    assert card.button.isEnabled()
    assert not window.messages.banners()


def test_an_error_after_the_options_were_closed_is_said_in_a_banner(opened, qtbot, lab, monkeypatch) -> None:
    gate = threading.Event()

    def refuse(*_: object) -> None:
        gate.wait(10)
        raise ModelError("No model there.", "It needs config.json.")

    monkeypatch.setattr(operations, "plan", refuse)
    window = opened(lab)
    dialog = page(window).ask(window.session.studies["function-calling"])
    click(qtbot, dialog.run)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: window.findChild(OptionsDialog) is None)
    gate.set()
    qtbot.waitUntil(lambda: len(window.messages.banners()) == 1)
    assert window.messages.banners()[0].message.text() == "No model there."


def test_options_offer_the_bundled_models(opened, qtbot, lab) -> None:
    window = opened(lab)
    dialog = page(window).ask(window.session.studies["nli-frequency"])
    assert [dialog.model.itemText(n) for n in range(dialog.model.count())] == bundled.names()
    assert dialog.choice().model == bundled.FIRST
    dialog.model.setFocus()
    dialog.model.lineEdit().selectAll()
    qtbot.keyClick(dialog.model, Qt.Key.Key_Delete)
    assert dialog.choice().model is None
    dialog.reject()


def test_options_begin_with_the_study_s_own_base_model(opened, qtbot, lab) -> None:
    window = opened(lab)
    study = window.session.studies["function-calling"].model_copy(update={"model": "fork-m"})
    dialog = page(window).ask(study)
    assert dialog.model.currentText() == "fork-m"
    assert dialog.choice().model == "fork-m"


def test_a_study_without_own_data_asks_for_none(opened, qtbot, lab) -> None:
    window = opened(lab)
    dialog = page(window).ask(window.session.studies["nli-frequency"])
    assert not dialog.data.isVisible()
    assert dialog.choice().data is None
    dialog.reject()


def test_an_error_leaves_the_options_open(opened, qtbot, lab, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise ModelError("No model there.", "It needs config.json.")

    monkeypatch.setattr(operations, "plan", refuse)
    window = opened(lab)
    dialog = page(window).ask(window.session.studies["function-calling"])
    monkeypatch.setattr(operations, "inspect", refuse)
    qtbot.keyClicks(dialog.model, "x")
    assert not dialog.run.isEnabled()
    qtbot.waitUntil(dialog.understood.error.isVisible)
    assert dialog.understood.error.text() == "No model there."
    assert dialog.understood.hint.text() == "It needs config.json."
    assert not dialog.run.isEnabled()
    dialog.model.setEditText("fork-s")
    assert dialog.run.isEnabled()
    assert not window.messages.banners()
    dialog.reject()


def test_a_broken_study_is_listed_with_its_reason(opened, qtbot, lab) -> None:
    lab.broken_studies = [Broken("mine", "studies/mine.toml", "Traceback: no [primary]")]
    window = opened(lab)
    why = next(b for b in window.findChildren(type(page(window).cards["nli-frequency"].button)) if b.text() == "Why")
    click(qtbot, why)
    dialog = window.findChild(TextDialog)
    assert "no [primary]" in dialog.shown.toPlainText()
    dialog.accept()


def test_a_broken_plug_in_is_listed_with_file_line_and_traceback(opened, qtbot, lab) -> None:
    path = "/data/plugins/rules/mine.py"
    lines = ["Traceback (most recent call last):", f'  File "{path}", line 12, in <module>', "    boom()",
             '  File "other.py", line 99, in boom', f'File "{path}", line 12: ValueError: <b>no</b>']  # fmt: skip
    lab.broken_studies = [Broken("mine", path, "\n".join(lines)), Broken("mute", "studies/mute.toml", "")]
    window = opened(lab)
    rows = page(window).broken.rows
    said = [rows.itemAt(n).widget().findChild(Text).text() for n in range(rows.count())]
    assert said == ["rules/mine.py, line 12: ValueError: <b>no</b>", "studies/mute.toml: no reason was given"]
    click(qtbot, rows.itemAt(0).widget().findChild(QPushButton))
    dialog = window.findChild(TextDialog)
    assert dialog.shown.toPlainText() == "\n".join([path, *lines])
    dialog.accept()


def test_many_broken_files_leave_room_for_the_questions(opened, qtbot, lab) -> None:
    lab.broken_studies = [Broken(f"p{n}", f"plugins/probes/p{n}.py", f"ValueError: {n}") for n in range(40)]
    window = opened(lab)
    rows = page(window).broken.rows
    assert rows.count() == 6
    click(qtbot, rows.itemAt(5).widget().findChild(QPushButton))
    told = window.findChild(TextDialog).shown.toPlainText()
    assert "ValueError: 39" in told
    assert "ValueError: 4\n" not in told
    window.findChild(TextDialog).accept()


def test_nothing_broken_shows_no_card(opened, qtbot, lab) -> None:
    assert not page(opened(lab)).broken.isVisible()


def test_cards_fill_the_width_there_is(opened, qtbot, lab) -> None:
    window = opened(lab)
    window.resize(1600, 800)
    cards = list(page(window).cards.values())
    qtbot.waitUntil(lambda: cards[0].y() == cards[1].y())
    assert abs(cards[0].width() - cards[1].width()) <= 1


def test_an_estimate_comes_from_what_was_measured(tmp_path: Path) -> None:
    lab = FakeLab(tmp_path, step=STEPS)
    study, snapshot = lab.questions["function-calling"], lab.snapshot()
    low, high = estimate(study, snapshot, Size("quick", 5)) or (0, 0)
    assert low < 312 < high
    assert estimate(study, snapshot, Size("full", 5)) is None
    assert estimate(lab.questions["nli-frequency"], snapshot) is None
    part = study.model_copy(update={"arms": (*study.arms, study.arms[-1].model_copy(update={"name": "new"}))})
    assert estimate(part, snapshot, Size("quick", 5)) is None, "a trial of fewer arms says nothing of all"
