"""What rules have in common when they read a case: the primary contrast in words, and what counts as shown."""

from __future__ import annotations

from dataclasses import replace

from engine.rules._advice import Aim, advice
from engine.rules._base import Case
from engine.spec.study import ArmSpec
from engine.stats.display.wording import (
    EXPECTED,
    about,
    counted,
    difference_of,
    exists,
    judged_difference,
    lowered,
    p_phrase,
    unsigned,
)
from engine.stats.evidence import Estimate
from engine.stats.inference.equivalence import equivalent, short_of

MIN_SEEDS = 2
"""One seed cannot tell an effect from luck."""


class Reading:
    """A case's primary contrast, and words for arms and figures."""

    def __init__(self, case: Case) -> None:
        self.case, self.study, self.evidence = case, case.study, case.evidence
        self.metric = case.study.primary.figure
        self.primary = case.evidence.difference(*case.study.primary.contrast, self.metric)

    def primary_clause(self) -> str:
        """The answer to the study's question, with its interval; a null is called one."""
        found, plan = self.primary, self.study.primary
        a, b = (self.label(arm) for arm in plan.contrast)
        name = self.named(self.metric)
        if found is None:
            return f"{name} of {a} and {b} could not be compared"
        figure = self.figure(found, self.metric, plan.margin)
        small = equivalent(found.ci90, plan.margin)
        if not (found.above or found.below):
            if not small and short_of(found.ci90, plan.margin, plan.expected):
                margin = unsigned(plan.margin, self.unit(self.metric))
                return f"{name} is not {EXPECTED[plan.expected]} by {margin} or more with {a} than with {b}: {figure}"
            if not small:
                return f"no difference in {name} between {a} and {b} was shown: {figure}"
            claim = "as claimed, " if self.study.claim and plan.expected == "equal" else ""
            return f"{claim}{a} and {b} differ in {name} by too little to matter: {figure}"
        way = "higher" if found.above else "lower"
        size = " (too little to matter)" if small else ""
        return f"{self._claimed(found, small)}{name} is {way}{size} with {a} than with {b}: {figure}"

    def _claimed(self, found: Estimate, small: bool) -> str:
        """How a difference that was shown fits the study's claim; "" where there is none, or where it says neither."""
        plan = self.study.primary
        if not self.study.claim or not plan.expected:
            return ""
        if plan.expected == "equal":
            return "as claimed, " if small else "against the claim, " if abs(found.value) > plan.margin else ""
        if (plan.expected == "greater") != found.above:
            return "against the claim, "
        return "in the direction claimed, " if small else "as claimed, "

    def primary_reasons(self) -> list[str]:
        """The primary contrast with seeds and p, and beside a null what would have been found."""
        if self.primary is None:
            return []
        p = f", {p_phrase(self.primary.p)}" if self.primary.p is not None else ""
        seeds = counted(self.primary.n_seeds, "seed")
        when = f"Exploratory, {self.case.exploratory}" if self.case.exploratory else "Fixed beforehand"
        a, b = (self.label(arm) for arm in self.study.primary.contrast)
        pair = f"{lowered(self.metric_label(self.metric))}, {a} against {b}"
        figure = self.figure(self.primary, self.metric, self.study.primary.margin)
        return [f"{when}: {pair}: {figure} ({seeds}{p}).", *self._power(self.primary)]

    def _power(self, found: Estimate) -> list[str]:
        if found.above or found.below or found.detectable is None:
            return []
        unit = self.unit(self.metric)
        if not exists(found.detectable, unit):
            return [
                "With so few seeds and items no difference, however large, would have been found four times in five."
            ]
        size = about(found.detectable, unit)
        return [f"A true difference of about {size} would have been found four times in five."]

    def advice(self, found: Estimate, aim: Aim, *arms: str) -> str:
        """What would settle an open question, and what it costs the study's standing.

        Args:
            arms: Those that the figure compares. The study's file may give one of them fewer seeds than the others.
        """
        if capped := [arm for arm in map(self.study.arm, arms) if self._capped(arm, found.n_seeds)]:
            fewest = min(capped, key=lambda arm: arm.seeds or 0)
            more = f"The study’s file gives {fewest.label} {counted(fewest.seeds or 0, 'seed')} (`seeds`), and no more."
            return f"{advice(found, aim, capped=True)} {more}"
        said = advice(found, aim)
        planned = self.evidence.looks is not None and not self.evidence.looks.last
        counts = "more seed" in said and not self.case.exploratory and not planned
        return f"{said} Added now, they make the result exploratory." if counts else said

    def _capped(self, arm: ArmSpec, seeds: int) -> bool:
        """Whether an arm has all the seeds it gets; one that no seed changes is compared with any number."""
        return arm.seeds is not None and arm.seeds <= seeds and any(run.seeded for run in self.evidence.arm(arm.name))

    def figure(self, found: Estimate, metric: str, margin: float | None = None) -> str:
        """A difference with its interval, and with the narrower one where a margin is judged by that."""
        unit = self.unit(metric)
        return difference_of(found, unit) if margin is None else judged_difference(found, unit, margin)

    def unit(self, metric: str) -> str:
        """The metric's unit."""
        return self.evidence.metrics[metric].unit

    def named(self, metric: str) -> str:
        """A metric within a sentence; the study's accuracy is called that."""
        return "accuracy" if metric == self.study.accuracy else lowered(self.metric_label(metric))

    def metric_label(self, metric: str) -> str:
        """What people read for a metric."""
        return self.evidence.metrics[metric].label

    def label(self, arm: str) -> str:
        """What people read for an arm."""
        return self.study.arm(arm).label


def gained(estimate: Estimate, margin: float) -> bool:
    """Whether a figure rose: its 95 % interval lies above zero and its mean above the margin."""
    return estimate.above and estimate.value > margin


def lost(estimate: Estimate, margin: float) -> bool:
    """Whether a figure fell: its 95 % interval lies below zero and its mean below minus the margin."""
    return estimate.below and estimate.value < -margin


def no_more(estimate: Estimate, margin: float) -> bool:
    """Whether a figure was shown not to have risen by more than the margin: a one-sided test at 5 % says so."""
    return short_of(estimate.ci90, margin, "greater")


def no_less(estimate: Estimate, margin: float) -> bool:
    """Whether a figure was shown not to have fallen by more than the margin: a one-sided test at 5 % says so."""
    return short_of(estimate.ci90, margin, "less")


def turned(estimate: Estimate) -> Estimate:
    """The same figure with its sign turned round."""
    ci, ci90 = ((-one[1], -one[0]) if one is not None else None for one in (estimate.ci, estimate.ci90))
    return replace(estimate, value=-estimate.value, ci=ci, ci90=ci90, per_seed=tuple(-v for v in estimate.per_seed))


def present(estimate: Estimate | None) -> Estimate:
    """A figure that the gates have asked for."""
    if estimate is None:
        raise ValueError("a figure that the gates should have asked for is missing")
    return estimate


def sentence(what: str, more: str) -> str:
    """A gate as a sentence, and what would remove it."""
    return f"{what[:1].upper()}{what[1:]}. {more}".rstrip()
