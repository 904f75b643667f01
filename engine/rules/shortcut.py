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

from typing import ClassVar

from pydantic import Field

from engine.rules._base import INCONCLUSIVE, OPEN, Case, Code, Decision, Gate, Read, Rule, RuleConfig
from engine.rules._reading import Reading, gained, no_more, present
from engine.spec.errors import SpecError
from engine.spec.example import Side
from engine.spec.study import StudySpec
from engine.stats.display.wording import difference, difference_of, level, level_of
from engine.stats.evidence import Estimate
from engine.stats.statistics.by_side import BySide


class ShortcutConfig(RuleConfig):
    """Which arms the verdict reads in which role, and its thresholds."""

    treated: str = Field(description="Arm that the question is about; one of the primary contrast.")
    base: str = Field("base", description="Arm of the base model, untrained.")
    format: str | None = Field(None, description="Arm that can learn only the form of the answer, if there is one.")
    floor: float = Field(ge=0, le=1, description="Accuracy of the treated arm below which no verdict is given.")
    ceiling: float = Field(0.98, ge=0, le=1, description="Accuracy of the base above which nothing is left to gain.")
    parses: str | None = Field(
        None, description='Share of answers that can be read, as "probe.metric"; unset: they always can.'
    )
    parse_floor: float = Field(0.5, ge=0, le=1, description="Share of answers that can be read that is needed.")
    margin: float = Field(0.05, ge=0, description="A change of reliance within +- this is too small to matter.")


class Shortcut(Rule[ShortcutConfig]):
    """Accuracy gained and reliance on the shortcut, over a reference and over the base."""

    name: ClassVar[str] = "shortcut"
    label: ClassVar[str] = "Learned or shortcut"
    about: ClassVar[str] = (
        "Tells whether an arm learned the task, only the form of the answer, or a shortcut, from what it gained in "
        "accuracy and in reliance on the shortcut over a reference and over the base."
    )
    source: ClassVar[str] = "arXiv:2004.07780"
    Config: ClassVar[type[RuleConfig]] = ShortcutConfig
    wants_a_planted_shortcut: ClassVar[bool] = True
    codes: ClassVar[tuple[Code, ...]] = (
        Code("learned", "Learned", "good"),
        Code("format", "Format only", "form"),
        Code("shortcut", "Shortcut", "bad"),
        Code("mixed", "Mixed", "mixed"),
        INCONCLUSIVE,
    )

    def __init__(self, config: ShortcutConfig, study: StudySpec) -> None:
        super().__init__(config, study)
        pair = study.primary.contrast
        if config.treated not in pair:
            raise SpecError(
                f"rule.settings: the treated arm, {config.treated}, must be in the primary contrast.",
                f"The primary contrast is {pair[0]} against {pair[1]}.",
            )
        if study.reliance is None:
            raise SpecError(
                "The rule 'shortcut' needs a figure of reliance.", "Name it in the study: `reliance = ...`."
            )
        self.treated, self.base, self.format = config.treated, config.base, config.format
        self.accuracy, self.reliance = study.accuracy, study.reliance
        other = [arm for arm in pair if arm != config.treated]
        self.reference = other[0] if len(other) == 1 else None
        primary = f"{study.primary.probe}.{study.primary.metric}"
        self.margin = study.primary.margin if primary == study.accuracy else config.margin  # of accuracy

    def roles(self) -> dict[str, str]:
        """The treated arm, its reference, the base, and the arm of the form where there is one."""
        found = {"treated": self.treated, "reference": self.reference, "base": self.base, "format": self.format}
        return {role: arm for role, arm in found.items() if arm is not None}

    def metrics(self) -> tuple[str, ...]:
        """Accuracy, reliance, and the share of answers that can be read."""
        return (self.accuracy, self.reliance, *([self.config.parses] if self.config.parses else []))

    def reads(self) -> tuple[Read, ...]:
        """Accuracy over the base and over the form, reliance over the reference and over the base; the primary one."""
        over = [self.base, *([self.format] if self.format else [])]
        return Read.with_primary(
            self.study,
            *(Read(self.treated, arm, self.accuracy, self.margin) for arm in over),
            *(Read(self.treated, arm, self.reliance, self.config.margin) for arm in self.against),
        )

    def thresholds(self) -> dict[str, float | str]:
        """The settings that are numbers; the one about answers that can be read only where it is asked."""
        found = super().thresholds()
        return {name: value for name, value in found.items() if name != "parse_floor" or self.config.parses}

    @property
    def against(self) -> tuple[str, ...]:
        """The arms over which reliance may have risen."""
        return tuple(dict.fromkeys([*([self.reference] if self.reference else []), self.base]))

    def gates(self, case: Case) -> list[Gate]:
        """Accuracy below the floor, answers that cannot be read, and a base at the ceiling."""
        return _Figures(self, case).gates()

    def reasons(self, case: Case) -> list[str]:
        """The primary contrast, accuracy over each arm, and reliance over each."""
        return _Figures(self, case).reasons()

    def decide(self, case: Case) -> Decision:
        """The verdict by the order that this file's head gives."""
        figures = _Figures(self, case)
        code, lead, more = figures.finding()
        return Decision(code, f"{lead}; {figures.primary_clause()}.", (*figures.reasons(), *more))


