from __future__ import annotations

from pathlib import Path

from fake_lab import STEPS, FakeLab
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStyleOptionViewItem

from gui.pages.live import LivePage
from jobs.store.records import Snapshot


def live(window, qtbot, empty: bool = False) -> LivePage:
    window.go("live")
    page = window.pages["live"]
    qtbot.waitUntil(lambda: page.is_empty if empty else bool(page.plots["left"]._lines))
    return page


def test_nothing_to_see_leads_to_the_questions(opened, qtbot, tmp_path: Path) -> None:
    window = opened(FakeLab(tmp_path, trials=0))
    page = live(window, qtbot, empty=True)
    assert page.is_empty
    qtbot.keyClick(page.empty.button, Qt.Key.Key_Space)
    assert window.buttons["questions"].isChecked()


def test_three_plots_of_all_arms(opened, qtbot, lab) -> None:
    page = live(opened(lab), qtbot)
    assert page.plots["left"].title.text() == "Right call, new wording"
    assert page.plots["right"].title.text() == "Reliance on word overlap"
    assert page.plots["left"].caption.text().startswith("%")
    assert set(page.plots["left"]._lines) == {"base", "sft", "sft-dpo", "shuffled", "planted"}
    assert set(page.plots["below"]._lines) == {"sft", "sft-dpo", "shuffled", "planted"}
    assert page.about.text() == "mean of up to 4 seeds, band: 95 % interval"
    assert "SFT:" in page.plots["left"].view.accessibleDescription()


def test_the_base_is_a_flat_line(opened, qtbot, lab) -> None:
    page = live(opened(lab), qtbot)
    steps, values = page.plots["left"]._lines["base"].line.getData()
    assert (steps[0], steps[-1]) == (0, STEPS)
    assert set(values) == {4.0}


def test_a_control_that_trains_longer_leaves_the_plot(opened, qtbot, lab, monkeypatch) -> None:
    page = live(opened(lab), qtbot)
    runs = page.context.session.runs(page._trial)
    longer = [r.model_copy(update={"total_steps": 6 * STEPS}) if r.arm == "planted" else r for r in runs]
    assert page._reach(longer) == STEPS
    assert page._reach([r for r in longer if r.arm == "planted"]) == 6 * STEPS
    assert page._reach([]) == 0
    assert "longer" not in page.about.text()
    monkeypatch.setattr(page.context.session, "runs", lambda trial: longer)
    page._mark_all()
    qtbot.waitUntil(lambda: page.about.text().endswith(f"; a longer control goes on to step {6 * STEPS}"))


def test_bands_only_where_there_are_seeds(opened, qtbot, lab) -> None:
    page = live(opened(lab), qtbot)
    assert page.plots["left"]._lines["sft"].band.isVisible()
    assert not page.plots["left"]._lines["planted"].band.isVisible()


def test_curves_move_as_points_come(opened, qtbot, lab) -> None:
    page = live(opened(lab), qtbot)
    before = len(page.store.single("loss", "0000000300000002")[0])
    lab.step = 140
    qtbot.waitUntil(lambda: len(page.store.single("loss", "0000000300000002")[0]) > before)


def test_single_seeds_can_be_seen(opened, qtbot, lab) -> None:
    page = live(opened(lab), qtbot)
    qtbot.mouseClick(page.seeds, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(page.plots["left"]._lines["sft"].singles) == 4)
    qtbot.mouseClick(page.seeds, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not page.plots["left"]._lines["sft"].singles)


def test_nothing_is_read_or_drawn_while_unseen(opened, qtbot, lab, monkeypatch) -> None:
    window = opened(lab)
    page = live(window, qtbot)
    window.go("queue")
    drawn: list[object] = []
    for plot in page.plots.values():
        monkeypatch.setattr(plot, "draw", lambda *a: drawn.append(a))
    lab.step = 130
    qtbot.wait(700)
    assert drawn == []
    window.go("live")
    qtbot.waitUntil(lambda: bool(drawn))


def test_the_trial_can_be_stopped(opened, qtbot, lab) -> None:
    window = opened(lab)
    page = live(window, qtbot)
    qtbot.mouseClick(page.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: ("cancel_trial", "function-calling-quick-1") in lab.asked)
    qtbot.waitUntil(lambda: len(window.messages.banners()) == 1)


def test_a_finished_trial_offers_its_verdict(opened, qtbot, tmp_path: Path) -> None:
    window = opened(FakeLab(tmp_path, step=STEPS))
    page = live(window, qtbot)
    assert page.subtitle.text().rsplit(" · ", 1)[1].startswith("finished")
    assert not page.stop.isVisible()
    qtbot.mouseClick(page.verdict, Qt.MouseButton.LeftButton)
    assert window.buttons["verdict"].isChecked()


