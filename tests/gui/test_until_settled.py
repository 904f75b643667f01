"""A trial that goes on until it is settled: chosen in the options, watched while it goes on, read when it has ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_lab import STEPS, FakeLab
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QStyle, QStyleOptionButton

from engine.run.planned import planned
from gui.dialogs.options import OptionsDialog
from gui.dialogs.until import NEVER
from gui.operations import Size
from gui.shell.estimate import default_size, estimate
from jobs.report.content.sequential import COST
from jobs.studies import plan
from tests.support.looks import PLAN, seen

GOES_ON = "Look after 5 of at most 12 seeds: +9.8 points [−1.2, +20.8]; goes on, probably 1 to 3 more seeds"


def with_looks(lab: FakeLab) -> FakeLab:
    """Quick scale of its study has looks."""
    study = lab.questions["function-calling"]
    scales = {**study.scales, "quick": study.scales["quick"].model_copy(update={"looks": PLAN})}
    lab.questions["function-calling"] = study.model_copy(update={"scales": scales})
    return lab


def goes_on(lab: FakeLab, **more: object) -> FakeLab:
    """Its trial has had two looks, and more seeds are queued."""
    lab.looks = {"seeds": 12, "begun": 6, "looks": PLAN, "looked": seen(), "further_seconds": (95.0, 290.0), **more}
    return lab


def has_ended(folder: Path) -> FakeLab:
    lab = FakeLab(folder, step=STEPS)
    lab.sequential = seen(6, "settled")
    return goes_on(lab, looked=lab.sequential, settled="settled", further_seconds=None)


def click(qtbot, box) -> None:
    """Click on a box's mark."""
    option = QStyleOptionButton()
    box.initStyleOption(option)
    mark = box.style().subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, box)
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=mark.center())


def options(opened, lab: FakeLab) -> OptionsDialog:
    window = opened(lab)
    return window.pages["questions"].ask(window.session.studies["function-calling"])


def choose_scale(qtbot, dialog: OptionsDialog, scale: str, key: Qt.Key) -> None:
    dialog.scale.setFocus()
    while dialog.scale.currentData() != scale:
        qtbot.keyClick(dialog.scale, key)


def test_the_dialog_grows_with_what_it_says(opened, qtbot, lab) -> None:
    dialog = options(opened, lab)
    qtbot.waitUntil(dialog.finds.isVisible)
    assert not dialog.until.is_on
    click(qtbot, dialog.until.box)
    assert dialog.until.is_on
    layout = dialog.layout()
    qtbot.waitUntil(lambda: dialog.height() >= layout.totalHeightForWidth(dialog.width()))
    assert dialog.arms.height() >= dialog.arms.sizeHint().height()
    dialog.reject()


def test_where_the_scale_has_looks_it_is_switched_on(opened, qtbot, lab) -> None:
    dialog = options(opened, with_looks(lab))
    assert dialog.until.is_on
    assert dialog.until.most.text() == "at most 12 seeds"
    assert not dialog.seeds.isEnabled()
    assert (dialog.choice().seeds, dialog.choice().most_seeds) == (None, 12)
    words = "At most 30 runs: base once + planted overlap once + 2 arms × 4 to 12 seeds + shuffled control × 4 seeds"
    assert dialog.plan.text() == f"{words}; looks after 4, 5, … 12 seeds; not timed here yet."
    qtbot.waitUntil(lambda: dialog.finds.text().endswith("four times in five, by its last look at the latest."))
    assert ("detectable", "function-calling", "quick", 12) in lab.asked
    dialog.reject()


def test_the_runs_that_are_told_are_those_that_are_planned() -> None:
    study = FakeLab(Path()).questions["function-calling"]
    trial = plan(study, seeds=12)
    assert len(planned(trial)) == 30


def test_it_is_switched_by_a_click_and_reaches_the_plan(opened, qtbot, lab, plans) -> None:
    lab.count = 0
    dialog = options(opened, lab)
    assert not dialog.until.is_on
    assert not dialog.until.most.isEnabled()
    assert dialog.plan.text().startswith("5 arms, 11 runs;")
    click(qtbot, dialog.until.box)
    assert dialog.until.is_on
    dialog.until.most.selectAll()
    qtbot.keyClicks(dialog.until.most, "8")
    assert "2 arms × 4 to 8 seeds + shuffled control × 4 seeds" in dialog.plan.text()
    assert "looks after 4, 5, 6, 7 and 8 seeds" in dialog.plan.text()
    qtbot.mouseClick(dialog.run, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(plans))
    assert (plans[0].seeds, plans[0].most_seeds) == (None, 8)


