"""A trial that goes on until its question is settled: its looks so far, and whether it needs another one.

Settled is what has a verdict *and* an answer to the primary contrast: a difference, or none that matters. A verdict may
rest on other figures (an arm that gained 60 points over the base has learned, whatever it has over another arm), and
then the contrast that was fixed beforehand would be left with the wide interval of an early look.

At the last look it is an answer as well that the difference is not what the study expects: whether negatives help is
answered by "not by 3 points", although they may harm by so much. Before that look a trial goes on, since a difference
the other way is worth being found.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.analysis.controls import named
from engine.analysis.design import Design
from engine.rules import OPEN
from engine.spec.result import Check
from engine.spec.sequential import Answer, Ends, LookResult, Sequential
from engine.spec.study import ControlSpec, Primary
from engine.stats.evidence import Estimate, Evidence
from engine.stats.inference.equivalence import equivalent, short_of
from engine.stats.inference.looks import Forecast, Looks, forecast

RUNS = "runs"


def sequential(design: Design, evidence: Evidence, code: str, checks: Sequence[Check]) -> Sequential | None:
    """The looks of a trial at its primary contrast.

    Args:
        evidence: Of the last look.
        code: The verdict's.

    Returns:
        None where the number of seeds was fixed beforehand.
    """
    if design.looks is None:
        return None
    seeds, at = design.looks.seeds, design.looks.at
    found = tuple(_look(design, evidence, Looks(seeds, each)) for each in range(at + 1))
    primary = design.study.primary
    metric = primary.figure
    foreseen = _foreseen(design, evidence)
    return Sequential(
        metric=metric,
        contrast=primary.contrast,
        unit=design.metrics[metric].unit,
        margin=primary.margin,
        max_seeds=seeds[-1],
        plan=seeds,
        looks=found,
        decision=_decision(design, design.looks, code, checks, found[-1]),
        further=foreseen.more if foreseen else None,
        stays_open=foreseen.stays_open if foreseen else None,
    )


def at_its_end(design: Design, evidence: Evidence, code: str) -> Evidence | None:
    """The evidence with the interval of the end, where the primary contrast ended the trial; None where it did not.

    That is where the verdict is no longer open, or no look follows, and the primary contrast shows a difference at this
    look and at none before, or at the last look none. If it showed one before and the trial went on for another figure,
    or was shown not to matter, then the trial did not end by a difference, and the look's own interval holds.

    Args:
        code: The verdict's.
    """
    looks = design.looks
    if looks is None or (code == OPEN and not looks.last):
        return None
    at = [_primary(design, evidence.at_look(Looks(looks.seeds, at))) for at in range(looks.at)]
    *before, now = (found is not None and (found.above or found.below) for found in (*at, _primary(design, evidence)))
    if any(before) or not (now or looks.last):
        return None
    primary = design.study.primary
    return evidence.ended_by(*primary.contrast, primary.figure)


def _primary(design: Design, evidence: Evidence) -> Estimate | None:
    primary = design.study.primary
    return evidence.difference(*primary.contrast, primary.figure)


def _look(design: Design, last: Evidence, looks: Looks) -> LookResult:
    """What the primary contrast said after so many seeds."""
    primary, seeds = design.study.primary, looks.seeds[looks.at]
    found = _primary(design, last if looks == design.looks else last.at_look(looks))
    if found is None:
        return LookResult(seeds=seeds)
    return LookResult(
        seeds=seeds, difference=found.value, ci=found.ci, ci90=found.ci90, decision=_answer(found, primary, looks.last)
    )


def _answer(found: Estimate, primary: Primary, last: bool) -> Answer:
    """What the primary contrast shows at a look."""
    if found.above or found.below:
        return "effect"
    if equivalent(found.ci90, primary.margin):
        return "no-effect"
    if last and short_of(found.ci90, primary.margin, primary.expected):
        return "not-greater" if primary.expected == "greater" else "not-less"
    return "go-on"


def _decision(design: Design, looks: Looks, code: str, checks: Sequence[Check], last: LookResult) -> Ends:
    """Settled, go on, or why it ends although something is open.

    More seeds mend what a control of which more runs are to come could not tell yet. They do not mend a check that
    failed in the runs there are, nor a control that has all of its runs.
    """
    if code != OPEN:
        return "settled" if last.decision != "go-on" else "most-seeds" if looks.last else "go-on"
    failed = {check.name for check in checks if not check.ok}
    if RUNS in failed:
        return "go-on"
    mended = {name for name, control in named(design.study.controls) if _has_more_runs(control, design)}
    if failed - mended:
        return "stopped"
    return "most-seeds" if looks.last else "go-on"


def _has_more_runs(control: ControlSpec, design: Design) -> bool:
    """Whether more seeds bring more pairs of runs to a control. An arm that no seed changes is paired with each."""
    seeded = [design.study.arm(arm) for arm in control.arms if design.seeded.get(arm)]
    there = set(control.arms) <= set(design.arms)
    return there and bool(seeded) and all(arm.seeds is None or arm.seeds > design.seeds for arm in seeded)


def _foreseen(design: Design, evidence: Evidence) -> Forecast | None:
    """How many more seeds the primary contrast may take; None where it is answered, or nothing can be said."""
    primary, found = design.study.primary, _primary(design, evidence)
    if found is None or design.looks is None or _answer(found, primary, design.looks.last) != "go-on":
        return None
    return forecast(found.per_seed, found.item_spread, design.looks, primary.margin, primary.expected)
