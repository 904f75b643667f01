"""What the rule "shortcut" reads of a case: its figures by the parts that arms play, its gates and its reasons."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from engine.rules._base import Case, Gate
from engine.rules._leaning import Lean, Leaning
from engine.rules._reading import Reading, present
from engine.spec.example import Side
from engine.stats.display.wording import judged_difference, judged_level, level, level_of, unsigned
from engine.stats.evidence import Estimate

if TYPE_CHECKING:
    from engine.rules.shortcut import Shortcut


class Figures(Reading):
    """A case's figures by the parts that arms play.

    Attributes:
        margin: A difference of accuracy within +- this is too small to matter.
        level, base_level: Accuracy of the treated arm and of the base; None where it was not measured.
        gain: Accuracy over the base.
        over_format: Accuracy over the arm of the form; None where there is none.
        changes: Arm to the difference of reliance, the treated arm's minus that arm's.
        able: The arms beside which a lean is read; a base below the floor, which answers hardly anything, is none.
    """

    def __init__(self, rule: Shortcut, case: Case) -> None:
        super().__init__(case)
        self.rule, self.settings, self.margin = rule, rule.config, rule.margin
        evidence = case.evidence
        self.treated, self.base = self.label(rule.treated), self.label(rule.base)
        self.level = evidence.level(rule.treated, rule.accuracy)
        self.base_level = evidence.level(rule.base, rule.accuracy)
        self.parsed = evidence.level(rule.treated, rule.config.parses) if rule.config.parses else None
        self.gain = self.over(rule.base)
        self.over_format = self.over(rule.format) if rule.format is not None else None
        self.changes = {arm: evidence.difference(rule.treated, arm, rule.reliance) for arm in rule.against}
        unable = self.base_level is not None and self.base_level.value < rule.config.floor
        self.able = tuple(arm for arm in rule.against if not (unable and arm == rule.base))
        self.unit_of_accuracy, self.unit_of_reliance = self.unit(rule.accuracy), self.unit(rule.reliance)

    @cached_property
    def leaning(self) -> Leaning:
        """The treated arm's lean beside others'; to be asked for once the gates have let every figure through."""
        others = {arm: self._lean(arm) for arm in self.rule.against}
        changes = {arm: present(found) for arm, found in self.changes.items()}
        return Leaning(self._lean(self.rule.treated), others, changes, self.settings.margin)

    def _lean(self, arm: str) -> Lean:
        found = present(self.evidence.level(arm, self.rule.reliance))
        return Lean(self.label(arm), found, self.rule.leans, self.unit_of_reliance)

    def over(self, arm: str) -> Estimate | None:
        """Accuracy over an arm."""
        return self.evidence.difference(self.rule.treated, arm, self.rule.accuracy)

    def over_on(self, arm: str, side: Side) -> Estimate | None:
        """Accuracy over an arm on the items of one side; None where reliance is no difference of two sides."""
        one = self.evidence.metrics[self.rule.reliance].statistic.on(side)
        return None if one is None else self.evidence.difference(self.rule.treated, arm, self.rule.reliance, one)

    @property
    def goes_on(self) -> bool:
        """Whether a look at more seeds can follow, which may settle what is open now."""
        return self.evidence.looks is not None and not self.evidence.looks.last

    @property
    def margin_words(self) -> str:
        """The margin of accuracy."""
        return unsigned(self.margin, self.unit_of_accuracy)

    def gain_words(self, arm: str) -> str:
        """The difference of accuracy to an arm in brackets; "" where the primary clause gives it anyway."""
        if self.metric == self.rule.accuracy and self.study.primary.contrast == (self.rule.treated, arm):
            return ""
        return f" ({judged_difference(present(self.over(arm)), self.unit_of_accuracy, self.margin)})"

    def gates(self) -> list[Gate]:
        """What stands against a verdict by this rule."""
        found: list[Gate] = []
        if self.level is None:
            what = f"the accuracy of {self.treated} was not measured"
            found.append(Gate(what, "The arm must be run and measured."))
        if self.level is not None and self.level.value < self.settings.floor:
            got, floor = (level(value, self.unit_of_accuracy) for value in (self.level.value, self.settings.floor))
            what = f"{self.treated} does the task too rarely ({got}, the floor is {floor})"
            found.append(Gate(what, self.case.advice.weak))
        if self.settings.parses and self.parsed is None:
            what = f"how many answers of {self.treated} can be read was not measured"
            found.append(Gate(what, "The arm must be measured by a probe that tells it."))
        if self.parsed is not None and self.parsed.value < self.settings.parse_floor:
            got, floor = level(self.parsed.value, "share"), level(self.settings.parse_floor, "share")
            what = f"too few answers of {self.treated} can be read ({got}, the floor is {floor})"
            remedy = "What cannot be read says nothing of the task: train longer, or ask in another form."
            found.append(Gate(what, remedy))
        if self.base_level is not None and self.base_level.value > self.settings.ceiling:
            got = level(self.base_level.value, self.unit_of_accuracy)
            what = f"{self.base} does the task already ({got}), so nothing is left to gain"
            found.append(Gate(what, "Measure on harder items, or start from a weaker model."))
        for arm in (self.rule.treated, *self.rule.against):
            if self.evidence.level(arm, self.rule.reliance) is None:
                what = f"{self.named(self.rule.reliance)} of {self.label(arm)} was not measured"
                found.append(Gate(what, "The arm must be measured where the shortcut helps and where it misleads."))
        return [*found, *self._side_gates()]

    def _side_gates(self) -> list[Gate]:
        """Where reliance is a difference of two sides, accuracy on each must be there: what leans is told by it."""
        statistic = self.evidence.metrics[self.rule.reliance].statistic
        return [
            Gate(
                f"accuracy of {self.treated} and {self.label(arm)} where the shortcut {how} could not be compared",
                "Both must be measured on such items, item by item; a table says which they are in a column `side`.",
            )
            for arm in self.rule.against
            for side, how in ((Side.CONGRUENT, "helps"), (Side.CONFLICTING, "misleads"))
            if statistic.on(side) is not None and self.over_on(arm, side) is None
        ]

    def reasons(self) -> list[str]:
        """Every figure that the rule reads, each with its interval."""
        found = self.primary_reasons()
        if self.level is not None and self.gain is not None:
            gain = judged_difference(self.gain, self.unit_of_accuracy, self.margin)
            shown = level_of(self.level, self.unit_of_accuracy)
            found.append(f"Accuracy of {self.treated}: {shown}; against {self.base}: {gain}.")
        if self.over_format is not None and self.rule.format is not None:
            figure = judged_difference(self.over_format, self.unit_of_accuracy, self.margin)
            found.append(f"Accuracy beyond the form of the answer, against {self.label(self.rule.format)}: {figure}.")
        levels = [
            f"{self.label(arm)} {judged_level(one, self.unit_of_reliance, self.rule.leans)}"
            for arm in (self.rule.treated, *self.rule.against)
            if (one := self.evidence.level(arm, self.rule.reliance)) is not None
        ]
        reliance = self.metric_label(self.rule.reliance)
        if levels:
            found.append(f"{reliance}: {'; '.join(levels)}.")
        for arm, change in self.changes.items():
            told = self.metric == self.rule.reliance and self.study.primary.contrast == (self.rule.treated, arm)
            if change is not None and not told:
                figure = judged_difference(change, self.unit_of_reliance, self.settings.margin)
                found.append(f"{reliance}: {self.treated} against {self.label(arm)}: {figure}.")
            gain = self.over(arm)
            if gain is not None and arm != self.rule.base and self.metric != self.rule.accuracy:
                figure = judged_difference(gain, self.unit_of_accuracy, self.margin)
                found.append(f"Accuracy: {self.treated} against {self.label(arm)}: {figure}.")
        for side, how in ((Side.CONGRUENT, "helps"), (Side.CONFLICTING, "misleads")):
            if (one := self.over_on(self.rule.base, side)) is not None:
                figure = judged_difference(one, self.unit_of_accuracy, self.margin)
                found.append(f"Accuracy where the shortcut {how}: {self.treated} against {self.base}: {figure}.")
        return found