def test_switched_off_the_seeds_are_fixed(opened, qtbot, lab) -> None:
    dialog = options(opened, with_looks(lab))
    click(qtbot, dialog.until.box)
    assert dialog.seeds.isEnabled()
    assert (dialog.choice().seeds, dialog.choice().most_seeds) == (3, None)
    assert dialog.plan.text().startswith("5 arms, 11 runs;")
    dialog.reject()


def test_a_smoke_test_is_never_settled_and_says_so(opened, qtbot, lab) -> None:
    dialog = options(opened, with_looks(lab))
    assert not dialog.until.why.isVisible()
    choose_scale(qtbot, dialog, "smoke", Qt.Key.Key_Up)
    assert not dialog.until.box.isEnabled()
    assert not dialog.until.is_on
    assert dialog.until.why.isVisible()
    assert dialog.until.why.text() == NEVER
    click(qtbot, dialog.until.box)
    assert dialog.choice().most_seeds is None
    choose_scale(qtbot, dialog, "quick", Qt.Key.Key_Down)
    assert dialog.until.is_on
    dialog.reject()


def test_the_time_reaches_from_the_first_look_to_the_last(tmp_path: Path) -> None:
    lab = with_looks(FakeLab(tmp_path, step=STEPS))
    study, snapshot = lab.questions["function-calling"], lab.snapshot()
    assert default_size(study) == Size("quick", 12, PLAN)
    low, high = estimate(study, snapshot) or (0.0, 0.0)
    fixed = [estimate(study, snapshot, Size("quick", seeds)) or (0.0, 0.0) for seeds in (4, 12)]
    assert (low, high) == (fixed[0][0], fixed[1][1])
    assert low < 312 * 4 / 5 < 312 * 12 / 5 < high


def test_the_seeds_that_were_run_tell_what_a_seed_takes_and_not_the_most(tmp_path: Path) -> None:
    lab = has_ended(tmp_path)
    study = lab.questions["function-calling"]
    low, high = estimate(study, lab.snapshot(), Size("quick", 6)) or (0.0, 0.0)
    assert low < 312 < high


def test_live_shows_how_the_interval_narrows(opened, qtbot, lab) -> None:
    window = opened(goes_on(lab))
    window.go("live")
    page = window.pages["live"]
    qtbot.waitUntil(page.standing.isVisible)
    assert page.standing.words.text() == f"{GOES_ON} (about 2 to 5 minutes)."
    assert page.subtitle.text().startswith("fork-s (invented) · quick · 5 arms · 6 of at most 12 seeds")
    assert page.subtitle.text().endswith("to the next look")
    assert page.standing.axes.text().startswith(
        "Right call, new wording: SFT → DPO − SFT, points; shaded: too small to matter"
    )
    assert page.standing.cost.text() == f"Looks after 4, 5, … 12 seeds. {COST}"
    plot = page.standing.plot
    seeds, bounds = plot.bars.getData()
    assert list(seeds) == [4, 4, 5, 5]
    assert list(bounds) == pytest.approx([-4.1, 26.5, -1.2, 20.8])
    assert list(plot.dots.getData()[1]) == pytest.approx([11.2, 9.8])
    assert plot.margin.getRegion() == pytest.approx((-3.0, 3.0))
    assert plot.zero.value() == 0.0
    low, high = plot.plot.viewRange()[0]
    assert low < 4 < 12 < high
    assert "Look after 4 of at most 12 seeds: +11.2 points [−4.1, +26.5]; answer: open" in (
        plot.view.accessibleDescription()
    )


def test_a_look_says_its_words_under_the_pointer(opened, qtbot, lab) -> None:
    window = opened(goes_on(lab))
    window.go("live")
    plot = window.pages["live"].standing.plot
    qtbot.waitUntil(lambda: plot.isVisible() and bool(len(plot.dots.getData()[0])))

    def said() -> str:
        """What it says with the pointer on the dot, wherever the layout has put that by now."""
        at = plot.view.mapFromScene(plot.plot.vb.mapViewToScene(QPointF(5.0, 9.8)))
        qtbot.mouseMove(plot.view.viewport(), at + type(at)(60, 0))
        qtbot.mouseMove(plot.view.viewport(), at)
        return plot.view.toolTip() or plot.plot.vb.toolTip()

    words = "Look after 5 of at most 12 seeds: +9.8 points [−1.2, +20.8]; answer: open"
    qtbot.waitUntil(lambda: said() == words)