class _Figures(Reading):
    """A case's figures by the roles that the study gives its arms."""

    def __init__(self, rule: Shortcut, case: Case) -> None:
        super().__init__(case)
        self.rule, self.settings = rule, rule.config
        evidence = case.evidence
        self.margin = rule.margin
        self.level = evidence.level(rule.treated, rule.accuracy)
        self.base_level = evidence.level(rule.base, rule.accuracy)
        self.parsed = evidence.level(rule.treated, rule.config.parses) if rule.config.parses else None
        self.gain = evidence.difference(rule.treated, rule.base, rule.accuracy)
        self.over_format = (
            evidence.difference(rule.treated, rule.format, rule.accuracy) if rule.format is not None else None
        )
        self.reliance = {arm: evidence.difference(rule.treated, arm, rule.reliance) for arm in rule.against}
        self.misled = self._where_misled(rule.base)
        self.unit_of_accuracy, self.unit_of_reliance = self.unit(rule.accuracy), self.unit(rule.reliance)

    def _where_misled(self, arm: str) -> Estimate | None:
        """Gain over an arm on the items where the shortcut points to a wrong answer."""
        statistic = self.evidence.metrics[self.rule.reliance].statistic
        if not isinstance(statistic, BySide):
            return None
        return self.evidence.difference(self.settings.treated, arm, self.rule.reliance, statistic.on(Side.CONFLICTING))

    def gates(self) -> list[Gate]:
        """What stands against a verdict by this rule."""
        found: list[Gate] = []
        if self.level is None:
            what = f"the accuracy of {self.label(self.settings.treated)} was not measured"
            found.append(Gate(what, "The arm must be run and measured."))
        if self.level is not None and self.level.value < self.settings.floor:
            got, floor = (
                level(self.level.value, self.unit_of_accuracy),
                level(self.settings.floor, self.unit_of_accuracy),
            )
            what = f"{self.label(self.settings.treated)} does the task too rarely ({got}, the floor is {floor})"
            found.append(Gate(what, self.case.advice.weak))
        if self.parsed is not None and self.parsed.value < self.settings.parse_floor:
            got, floor = level(self.parsed.value, "share"), level(self.settings.parse_floor, "share")
            what = f"too few answers of {self.label(self.settings.treated)} can be read ({got}, the floor is {floor})"
            remedy = "What cannot be read says nothing of the task: train longer, or ask in another form."
            found.append(Gate(what, remedy))
        if self.base_level is not None and self.base_level.value > self.settings.ceiling:
            got = level(self.base_level.value, self.unit_of_accuracy)
            what = f"{self.label(self.settings.base)} does the task already ({got}), so nothing is left to gain"
            found.append(Gate(what, "Measure on harder items, or start from a weaker model."))
        return found

    def finding(self) -> tuple[str, str, list[str]]:
        """Code, the sentence's beginning, and what would make an open question conclusive."""
        treated, base = self.label(self.settings.treated), self.label(self.settings.base)
        gain, fmt = present(self.gain), self.over_format
        for arm, rise in self.reliance.items():
            if gained(present(rise), self._bound(arm)):
                return self._leaning(arm)
        if not gained(gain, self.margin):
            lead = f"{treated} was not shown to be more accurate than {base}"
            return OPEN, lead, [self.advice(gain, self.margin, self.unit_of_accuracy)]
        if fmt is not None and not gained(fmt, self.margin):
            label = self.label(self.settings.format or "")
            if _explained(fmt, gain, self.margin):
                how = "more" if fmt.below else "about as"
                return "format", f"{treated} learned the form of the answer: {label} is {how} accurate", []
            lead = f"Whether {treated} learned more than the form of the answer is open"
            return OPEN, lead, [self.advice(fmt, self.margin, self.unit_of_accuracy)]
        if self.misled is not None and not gained(self.misled, 0.0):
            if no_more(self.misled, self.margin):
                return "shortcut", f"{treated} sharpened a shortcut: it gained only where the shortcut helps", []
            lead = f"Whether {treated} gained anything where the shortcut misleads is open"
            return OPEN, lead, [self.advice(self.misled, self.margin, self.unit_of_accuracy)]
        for arm, rise in self.reliance.items():
            if not self._no_rise(arm):
                lead = f"Whether {treated} leans more on the shortcut than {self.label(arm)} is open"
                return OPEN, lead, [self.advice(present(rise), self.settings.margin, self.unit_of_reliance)]
        beyond = ", beyond the form of the answer," if fmt is not None else ""
        than = self.label(self.rule.reference or self.settings.base)
        margin = difference(self.settings.margin, self.unit_of_reliance).lstrip("+")
        lead = f"{treated} learned the task{beyond} and leans on the shortcut at most {margin} more than {than}"
        return "learned", lead, []

    def _no_rise(self, arm: str) -> bool:
        """Whether reliance did not rise over an arm: shown of the reference, of the base by its mean alone.

        The base is measured once and a rise over it is what training in general brings about; which arm brought it
        is told by the reference.
        """
        rise = present(self.reliance[arm])
        if arm == self.settings.base and self.rule.reference not in (None, arm):
            return rise.value <= self._bound(arm)
        return no_more(rise, self._bound(arm))

    def _bound(self, arm: str) -> float:
        """By how much reliance may rise over an arm.

        A base below the floor answers hardly anything, so it could not have shown reliance, and whoever learns the
        task shows some; then reliance has risen only if it makes up more than half of the accuracy gained.
        """
        unable = self.base_level is not None and self.base_level.value < self.settings.floor
        if arm != self.settings.base or not unable or self.gain is None:
            return self.settings.margin
        return max(self.settings.margin, self.gain.value / 2)

    def _leaning(self, arm: str) -> tuple[str, str, list[str]]:
        treated, other = self.label(self.settings.treated), self.label(arm)
        gain = self.evidence.difference(self.settings.treated, arm, self.rule.accuracy)
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
            return OPEN, lead, [self.advice(misled, self.margin, self.unit_of_accuracy)]
        if gain is not None and no_more(gain, self.margin):
            return "shortcut", f"{leans} and is {'less' if gain.below else 'no more'} accurate", []
        lead = f"{treated} leans more on the shortcut than {other}; whether it is more accurate too is open"
        return OPEN, lead, [self.advice(gain, self.margin, self.unit_of_accuracy)] if gain is not None else []

    def reasons(self) -> list[str]:
        """Every figure that the rules read, each with its interval."""
        treated, base = self.label(self.settings.treated), self.label(self.settings.base)
        found = self.primary_reasons()
        if self.level is not None and self.gain is not None:
            gain = difference_of(self.gain, self.unit_of_accuracy)
            found.append(
                f"Accuracy of {treated}: {level_of(self.level, self.unit_of_accuracy)}; against {base}: {gain}."
            )
        if self.over_format is not None and self.settings.format is not None:
            figure = difference_of(self.over_format, self.unit_of_accuracy)
            found.append(
                f"Accuracy beyond the form of the answer, against {self.label(self.settings.format)}: {figure}."
            )
        for arm, estimate in self.reliance.items():
            told = self.metric == self.rule.reliance and self.study.primary.contrast == (self.settings.treated, arm)
            if estimate is not None and not told:
                figure = difference_of(estimate, self.unit_of_reliance)
                found.append(f"{self._reliance()}: {treated} against {self.label(arm)}: {figure}.")
            gain = self.evidence.difference(self.settings.treated, arm, self.rule.accuracy)
            if gain is not None and arm != self.settings.base and self.metric != self.rule.accuracy:
                found.append(
                    f"Accuracy: {treated} against {self.label(arm)}: {difference_of(gain, self.unit_of_accuracy)}."
                )
        if self.misled is not None:
            figure = difference_of(self.misled, self.unit_of_accuracy)
            found.append(f"Accuracy where the shortcut misleads: {treated} against {base}: {figure}.")
        return found

    def _reliance(self) -> str:
        return self.metric_label(self.rule.reliance)


def _explained(over_format: Estimate, gain: Estimate, margin: float) -> bool:
    """Whether the format arm accounts for the gain: all of it but the margin, or most even at the interval's end."""
    if over_format.ci is None or over_format.ci90 is None or over_format.value > margin:
        return False
    return over_format.ci90[1] < margin or over_format.ci[1] < gain.value / 2