def test_of_several_trials_one_is_chosen(opened, qtbot, tmp_path: Path) -> None:
    window = opened(FakeLab(tmp_path, trials=2))
    page = live(window, qtbot)
    assert page.chooser.isVisible()
    assert window.session.trial == "function-calling-quick-2"
    page.chooser.setFocus()
    qtbot.keyClick(page.chooser, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: window.session.trial == "function-calling-quick-1")
    qtbot.waitUntil(lambda: page.plots["below"]._lines != {})


def test_the_dark_reaches_the_plots(opened, qtbot, lab) -> None:
    window = opened(lab)
    page = live(window, qtbot)
    light = page.plots["left"].view.backgroundBrush().color().name()
    window.theme.choose("dark")
    assert page.plots["left"].view.backgroundBrush().color().name() == "#1b1e22" != light


def test_a_long_arm_is_cut_in_its_middle_so_that_its_seed_stays(opened, qtbot, lab) -> None:
    table = live(opened(lab), qtbot).table
    cell = table.model().index(0, 0)
    delegate = table.itemDelegateForIndex(cell)
    option = QStyleOptionViewItem()
    delegate.initStyleOption(option, cell)
    assert option.textElideMode == Qt.TextElideMode.ElideMiddle
    assert option.text.rsplit(" ", 1)[-1].isdigit()


def test_what_an_objective_reports_is_a_curve_that_can_be_chosen(opened, qtbot, lab) -> None:
    lab.scalars = True
    page = live(opened(lab), qtbot)
    plot = page.plots["right"]
    qtbot.waitUntil(lambda: plot.chooser.findData("dpo.reward_margin") >= 0)
    assert plot.chooser.isVisible()
    assert not plot.title.isVisible(), "the chooser stands in its place"
    offered = [plot.chooser.itemText(n) for n in range(plot.chooser.count())]
    assert offered == ["Right call, new wording", "Reliance on word overlap", "Training loss", "dpo: reward margin"]
    plot.chooser.setFocus()
    qtbot.keyClick(plot.chooser, Qt.Key.Key_End)
    qtbot.waitUntil(lambda: set(plot._lines) == {"sft-dpo"})
    assert plot.title.text() == "dpo: reward margin"
    assert plot.caption.text().startswith("each arm's own objective")
    assert page.plots["left"].title.text() == "Right call, new wording"


def test_a_chosen_curve_is_shown_again_for_the_next_trial_of_the_study(opened, qtbot, tmp_path: Path) -> None:
    lab = FakeLab(tmp_path, trials=2)
    page = live(opened(lab), qtbot)
    page._want("below", "calls.accuracy")
    assert page.plots["below"].title.text() == "Right call, new wording"
    page.context.session.choose("function-calling-quick-1")
    qtbot.waitUntil(lambda: page._trial.id == "function-calling-quick-1")
    assert page.plots["below"].title.text() == "Right call, new wording"


def test_a_study_without_reliance_shows_what_else_is_measured(opened, qtbot, lab) -> None:
    lab.scalars = True
    plain = lab.questions["function-calling"]
    lab.questions["function-calling"] = plain.model_copy(update={"reliance": None, "accuracy": "calls.accuracy"})
    page = live(opened(lab), qtbot)
    qtbot.waitUntil(lambda: page.plots["right"].title.text() == "Reliance on word overlap")  # it has points
    assert page.plots["left"].title.text() == "Right call, new wording"


def test_a_run_of_two_trials_has_the_name_of_the_one_that_is_seen(opened, qtbot, tmp_path: Path, monkeypatch) -> None:
    """The snapshot of all gives it the name of its first trial, where that arm is called otherwise."""
    lab = FakeLab(tmp_path, trials=2)
    plain = lab.snapshot

    def snapshot(trial: str | None = None) -> Snapshot:
        found = plain(trial)
        if trial == "function-calling-quick-2":
            return found
        other = {"sft": "tuned", "sft-dpo": "sft"}  # one name is free here, one is another arm's
        runs = tuple(run.model_copy(update={"arm": other.get(run.arm, run.arm)}) for run in found.runs)
        first = found.trials[0]
        arms = tuple((other.get(name, name), label) for name, label in first.arms)
        trials = (first.model_copy(update={"arms": arms}), *found.trials[1:])
        return found.model_copy(update={"runs": runs, "trials": trials})

    monkeypatch.setattr(lab, "snapshot", snapshot)
    window = opened(lab)
    page = live(window, qtbot)
    assert window.session.trial == "function-calling-quick-2"
    qtbot.waitUntil(lambda: set(page.plots["left"]._lines) == {"base", "sft", "sft-dpo", "shuffled", "planted"})
    seen = {page.model.run(row).arm for row in range(page.model.rowCount())}
    assert seen == {"base", "sft", "sft-dpo", "shuffled", "planted"}
    window.session.choose("function-calling-quick-1")
    qtbot.waitUntil(lambda: page._trial.id == "function-calling-quick-1")
    qtbot.waitUntil(lambda: set(page.plots["left"]._lines) == {"base", "tuned", "sft", "shuffled", "planted"})