def test_while_a_look_is_judged_nothing_else_is_offered(opened, qtbot, tmp_path: Path) -> None:
    lab = goes_on(FakeLab(tmp_path, step=STEPS), at_a_look=True, finished=None, eta_seconds=None)
    window = opened(lab)
    window.go("live")
    page = window.pages["live"]
    judging = "Look after 6 of at most 12 seeds: judging whether more seeds are needed."
    qtbot.waitUntil(lambda: page.standing.words.text() == judging)
    assert not page.verdict.isVisible()
    assert page.subtitle.text().endswith("judging whether more seeds are needed")
    window.go("verdict")
    assert window.pages["verdict"].is_empty
    window.go("questions")
    card = window.pages["questions"].cards["function-calling"]
    assert card.button.text() == "Watch"
    assert card.found.text().endswith("judging whether more seeds are needed")
    assert ("result", "function-calling-quick-1") not in lab.asked


def test_fixed_seeds_have_no_looks_to_show(opened, qtbot, tmp_path: Path) -> None:
    window = opened(FakeLab(tmp_path, step=STEPS))
    for name in ("live", "queue"):
        window.go(name)
        assert not window.pages[name].standing.isVisible()
    window.go("verdict")
    page = window.pages["verdict"]
    qtbot.waitUntil(lambda: page.result is not None)
    assert not page.cards["looks"].isVisible()
    assert not page.head.ended.isVisible()


def test_the_queue_says_how_the_trial_stands(opened, qtbot, lab) -> None:
    window = opened(goes_on(lab))
    window.go("queue")
    page = window.pages["queue"]
    qtbot.waitUntil(page.standing.isVisible)
    assert page.standing.text() == f"function-calling · {GOES_ON} (about 2 to 5 minutes)."


def test_the_verdict_says_what_it_ended_by_and_shows_every_look(opened, qtbot, tmp_path: Path) -> None:
    window = opened(has_ended(tmp_path))
    window.go("verdict")
    page = window.pages["verdict"]
    qtbot.waitUntil(lambda: page.result is not None)
    assert page.head.ended.text() == "Settled after 6 seeds."
    assert page.cards["looks"].isVisible()
    assert COST in page.cards["looks"].caption.text()
    model = page.looks.figures
    cells = [[model.data(model.index(row, column)) for column in range(5)] for row in range(model.rowCount())]
    assert cells[0] == ["4 seeds", "+11.2 points", "[−4.1, +26.5]", "open", "went on"]
    assert cells[-1] == ["6 seeds", "+9.1 points", "[+0.4, +17.2]", "a difference", "settled"]
    assert page.subtitle.text().startswith("fork-s (invented) · quick · 5 arms · 6 seeds")
    assert len(page.narrowing.dots.getData()[0]) == 3
    window.go("live")
    assert window.pages["live"].standing.words.text() == (
        "Look after 6 of at most 12 seeds: +9.1 points [+0.4, +17.2]; settled."
    )


def test_a_first_look_that_knows_next_to_nothing_does_not_hide_how_the_later_ones_narrow(opened, qtbot, lab) -> None:
    window = opened(goes_on(lab))
    window.go("live")
    plot = window.pages["live"].standing.plot
    qtbot.waitUntil(plot.isVisible)
    found = seen(6)
    first = found.looks[0].model_copy(update={"ci": (-0.74, 0.77)})
    plot.show_looks(found.model_copy(update={"looks": (first, *found.looks[1:])}))
    low, high = plot.plot.viewRange()[1]
    assert 20.8 < high < 77, "the second look’s bar is inside, the first one’s is not"
    assert -74 < low < -1.2
    assert plot.bars.getData()[1].min() == pytest.approx(-74), "the first one's goes on beyond the edge"
    assert "[−74.0, +77.0]" in plot.view.accessibleDescription()


def test_the_dark_reaches_the_looks(opened, qtbot, lab) -> None:
    window = opened(goes_on(lab))
    window.go("live")
    plot = window.pages["live"].standing.plot
    qtbot.waitUntil(plot.isVisible)
    light = plot.bars.opts["pen"].color().name()
    window.theme.choose("dark")
    assert plot.view.backgroundBrush().color().name() == "#1b1e22"
    assert plot.bars.opts["pen"].color().name() == "#7fa8e8" != light
