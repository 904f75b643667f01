"""What rules have in common when they read a case: the primary contrast in words, and what would settle a question."""

from __future__ import annotations

import numpy as np

from engine.rules._base import Case
from engine.stats.display.wording import about, counted, difference, difference_of, exists, lowered, p_phrase
from engine.stats.evidence import Estimate
from engine.stats.inference import power
from engine.stats.inference.equivalence import equivalent

MIN_SEEDS = 2
"""One seed cannot tell an effect from luck."""


class Reading:
    """A case's primary contrast, and words for arms and figures."""

    def __init__(self, case: Case) -> None:
        self.case, self.study, self.evidence = case, case.study, case.evidence
        self.metric = f"{case.study.primary.probe}.{case.study.primary.metric}"
        self.primary = case.evidence.difference(*case.study.primary.contrast, self.metric)

    def primary_clause(self) -> str:
        """The answer to the study's question, with its interval; a null is called one."""
        found, plan = self.primary, self.study.primary
        a, b = (self.label(arm) for arm in plan.contrast)
        name = self.named(self.metric)
        if found is None:
            return f"{name} of {a} and {b} could not be compared"
        figure = self.figure(found, self.metric)
        way = "higher" if found.value > 0 else "lower"
        matters = abs(found.value) > plan.margin
        if found.above or found.below:
            small = "" if matters else " (too little to matter)"
            fits = not matters if plan.expected == "equal" else (plan.expected == "greater") == (found.value > 0)
            claim = ("as claimed, " if fits else "against the claim, ") if self.study.claim else ""
            return f"{claim}{name} is {way}{small} with {a} than with {b}: {figure}"
        if equivalent(found.ci90, plan.margin):
            claim = "as claimed, " if self.study.claim and plan.expected == "equal" else ""
            return f"{claim}{a} and {b} differ in {name} by too little to matter: {figure}"
        return f"no difference in {name} between {a} and {b} was shown: {figure}"

    def primary_reasons(self) -> list[str]:
        """The primary contrast with seeds and p, and beside a null what would have been found."""
        if self.primary is None:
            return []
        p = f", {p_phrase(self.primary.p)}" if self.primary.p is not None else ""
        seeds = counted(self.primary.n_seeds, "seed")
        when = f"Exploratory, {self.case.exploratory}" if self.case.exploratory else "Fixed beforehand"
        a, b = (self.label(arm) for arm in self.study.primary.contrast)
        pair = f"{lowered(self.metric_label(self.metric))}, {a} against {b}"
        figure = self.figure(self.primary, self.metric)
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

    def advice(self, found: Estimate, margin: float, unit: str = "difference") -> str:
        """What would settle an open question: more items where they are what varies, more seeds otherwise."""
        if found.ci is None or found.n_seeds < MIN_SEEDS or margin <= 0:
            return "To settle it: run more seeds."
        if (found.ci[1] - found.ci[0]) / 2 <= margin:
            return "To settle it: the interval is narrow already; train longer or on other data to find an effect."
        wanted = power.seeds_within(margin, float(np.std(found.per_seed, ddof=1)), found.item_spread)
        if wanted is None:
            return "To settle it: measure on more items (a larger scale); which items were drawn varies too much."
        more = max(1, wanted - found.n_seeds)
        seeds = f"{counted(more, 'more seed')} ({found.n_seeds + more} in all)"
        width = difference(margin, unit).lstrip("+")
        return f"To settle it: about {seeds} bring the interval within ±{width}. Added now, they make it exploratory."

    def figure(self, found: Estimate, metric: str) -> str:
        """A difference with its interval."""
        return difference_of(found, self.unit(metric))

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
    return estimate.ci90 is not None and estimate.ci90[1] < margin


def present(estimate: Estimate | None) -> Estimate:
    """A figure that the gates have asked for."""
    if estimate is None:
        raise ValueError("a figure that the gates should have asked for is missing")
    return estimate


def sentence(what: str, more: str) -> str:
    """A gate as a sentence, and what would remove it."""
    return f"{what[:1].upper()}{what[1:]}. {more}".rstrip()
