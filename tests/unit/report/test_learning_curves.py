"""Learning curves: drawn for every metric and arm, told without colour, and said in words."""

from __future__ import annotations

import re

from engine.spec.result import Curve, Result
from engine.stats.display import wording
from jobs.report.content import curves
from jobs.report.content.lookup import styles


def test_every_curve_has_its_line_marker_and_last_value(calls: Result) -> None:
    (figure,) = curves.figures(calls)
    drawn = str(figure.svg)
    metrics = {c.metric for c in calls.curves}
    arms = list(dict.fromkeys(c.arm for c in calls.curves))
    assert len(metrics) == 3
    assert drawn.count("<polyline") == len(calls.curves) + len(arms)  # each curve, and its arm in the legend
    assert drawn.count('class="band') == sum(c.seeds > 1 for c in calls.curves)
    for curve in calls.curves:
        unit = next((m.unit for m in calls.metrics if m.metric == curve.metric), "")
        last = wording.level(curve.mean[-1], unit) if unit else f": {curve.mean[-1]:.3f} ["
        assert last in figure.description


def test_no_two_arms_look_alike(calls: Result, big: Result) -> None:
    for result in (calls, big):
        looks = list(styles(result).values())
        assert len({(look.kind, look.marker) for look in looks}) == len(looks)
        assert len({look.marker for look in looks[:6]}) == min(6, len(looks))


def test_many_metrics_make_several_figures(big: Result) -> None:
    figures = curves.figures(big)
    metrics = list(dict.fromkeys(c.metric for c in big.curves))
    assert len(figures) == 2
    assert [f.title for f in figures] == ["Learning curves, 1 of 2", "Learning curves, 2 of 2"]
    assert sum(str(f.svg).count("optimizer step") for f in figures) == len(metrics)


def test_nothing_is_drawn_outside(calls: Result, big: Result) -> None:
    for figure in (*curves.figures(calls), *curves.figures(big)):
        drawn = str(figure.svg)
        found = re.search(r'viewBox="0 0 (\d+) (\d+)"', drawn)
        assert found is not None
        width, height = map(float, found.groups())
        pairs = " ".join(re.findall(r'points="([^"]+)"', drawn)).split()
        assert pairs
        for x, y in (map(float, pair.split(",")) for pair in pairs):
            assert 0 <= x <= width
            assert 0 <= y <= height


def test_a_broken_or_empty_curve_is_left_out(calls: Result) -> None:
    odd = [
        Curve(metric="loss", arm="sft", steps=(), mean=(), low=(), high=(), seeds=1),
        Curve(metric="loss", arm="sft", steps=(1.0, 2.0), mean=(1.0,), low=(1.0,), high=(1.0,), seeds=1),
    ]
    assert curves.figures(calls.model_copy(update={"curves": tuple(odd)})) == []
    one = Curve(metric="loss", arm="gone", steps=(3.0,), mean=(1.0,), low=(1.0,), high=(1.0,), seeds=1)
    (figure,) = curves.figures(calls.model_copy(update={"curves": (*odd, one)}))
    assert "gone: 1.000 [1.000, 1.000] at step 3" in figure.description
    table = curves.table(calls.model_copy(update={"curves": (one,)}))
    assert table is not None
    assert table.rows == (("Training loss", "gone", "3", "1.000 [1.000, 1.000]", "1"),)


def test_a_figure_that_an_objective_reports_is_a_curve_too(calls: Result) -> None:
    curve = Curve(
        metric="dpo.reward_margin", arm="sft-dpo", steps=(1.0, 2.0), mean=(-0.5, 1.25), low=(-1.0, 0.75),
        high=(0.0, 1.5), seeds=3,
    )  # fmt: skip
    result = calls.model_copy(update={"curves": (curve,)})
    (figure,) = curves.figures(result)
    assert "dpo: reward margin, SFT → DPO: 1.250 [0.750, 1.500] at step 2" in figure.description
    assert curves.curve_label(result, "dpo.reward_margin") == "dpo: reward margin"
    assert curves.curve_label(result, calls.accuracy).endswith("(live sample)")


def test_a_control_that_trains_longer_does_not_press_the_arms_together(calls: Result) -> None:
    control = next(arm.name for arm in calls.arms if arm.role == "control")
    losses = {c.arm: c for c in calls.curves if c.metric == "loss"}
    assert control in losses
    last = max(c.steps[-1] for c in losses.values())
    one = losses[control]
    longer = one.model_copy(update={"steps": tuple(step * 6 for step in one.steps)})
    others = tuple(c for c in losses.values() if c is not one)
    before, after = (calls.model_copy(update={"curves": (*others, drawn)}) for drawn in (one, longer))
    (plain,), (figure,) = curves.figures(before), curves.figures(after)
    ticks = [re.findall(r'text-anchor="middle">(\d+)<', str(f.svg))[-1] for f in (plain, figure)]
    assert ticks[0] == ticks[1]
    assert int(ticks[1]) <= last
    assert f"at step {6 * one.steps[-1]:g}" in figure.description, "the words tell where it ended"
    assert curves.beyond(before) == ""
    label = next(arm.label for arm in calls.arms if arm.name == control)
    assert curves.beyond(after) == f"of {label}, which trained longer, the first steps are drawn"
    alone = calls.model_copy(update={"curves": (longer,)})
    assert curves.beyond(alone) == "", "where it alone has a figure, all of it is drawn"
