"""What a control shows: that the study sees what is there, and sees nothing where nothing is.

- A *positive* control asks whether the instrument is able to see a planted difference (assay sensitivity; ICH E10,
  section 1.5). That is a question about the runs at hand, so they are taken as they are and items alone are drawn: a
  second planted run then adds to what is known, where an interval over two seeds would be twelve times as wide as they
  differ. Whether other seeds would show it as well is told by the threats to validity. Of reliance the arm's own level
  must be above the margin as well: a difference to an arm that leans the other way is no planted lean.
- A *negative* control must be *shown* to be absent: the upper bound of its 90 % interval lies below its margin, a
  one-sided test at 5 %. A difference that merely was not detected is not known, which is no pass. Where arms are to be
  the same (`either`) it must be absent to either side. Where the arm cannot see what the figure is about, its own level
  must be, whatever other arms do.
- A *placebo* is a negative control whose truth is known: its cue is drawn by lot. What must be shown is that the test
  for a difference keeps its level, by its rate of false alarms over many lots (`engine.stats.resampling.lots`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import NamedTuple

from engine.rules import gained, lost, no_more
from engine.spec.example import Outcome
from engine.spec.study import ControlSpec
from engine.stats.display.wording import (
    counted,
    difference,
    difference_of,
    judged_difference,
    judged_level,
    level,
    level_of,
    unsigned,
)
from engine.stats.estimate import Estimate
from engine.stats.evidence import Evidence, Run
from engine.stats.inference.equivalence import equivalent
from engine.stats.resampling.lots import LOTS, false_alarms
from engine.stats.statistics._base import Statistic
from engine.stats.statistics._table import Table

ALARMS = 0.05
"""The largest share of lots in which a test may give a false alarm: at a level of 2.5 %, twice as many."""


class Shown(NamedTuple):
    """Whether a control holds, and in words what it shows."""

    ok: bool
    said: str


def positive(control: ControlSpec, metric: str, margin: float, evidence: Evidence, leans: bool = False) -> Shown:
    """Whether a planted difference is seen in the runs at hand.

    Args:
        leans: Whether the figure is a lean, of which the arm's own level must be above the margin, too.
    """
    unit, found = evidence.metrics[metric].unit, as_they_are(evidence, control.arm, control.against, metric)
    if found is None or found.ci is None:
        return _unmeasured(found, unit)
    seen = gained(found, margin)
    runs = "items drawn anew" if found.n_seeds == 1 else f"items drawn anew, these {found.n_seeds} runs as they are"
    outcome = "detected" if seen else "not detected, and should be"
    figure = f"{difference_of(found, unit)} ({runs})"
    own = level_as_it_is(evidence, control.arm, metric) if leans else None
    if seen and own is not None and not gained(own, margin):
        least = level(margin, unit).lstrip("+")
        return Shown(False, f"{figure}, but the level itself, {level_of(own, unit)}, was not shown above {least}.")
    return Shown(seen, f"{figure}: {outcome}.")


def negative(control: ControlSpec, metric: str, margin: float, least: float, evidence: Evidence) -> Shown:
    """Whether a difference, or where the control names one arm alone its own figure, is shown to be absent.

    Args:
        margin: What it is shown to lie below.
        least: A mean above this, shown to differ from 0, was detected; of an arm's own figure also one below -margin.
    """
    unit = evidence.metrics[metric].unit
    if not control.against:
        return _nothing(evidence.level(control.arm, metric), unit, margin, least)
    found = evidence.difference(control.arm, control.against, metric)
    if (
        found is not None
        and (same := _same_items(control, metric, evidence))
        and _differ_at_most(same) < margin
        and unit == "share"
    ):
        most = f"{100 * _differ_at_most(same):.1f} %"
        return Shown(True, f"both have the same outcome on each of {same} items: at most {most} of such items differ.")
    return _absent(found, unit, margin, least, control.either)


def _absent(found: Estimate | None, unit: str, margin: float, least: float, either: bool) -> Shown:
    """Whether a difference is shown to lie below the margin; of arms that are to be the same, to either side."""
    if found is None or found.ci is None or found.ci90 is None:
        return _unmeasured(found, unit)
    figure = f"{judged_difference(found, unit, margin)}, {counted(found.n_seeds, 'seed')}"
    if gained(found, least) or (either and lost(found, least)):
        return Shown(False, f"{figure}: detected, and should not be.")
    size, most = unsigned(margin, unit), difference(found.ci90[1], unit)
    if either:
        if equivalent(found.ci90, margin):
            return Shown(True, f"{figure}: shown to lie within {size} of zero.")
        ends = " to ".join(difference(end, unit) for end in found.ci90)
        return Shown(False, f"{figure}: not known; it may be {ends}, and must be shown to lie within {size} of zero.")
    if no_more(found, margin):
        return Shown(True, f"{figure}: shown to be less than {size}.")
    return Shown(False, f"{figure}: not known; it may be as large as {most}, and must be shown to be less than {size}.")


def _nothing(found: Estimate | None, unit: str, margin: float, least: float) -> Shown:
    """Whether an arm's own figure is shown to lie within the margin to either side of zero."""
    if found is None or found.ci is None or found.ci90 is None:
        return _unmeasured(found, unit)
    figure = f"{judged_level(found, unit, margin)}, {counted(found.n_seeds, 'seed')}"
    if gained(found, least) or lost(found, margin):
        return Shown(False, f"{figure}: detected, and should not be.")
    size = level(margin, unit).lstrip("+")
    if equivalent(found.ci90, margin):
        return Shown(True, f"{figure}: shown to lie within {size} of zero.")
    ends = " to ".join(level(end, unit) for end in found.ci90)
    return Shown(False, f"{figure}: not known; it may lie from {ends}, and must be shown to lie within {size} of zero.")


