"""The verdict: which of five things a trial shows, by rules that are fixed before it runs.

In order:

1. *Gates.* Runs or figures missing, a check or control that fails, smoke scale, fewer than two seeds behind a figure
   that a rule reads, accuracy below the study's floor, answers that mostly cannot be read, or a base at the ceiling:
   inconclusive, whatever the figures say.
2. *Reliance rose* over the reference (the other arm of the primary contrast) or over the base, by more than the
   margin (over a base below the floor: by more than half of the accuracy gained). Where the shortcut misleads, the
   arm lost accuracy against that same arm: what was added is a shortcut. It gained there, and over all: mixed. It
   gained over all and was shown not to gain there, or was shown not to gain at all: a shortcut. Anything else:
   inconclusive.
3. *Accuracy gained* over the base is needed for anything else; without it nothing was learned: inconclusive.
4. *Format.* Where the treated arm did not gain over the format arm, and the format arm comes within the margin or
   explains most of the gain even at the interval's end: format. Neither shown: inconclusive.
5. *Where the shortcut misleads* accuracy must have gained over the base as well; if it was shown not to, and only
   the other items gained, it is a shortcut although no arm leans on it more than another.
6. *Reliance did not rise*: it must have been shown to be at most the margin above the reference's, and its mean at
   most the margin above the base's. What is left then is learned, otherwise inconclusive.

"Gained" and "rose" are: the 95 % interval lies above zero and the mean above the margin. "Shown not to" is: the
upper bound of the 90 % interval lies below the margin, a one-sided test at 5 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from engine.spec.example import Side
from engine.spec.study import StudySpec
from engine.stats import power
from engine.stats.equivalence import equivalent
from engine.stats.evidence import Estimate, Evidence
from engine.stats.statistics.by_side import BySide
from engine.stats.wording import about, counted, difference, difference_of, exists, level, level_of, lowered, p_phrase

Code = Literal["learned", "format", "shortcut", "mixed", "inconclusive"]
MIN_SEEDS = 2


@dataclass(frozen=True)
class Advice:
    """What to do about runs that are missing, and about an arm that is hardly ever right."""

    missing: str = "Let the missing runs finish, or try the failed ones again."
    weak: str = "Train longer, on more examples, or start from a stronger model."


@dataclass(frozen=True)
class Case:
    """What the verdict rests on.

    Attributes:
        runs: Runs the trial consists of, and how many of them succeeded.
        smoke: Whether the scale only shows that everything runs.
        failed: Checks and controls that failed: (label, detail).
        exploratory: Why the primary contrast does not count as fixed before any figure was there; "" where it does.
        missing: The runs that are missing, named.
        advice: What to do about what stands against a verdict.
    """

    study: StudySpec
    evidence: Evidence
    runs: tuple[int, int]
    smoke: bool
    failed: Sequence[tuple[str, str]]
    exploratory: str = ""
    missing: str = ""
    advice: Advice = field(default_factory=Advice)


@dataclass(frozen=True)
class Decision:
    """The code, one sentence in plain words, and the reasons, each with its figures."""

    code: Code
    text: str
    reasons: tuple[str, ...]


def decide(case: Case) -> Decision:
    """Apply the rules."""
    reading = Reading(case)
    primary = reading.primary_clause()
    gates = reading.gates()
    if gates:
        heading = "No verdict yet: " if case.runs[1] < case.runs[0] else "No verdict: "
        so_far = [] if case.smoke else reading.reasons()
        return Decision("inconclusive", heading + gates[0][0] + ".", (*(_sentence(*gate) for gate in gates), *so_far))
    code, lead, more = reading.rule()
    return Decision(code, f"{lead}; {primary}.", (*reading.reasons(), *more))


class Reading:
    """A case's figures by the roles that the study gives its arms."""

    def __init__(self, case: Case) -> None:
        self.case, self.study, self.rules = case, case.study, case.study.verdict
        self.metric = f"{case.study.primary.probe}.{case.study.primary.metric}"
        evidence, rules = case.evidence, case.study.verdict
        on_accuracy = self.metric == rules.accuracy
        self.margin = case.study.primary.margin if on_accuracy else rules.margin  # of accuracy
        pair = case.study.primary.contrast
        other = [arm for arm in pair if arm != rules.treated]
        self.reference = other[0] if len(other) == 1 else None
        self.primary = evidence.difference(*pair, self.metric)
        self.level = evidence.level(rules.treated, rules.accuracy)
        self.base_level = evidence.level(rules.base, rules.accuracy)
        self.parsed = evidence.level(rules.treated, rules.parses) if rules.parses else None
        self.gain = evidence.difference(rules.treated, rules.base, rules.accuracy)
        self.over_format = (
            evidence.difference(rules.treated, rules.format, rules.accuracy) if rules.format is not None else None
        )
        against: list[str] = [self.reference] if self.reference else []
        against += [rules.base] if rules.base not in against else []
        self.reliance = {arm: evidence.difference(rules.treated, arm, rules.reliance) for arm in against}
        self.misled = self._where_misled(rules.base)

    def _where_misled(self, arm: str) -> Estimate | None:
        """Gain over an arm on the items where the shortcut points to a wrong answer."""
        statistic = self.case.evidence.metrics[self.rules.reliance].statistic
        if not isinstance(statistic, BySide):
            return None
        misled = statistic.on(Side.CONFLICTING)
        return self.case.evidence.difference(self.rules.treated, arm, self.rules.reliance, misled)

    def gates(self) -> list[tuple[str, str]]:
        """What stands against any verdict, and what would remove it."""
        planned, succeeded = self.case.runs
        found: list[tuple[str, str]] = []
        if self.case.smoke:
            found.append(("smoke scale shows that everything runs, and no more", "Run the study at a larger scale."))
        if succeeded < planned:
            lost = planned - succeeded
            missing = f"{lost} of {counted(planned, 'run')} {'is' if lost == 1 else 'are'} missing"
            which = f"Missing: {self.case.missing}. " if self.case.missing else ""
            found.append((missing, which + self.case.advice.missing))
        found += [(f"the check “{label}” did not pass", detail) for label, detail in self.case.failed]
        needed = {
            f"the primary contrast, {self._pair()}, could not be computed": self.primary,
            f"the accuracy of {self._label(self.rules.treated)} was not measured": self.level,
            f"{self._label(self.rules.treated)} could not be compared with {self._label(self.rules.base)}": self.gain,
        }
        if self.rules.format is not None:
            label = self._label(self.rules.format)
            needed[f"{self._label(self.rules.treated)} could not be compared with {label}"] = self.over_format
        found += [(what, "Both arms must be run and measured.") for what, got in needed.items() if got is None]
        sides = "Both arms must be measured on items where the shortcut helps and on items where it misleads."
        for arm, estimate in self.reliance.items():
            if estimate is None:
                found.append((f"{self._reliance()} could not be compared with that of {self._label(arm)}", sides))
        found += self._too_few_seeds()
        if self.level is not None and self.level.value < self.rules.floor:
            got, floor = level(self.level.value, "share"), level(self.rules.floor, "share")
            what = f"{self._label(self.rules.treated)} does the task too rarely ({got}, the floor is {floor})"
            found.append((what, self.case.advice.weak))
        if self.parsed is not None and self.parsed.value < self.rules.parse_floor:
            got, floor = level(self.parsed.value, "share"), level(self.rules.parse_floor, "share")
            what = f"too few answers of {self._label(self.rules.treated)} can be read ({got}, the floor is {floor})"
            found.append((what, "What cannot be read says nothing of the task: train longer, or ask in another form."))
        if self.base_level is not None and self.base_level.value > self.rules.ceiling:
            got = level(self.base_level.value, "share")
            what = f"{self._label(self.rules.base)} does the task already ({got}), so nothing is left to gain"
            found.append((what, "Measure on harder items, or start from a weaker model."))
        return found

    def _too_few_seeds(self) -> list[tuple[str, str]]:
        """Figures that rest on one seed, or on fewer than were run."""
        pair = self.study.primary.contrast
        read = [(pair, self.primary), ((self.rules.treated, self.rules.base), self.gain)]
        read += [((self.rules.treated, self.rules.format), self.over_format)] if self.rules.format else []
        read += [((self.rules.treated, arm), estimate) for arm, estimate in self.reliance.items()]
        compared = [(a, b, e) for (a, b), e in read if e is not None]
        found: list[tuple[str, str]] = []
        if single := next(((a, b) for a, b, e in compared if e.n_seeds < MIN_SEEDS), None):
            what = (
                f"one seed cannot tell an effect from luck ({self._label(single[0])} against {self._label(single[1])})"
            )
            found.append((what, "Run at least 2 seeds, better 5 or more."))
        for a, b, e in compared:
            if lost := len(self.case.evidence.pairs(a, b)) - e.n_seeds:
                what = f"a figure of {self._label(a)} or {self._label(b)} is missing in {counted(lost, 'seed')}"
                return [*found, (what, "The runs' notes may say why; seeds are not left out for their figures.")]
        return found

    def rule(self) -> tuple[Code, str, list[str]]:
        """Code, the sentence's beginning, and what would make an open question conclusive."""
        treated, base = self._label(self.rules.treated), self._label(self.rules.base)
        gain, fmt = _present(self.gain), self.over_format
        for arm, rise in self.reliance.items():
            if gained(_present(rise), self._bound(arm)):
                return self._leaning(arm)
        if not gained(gain, self.margin):
            lead = f"{treated} was not shown to be more accurate than {base}"
            return "inconclusive", lead, [self._advice(gain, self.margin)]
        if fmt is not None and not gained(fmt, self.margin):
            label = self._label(self.rules.format or "")
            if _explained(fmt, gain, self.margin):
                how = "more" if fmt.below else "about as"
                return "format", f"{treated} learned the form of the answer: {label} is {how} accurate", []
            lead = f"Whether {treated} learned more than the form of the answer is open"
            return "inconclusive", lead, [self._advice(fmt, self.margin)]
        if self.misled is not None and not gained(self.misled, 0.0):
            if no_more(self.misled, self.margin):
                return "shortcut", f"{treated} sharpened a shortcut: it gained only where the shortcut helps", []
            lead = f"Whether {treated} gained anything where the shortcut misleads is open"
            return "inconclusive", lead, [self._advice(self.misled, self.margin)]
        for arm, rise in self.reliance.items():
            if not self._no_rise(arm):
                lead = f"Whether {treated} leans more on the shortcut than {self._label(arm)} is open"
                return "inconclusive", lead, [self._advice(_present(rise), self.rules.margin)]
        beyond = ", beyond the form of the answer," if fmt is not None else ""
        than = self._label(self.reference or self.rules.base)
        margin = difference(self.rules.margin, "difference").lstrip("+")
        lead = f"{treated} learned the task{beyond} and leans on the shortcut at most {margin} more than {than}"
        return "learned", lead, []

    def _no_rise(self, arm: str) -> bool:
        """Whether reliance did not rise over an arm: shown of the reference, of the base by its mean alone.

        The base is measured once and a rise over it is what training in general brings about; which arm brought it
        is told by the reference.
        """
        rise = _present(self.reliance[arm])
        if arm == self.rules.base and self.reference not in (None, arm):
            return rise.value <= self._bound(arm)
        return no_more(rise, self._bound(arm))

    def _bound(self, arm: str) -> float:
        """By how much reliance may rise over an arm.

        A base below the floor answers hardly anything, so it could not have shown reliance, and whoever learns the
        task shows some; then reliance has risen only if it makes up more than half of the accuracy gained.
        """
        unable = self.base_level is not None and self.base_level.value < self.rules.floor
        if arm != self.rules.base or not unable or self.gain is None:
            return self.rules.margin
        return max(self.rules.margin, self.gain.value / 2)

    def _leaning(self, arm: str) -> tuple[Code, str, list[str]]:
        treated, other = self._label(self.rules.treated), self._label(arm)
        gain = self.case.evidence.difference(self.rules.treated, arm, self.rules.accuracy)
        misled = self._where_misled(arm)
        leans = f"{treated} sharpened a shortcut: it leans on it more than {other}"
        if misled is not None and misled.below:
            return "shortcut", f"{leans} and is less accurate where it misleads", []
        if gain is not None and gained(gain, self.margin):
            if misled is None or gained(misled, 0.0):
                return "mixed", f"{treated} is more accurate than {other} and leans more on the shortcut", []
            if no_more(misled, self.margin):
                return "shortcut", f"{leans} and is more accurate only where it helps", []
            lead = f"{treated} leans more on the shortcut than {other}; whether it gained where that misleads is open"
            return "inconclusive", lead, [self._advice(misled, self.margin)]
        if gain is not None and no_more(gain, self.margin):
            return "shortcut", f"{leans} and is {'less' if gain.below else 'no more'} accurate", []
        lead = f"{treated} leans more on the shortcut than {other}; whether it is more accurate too is open"
        return "inconclusive", lead, [self._advice(gain, self.margin)] if gain is not None else []

    def primary_clause(self) -> str:
        """The answer to the study's question, with its interval; a null is called one."""
        found, plan = self.primary, self.study.primary
        a, b = (self._label(arm) for arm in plan.contrast)
        name = "accuracy" if self.metric == self.rules.accuracy else lowered(self._metric_label(self.metric))
        if found is None:
            return f"{name} of {a} and {b} could not be compared"
        figure = self._difference(found)
        sign = found.value if plan.expected == "greater" else -found.value
        way = "higher" if found.value > 0 else "lower"
        if found.above or found.below:
            small = " (too little to matter)" if abs(found.value) <= plan.margin else ""
            claim = ("as claimed, " if sign > 0 else "against the claim, ") if self.study.claim else ""
            return f"{claim}{name} is {way}{small} with {a} than with {b}: {figure}"
        if equivalent(found.ci90, plan.margin):
            return f"{a} and {b} differ in {name} by too little to matter: {figure}"
        return f"no difference in {name} between {a} and {b} was shown: {figure}"

    def reasons(self) -> list[str]:
        """Every figure that the rules read, each with its interval."""
        treated, base = self._label(self.rules.treated), self._label(self.rules.base)
        found: list[str] = []
        if self.primary is not None:
            p = f", {p_phrase(self.primary.p)}" if self.primary.p is not None else ""
            seeds = counted(self.primary.n_seeds, "seed")
            when = f"Exploratory, {self.case.exploratory}" if self.case.exploratory else "Fixed beforehand"
            found.append(f"{when}: {self._pair()}: {self._difference(self.primary)} ({seeds}{p}).")
            found += self._power(self.primary)
        if self.level is not None and self.gain is not None:
            gain = difference_of(self.gain, "share")
            found.append(f"Accuracy of {treated}: {level_of(self.level, 'share')}; against {base}: {gain}.")
        if self.over_format is not None and self.rules.format is not None:
            figure = difference_of(self.over_format, "share")
            found.append(f"Accuracy beyond the form of the answer, against {self._label(self.rules.format)}: {figure}.")
        for arm, estimate in self.reliance.items():
            told = self.metric == self.rules.reliance and self.study.primary.contrast == (self.rules.treated, arm)
            if estimate is not None and not told:
                figure = difference_of(estimate, "difference")
                found.append(f"{self._reliance()}: {treated} against {self._label(arm)}: {figure}.")
            gain = self.case.evidence.difference(self.rules.treated, arm, self.rules.accuracy)
            if gain is not None and arm != self.rules.base and self.metric != self.rules.accuracy:
                found.append(f"Accuracy: {treated} against {self._label(arm)}: {difference_of(gain, 'share')}.")
        if self.misled is not None:
            figure = difference_of(self.misled, "share")
            found.append(f"Accuracy where the shortcut misleads: {treated} against {base}: {figure}.")
        return found

    def _power(self, found: Estimate) -> list[str]:
        if found.above or found.below or found.detectable is None:
            return []
        unit = self.case.evidence.metrics[self.metric].unit
        if not exists(found.detectable, unit):
            return [
                "With so few seeds and items no difference, however large, would have been found four times in five."
            ]
        size = about(found.detectable, unit)
        return [f"A true difference of about {size} would have been found four times in five."]

    def _advice(self, found: Estimate, margin: float) -> str:
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
        width = difference(margin, "difference").lstrip("+")
        return f"To settle it: about {seeds} bring the interval within ±{width}. Added now, they make it exploratory."

    def _difference(self, estimate: Estimate) -> str:
        return difference_of(estimate, self.case.evidence.metrics[self.metric].unit)

    def _pair(self) -> str:
        a, b = (self._label(arm) for arm in self.study.primary.contrast)
        return f"{lowered(self._metric_label(self.metric))}, {a} against {b}"

    def _reliance(self) -> str:
        return self._metric_label(self.rules.reliance)

    def _metric_label(self, metric: str) -> str:
        return self.case.evidence.metrics[metric].label

    def _label(self, arm: str) -> str:
        return self.study.arm(arm).label


def gained(estimate: Estimate, margin: float) -> bool:
    """Whether a figure rose: its 95 % interval lies above zero and its mean above the margin."""
    return estimate.above and estimate.value > margin


def no_more(estimate: Estimate, margin: float) -> bool:
    """Whether a figure was shown not to have risen by more than the margin: a one-sided test at 5 % says so."""
    return estimate.ci90 is not None and estimate.ci90[1] < margin


def _explained(over_format: Estimate, gain: Estimate, margin: float) -> bool:
    """Whether the format arm accounts for the gain: all of it but the margin, or most even at the interval's end."""
    if over_format.ci is None or over_format.ci90 is None or over_format.value > margin:
        return False
    return over_format.ci90[1] < margin or over_format.ci[1] < gain.value / 2


def _present(estimate: Estimate | None) -> Estimate:
    """The gates let no missing figure through."""
    if estimate is None:
        raise ValueError("a figure that the gates should have asked for is missing")
    return estimate


def _sentence(what: str, more: str) -> str:
    return f"{what[:1].upper()}{what[1:]}. {more}".rstrip()
