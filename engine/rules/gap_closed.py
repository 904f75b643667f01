"""How much of the gap between a base and a target an arm closes (Liu et al. 2024, arXiv:2401.08565, section 3).

The share closed is (treated - base) / (target - base). It explodes where the gap is small, so it is said only where the
gap is shown to exist: its 95 % interval lies above zero and its mean is at least `smallest_gap`; otherwise the verdict
is inconclusive and the share is not given. With it:

- *closed*: the lower bound of the share's 95 % interval is at least `enough`.
- *partly*: that bound lies above zero.
- *not*: the gain over the base was shown to be at most the margin (the upper bound of its 90 % interval, a one-sided
  test at 5 %), and the upper bound of the share's interval is below `enough`. Where the gap is hardly larger than the
  margin, a gain that is too small to matter may still be most of it.
- Otherwise inconclusive.

The share and the gain in points have intervals of their own, so the first two need the gain to be shown as well: its
95 % interval above zero. That gain, or another difference, is the study's primary endpoint and stands in the sentence.
Of a target that was swept over settings (`swept`) the best on average is taken: chance can then only make the gap look
larger, and the share that is closed smaller. Figures of which less is better (`direction` "down") are turned round, so
that a gain is always an improvement.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from engine.rules._advice import Aim
from engine.rules._base import INCONCLUSIVE, OPEN, Case, Code, Decision, Gate, Read, Rule, RuleConfig
from engine.rules._reading import Reading, no_more, present, turned
from engine.spec.errors import SpecError
from engine.spec.result import NamedFigure
from engine.spec.study import StudySpec
from engine.stats.display.wording import judged_difference, level, level_of, unsigned
from engine.stats.evidence import Estimate

LABEL = "Share of the gap closed"
SMALL_GAP = "To settle it: choose a target that does better, or run more seeds."


class GapClosedConfig(RuleConfig):
    """Settings of the rule "gap-closed"."""

    treated: str = Field(description="Arm that is to close the gap.")
    base: str = Field("base", description="Arm at which the gap begins.")
    target: str = Field(description="Arm at which it ends.")
    swept: tuple[str, ...] = Field(
        (),
        description="Arms like the target with other settings (learning rates): whichever of all does best is the "
        "target, so that a badly set one cannot make the gap look closed.",
    )
    expert: str | None = Field(None, description="Arm whose level is shown beside: what the treated arm was given.")
    metric: str = Field("", description='Figure, as "probe.metric"; unset: the primary metric.')
    margin: float | None = Field(
        None,
        gt=0,
        description="A gain over the base within this (the metric's unit) is too small to matter; unset: the primary "
        "endpoint's margin.",
    )
    smallest_gap: float = Field(
        0.03, gt=0, description="Gap (the metric's unit) below which no share of it is given: it would say nothing."
    )
    enough: float = Field(0.8, gt=0, le=1, description="Share of the gap that must at least be closed.")


class GapClosed(Rule[GapClosedConfig]):
    """The share of the gap between two arms that a third one closes."""

    name: ClassVar[str] = "gap-closed"
    label: ClassVar[str] = "Gap closed"
    about: ClassVar[str] = "Tells how much of the gap between a base and a target one arm closes, with an interval."
    source: ClassVar[str] = "arXiv:2401.08565"
    Config: ClassVar[type[RuleConfig]] = GapClosedConfig
    codes: ClassVar[tuple[Code, ...]] = (
        Code("closed", "Gap closed", "good"),
        Code("partly", "Partly closed", "mixed"),
        Code("not", "Not closed", "bad"),
        INCONCLUSIVE,
    )

    def __init__(self, config: GapClosedConfig, study: StudySpec) -> None:
        super().__init__(config, study)
        primary = study.primary.figure
        self.metric = config.metric or primary
        margin = config.margin if config.margin is not None else study.primary.margin if self.metric == primary else 0
        if not margin:
            raise SpecError(
                f"The rule of {study.id!r} has no margin for {self.metric}.", "Set `margin` in [rule.settings]."
            )
        arms = (config.treated, config.base, config.target, *config.swept)
        if len(set(arms)) < len(arms):
            raise SpecError("rule.settings: treated, base, target and swept must all differ.", "Name another arm.")
        self.margin = margin

    def roles(self) -> dict[str, str]:
        """The treated arm, base, target, and expert where there is one."""
        config = self.config
        found = {"treated": config.treated, "base": config.base, "target": config.target}
        found |= {f"swept {at}": arm for at, arm in enumerate(config.swept, 1)}
        return found | ({"expert": config.expert} if config.expert else {})

    def metrics(self) -> tuple[str, ...]:
        """The one figure."""
        return (self.metric,)

    def reads(self) -> tuple[Read, ...]:
        """The gain, the gap to every target, what is left of it, and what the treated arm has over the expert alone.

        The primary contrast as well, where it is none of these.
        """
        pairs = dict.fromkeys(pair for target in self.targets for pair in self.pairs(target))
        return Read.with_primary(self.study, *(Read(a, b, self.metric, self.margin) for a, b in pairs))

    @property
    def targets(self) -> tuple[str, ...]:
        """The arms of which the best is the target."""
        return (self.config.target, *self.config.swept)

    def pairs(self, target: str) -> tuple[tuple[str, str], ...]:
        """The pairs of arms that are compared: first the gain, then the gap."""
        config = self.config
        found = ((config.treated, config.base), (target, config.base), (config.treated, target))
        return (*found, (config.treated, config.expert)) if config.expert else found

    def thresholds(self) -> dict[str, float | str]:
        """The margin as it holds, and the other settings."""
        return super().thresholds() | {"margin": self.margin}

    def gates(self, case: Case) -> list[Gate]:
        """A gap that is not there, or too small to be divided by."""
        figures = _Figures(self, case)
        if figures.gap is None or figures.gain is None or figures.divisible:
            return []
        target, base = figures.label(figures.target), figures.label(self.config.base)
        least, unit = self.config.smallest_gap, figures.metric_unit
        shown = judged_difference(figures.gap, unit, least)
        if figures.gap.value >= least:
            what = f"how much better {target} is than {base} in {figures.name} is too uncertain: {shown}"
            more = figures.advice(figures.gap, Aim(least, both=False), figures.target, self.config.base)
            return [Gate(what, f"A share of it would say nothing. {more}")]
        needed = unsigned(least, unit)
        claim = "is not" if no_more(figures.gap, least) else "was not shown to be"
        what = f"{target} {claim} better than {base} in {figures.name} by {needed} or more: {shown}"
        return [Gate(what, "A share of so small a gap would say nothing. Choose a target that does better.")]

    def reasons(self, case: Case) -> list[str]:
        """The primary contrast, all levels, and the three differences."""
        return _Figures(self, case).reasons()

    def decide(self, case: Case) -> Decision:
        """The verdict, by the definitions at the head of this file."""
        figures = _Figures(self, case)
        closed, gain = figures.closed, present(figures.gain)
        code, what, more = figures.finding(closed, gain)
        share = figures.named_share(closed)
        return Decision(code, f"{what}; {figures.primary_clause()}.", (*figures.reasons(), *more), (share,))


class _Figures(Reading):
    """The three differences, so turned that higher is better, and the share."""

    def __init__(self, rule: GapClosed, case: Case) -> None:
        super().__init__(case)
        self.rule, self.config = rule, rule.config
        metric = case.evidence.metrics[rule.metric]
        self.down = metric.direction == "down"
        self.metric_unit, self.name = metric.unit, self.named(rule.metric)
        config = rule.config
        self.target = self._best(rule.targets)
        pairs = rule.pairs(self.target)
        self.raw = {pair: case.evidence.difference(*pair, rule.metric) for pair in pairs}
        self.gain, self.gap = map(self._improved, pairs[:2])
        self.divisible = self.gap is not None and self.gap.above and self.gap.value >= config.smallest_gap
        self.closed = (
            case.evidence.closed(config.treated, config.base, self.target, rule.metric) if self.divisible else None
        )

    def _best(self, targets: tuple[str, ...]) -> str:
        """The target that does best on average; the first where none was measured."""
        levels = {arm: one.value for arm in targets if (one := self.evidence.level(arm, self.rule.metric)) is not None}
        best = min if self.down else max
        return best(levels, key=levels.__getitem__) if levels else targets[0]

    def _improved(self, pair: tuple[str, str]) -> Estimate | None:
        """A difference, so turned that an improvement is positive."""
        found = self.raw[pair]
        return turned(found) if found is not None and self.down else found

    def finding(self, closed: Estimate | None, gain: Estimate) -> tuple[str, str, list[str]]:
        """Code, the sentence's beginning, and what would make an open question conclusive."""
        treated, target = self.label(self.config.treated), self.label(self.target)
        enough = level(self.config.enough, "share")
        if closed is not None and closed.ci is not None and closed.above and gain.above:
            shown = level_of(closed, "share")
            if closed.ci[0] >= self.config.enough:
                return "closed", f"{treated} closes at least {enough} of the gap to {target}: {shown}", []
            if closed.ci[1] < self.config.enough:
                return "partly", f"{treated} closes a part of the gap to {target}, less than {enough}: {shown}", []
            lead = f"{treated} closes a part of the gap to {target}: {shown}; whether it is {enough} or more is open"
            return "partly", lead, []
        if no_more(gain, self.rule.margin):
            lead = f"{treated} does not close the gap to {target}"
            if closed is not None and closed.ci is not None and closed.ci[1] < self.config.enough:
                return "not", f"{lead}: {self._no_better(gain)}", []
            shown = "not known" if closed is None else level_of(closed, "share")
            lead = f"Whether {treated} closes the gap to {target} is open: {self._no_better(gain)}"
            return OPEN, f"{lead}; what share of the gap that is, is open ({shown})", [SMALL_GAP]
        more = [self.advice(gain, Aim(0.0, self.rule.margin, both=False), self.config.treated, self.config.base)]
        return OPEN, f"Whether {treated} closes any of the gap to {target} is open", more

    def _no_better(self, gain: Estimate) -> str:
        """That the treated arm gained nothing that matters over the base."""
        least = unsigned(self.rule.margin, self.metric_unit)
        how = f"not better by {least} or more than"
        how = "worse than" if gain.below else "better by too little to matter than" if gain.above else how
        raw = present(self.raw[self.config.treated, self.config.base])
        figure = self.figure(raw, self.rule.metric, self.rule.margin)
        return f"it is {how} {self.label(self.config.base)} in {self.name}: {figure}"

    def named_share(self, closed: Estimate | None) -> NamedFigure:
        """The share as a figure of the result."""
        if closed is None:
            return NamedFigure(label=LABEL, value=None, unit="share", note="It could not be computed.")
        note = "" if closed.ci is not None else "The gap is too uncertain for an interval."
        return NamedFigure(label=LABEL, value=closed.value, ci=closed.ci, unit="share", note=note)

    def reasons(self) -> list[str]:
        """Every figure that the rule reads, each with its interval; the share is a figure of the verdict's own."""
        found, config, name = self.primary_reasons(), self.config, self.metric_label(self.rule.metric)
        arms = [config.treated, config.base, *self.rule.targets, *([config.expert] if config.expert else [])]
        for arm in arms:
            if (one := self.evidence.level(arm, self.rule.metric)) is not None:
                found.append(f"{name} of {self.label(arm)}: {level_of(one, self.metric_unit)}.")
        for (a, b), one in self.raw.items():
            told = (a, b) == self.study.primary.contrast and self.rule.metric == self.metric
            if one is not None and not told:
                found.append(f"{name}: {self.label(a)} against {self.label(b)}: {self.figure(one, self.rule.metric)}.")
        if self.gap is not None and not self.divisible:
            found.append(f"{LABEL}: not given, since the gap is not shown to be large enough.")
        return found