def placebo(control: ControlSpec, metric: str, margin: float, evidence: Evidence) -> Shown:
    """How often a cue that was drawn by lot is taken for a shortcut."""
    probe, about = metric.split(".", 1)[0], evidence.metrics[metric]
    pairs = [
        (a.outcomes.get(probe, ()), b.outcomes.get(probe, ())) for a, b in evidence.pairs(control.arm, control.against)
    ]
    found = false_alarms(pairs, about.statistic, about.unit, lambda one: gained(one, margin)) if pairs else None
    if found is None:
        return Shown(False, "not measured.")
    ok = found.detected <= ALARMS * found.lots
    low, high = (difference(end, about.unit) for end in found.ends)
    ends = f"the middle 95 % of them lie from {low} to {high}"
    allowed = f"{round(ALARMS * found.lots):,} of {LOTS:,} may be"
    return Shown(ok, f"{found.detected:,} of {found.lots:,} such cues were detected ({allowed}); {ends}.")


def as_they_are(evidence: Evidence, a: str, b: str, metric: str) -> Estimate | None:
    """A difference between the runs at hand: its interval is of items alone, and says nothing of other seeds.

    All runs of an arm are taken for one that answered every item so many times; clusters stay together. Without items
    behind the figure it is the difference over seeds.
    """
    found = evidence.difference(a, b, metric)
    pairs = [pair for pair in evidence.pairs(a, b) if all(metric in run.metrics for run in pair)]
    pooled = [_pooled(runs, metric) for runs in zip(*pairs, strict=True)]
    if found is None or len(pairs) < 2 or None in pooled:
        return found
    one = Evidence([run for run in pooled if run], {metric: evidence.metrics[metric]}).difference(a, b, metric)
    return replace(found, ci=one.ci, ci90=one.ci90) if one is not None else found


def level_as_it_is(evidence: Evidence, arm: str, metric: str) -> Estimate | None:
    """An arm's own figure in the runs at hand, likewise."""
    found = evidence.level(arm, metric)
    runs = [run for run in evidence.arm(arm) if metric in run.metrics]
    one = _pooled(runs, metric) if len(runs) > 1 else None
    if found is None or one is None:
        return found
    alone = Evidence([one], {metric: evidence.metrics[metric]}).level(arm, metric)
    return replace(found, ci=alone.ci, ci90=alone.ci90) if alone is not None else found


def _pooled(runs: Sequence[Run], metric: str) -> Run | None:
    """Runs of an arm as one that answered every item so many times; None where the items of one are not there."""
    probe = metric.split(".", 1)[0]
    if not all(run.outcomes.get(probe) for run in runs):
        return None
    return Run(
        runs[0].arm,
        seed=0,
        metrics={metric: fmean(run.metrics[metric] for run in runs)},
        outcomes={probe: [outcome for run in runs for outcome in run.outcomes[probe]]},
    )


def _same_items(control: ControlSpec, metric: str, evidence: Evidence) -> int:
    """How many items a figure reads that have the same numbers in both arms, in each pair of runs; 0 where some differ.

    Whether two arms answer alike is asked item by item, so that clusters play no part. An item without one of the
    numbers is none that the figure reads.
    """
    probe, statistic = metric.split(".", 1)[0], evidence.metrics[metric].statistic
    sizes: set[int] = set()
    for pair in evidence.pairs(control.arm, control.against):
        a, b = (_numbers(statistic, run.outcomes.get(probe, ())) for run in pair)
        if a != b:
            return 0
        sizes.add(len(a))
    return min(sizes, default=0)


def _numbers(statistic: Statistic, outcomes: Sequence[Outcome]) -> dict[str, tuple[float, ...]]:
    """What a figure reads of each item, by the item's name."""
    table = Table(outcomes)
    kept = statistic.kept(table)
    columns = [table.column(name)[kept] for name in statistic.columns()]
    names = [outcome.item for outcome, keep in zip(outcomes, kept, strict=True) if keep]
    return dict(zip(names, zip(*(column.tolist() for column in columns), strict=True), strict=True))


def _differ_at_most(items: int) -> float:
    """The largest share of items that may differ where none of so many does, by a one-sided test at 5 %.

    The exact bound of Clopper & Pearson 1934 (Biometrika 26); the textbooks' "rule of three".
    """
    return 1 - 0.05 ** (1 / items)


def _unmeasured(found: Estimate | None, unit: str) -> Shown:
    if found is None:
        return Shown(False, "not measured.")
    return Shown(False, f"{difference_of(found, unit)}; no interval can be given.")
