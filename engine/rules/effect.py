"""One comparison, one direction: was the difference that the claim predicts shown?

The direction and the margin are fixed in the study's file. *Shown*: the 95 % interval of the paired difference lies
beyond zero in the direction that was expected, and the mean beyond the margin. *Opposite*: the same in the other
direction. *Absent*: the 90 % interval lies within the margin, two one-sided tests at 5 % (Schuirmann 1987), so that a
null is never taken for evidence of absence. Anything else is inconclusive. Since the mean of *shown* lies beyond the
margin and the interval of *absent* within it, no case is both.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from engine.rules._advice import Aim
from engine.rules._base import INCONCLUSIVE, OPEN, Case, Code, Decision, Gate, Read, Rule, RuleConfig
from engine.rules._endpoint import Endpoint, EndpointConfig, EndpointReading, endpoint_gates, endpoint_metrics
from engine.rules._reading import gained, lost
from engine.spec.errors import SpecError
from engine.spec.study import StudySpec
from engine.stats.inference.equivalence import equivalent


class EffectConfig(EndpointConfig):
    """Settings of the rule "effect"."""

    direction: Literal["", "greater", "less"] = Field(
        "", description="Whether the treated arm's figure is expected to be greater or less; unset: as the primary."
    )


class Effect(Rule[EffectConfig]):
    """A difference in one direction, fixed beforehand."""

    name: ClassVar[str] = "effect"
    label: ClassVar[str] = "Effect"
    about: ClassVar[str] = (
        "Tells whether a figure of one arm differs from another arm's in the direction fixed beforehand: interval "
        "beyond zero, mean beyond a margin."
    )
    source: ClassVar[str] = "Schuirmann 1987, J Pharmacokinet Biopharm 15:657-680 (for “absent”)"
    Config: ClassVar[type[RuleConfig]] = EffectConfig
    codes: ClassVar[tuple[Code, ...]] = (
        Code("shown", "Shown", "good"),
        Code("opposite", "Opposite", "bad"),
        Code("absent", "Too small to matter", "form"),
        INCONCLUSIVE,
    )

    def __init__(self, config: EffectConfig, study: StudySpec) -> None:
        super().__init__(config, study)
        self.endpoint = Endpoint.of(config, study)
        primary = study.primary
        if not config.direction and primary.expected not in ("greater", "less"):
            raise SpecError(
                "primary.expected: the rule “effect” asks for a direction, and the study expects none.",
                "Set rule.settings.direction, or choose the rule “equivalence”.",
            )
        self.sign = 1.0 if (config.direction or primary.expected) == "greater" else -1.0
        if not config.direction and (self.endpoint.treated, self.endpoint.reference) == primary.contrast[::-1]:
            self.sign = -self.sign  # expected is of the contrast as the study writes it

    def roles(self) -> dict[str, str]:
        """The treated arm and its reference."""
        return {"treated": self.endpoint.treated, "reference": self.endpoint.reference}

    def metrics(self) -> tuple[str, ...]:
        """The figure that is compared, and the one that has a floor."""
        return endpoint_metrics(self.config, self.endpoint, self.study)

    def reads(self) -> tuple[Read, ...]:
        """The one difference, and the primary contrast where that is another."""
        return Read.with_primary(self.study, Read(*self.endpoint))

    def thresholds(self) -> dict[str, float | str]:
        """The margin and the direction, as they hold."""
        way = "greater" if self.sign > 0 else "less"
        return super().thresholds() | {"margin": self.endpoint.margin, "direction": way}

    def gates(self, case: Case) -> list[Gate]:
        """The floor and the ceiling."""
        return endpoint_gates(case, self.config, self.endpoint)

    def reasons(self, case: Case) -> list[str]:
        """The primary contrast, both arms' levels, and this rule's difference if it is not the primary one."""
        return EndpointReading(case, self.endpoint).reasons()

    def decide(self, case: Case) -> Decision:
        """The verdict, by the definitions at the head of this file."""
        reading = EndpointReading(case, self.endpoint)
        found, margin = reading.found, self.endpoint.margin
        code, more = OPEN, []
        if gained(found, margin) or lost(found, margin):
            expected = found.value * self.sign > 0
            code = "shown" if expected else "opposite"
            what = f"{'as expected' if expected else 'against what was expected'}, {reading.apart()}"
        elif equivalent(found.ci90, margin):
            code, what = "absent", reading.alike()
        else:
            what = f"whether {reading.pair} differ in {reading.name} by more than {reading.margin} is open"
            what = f"{what}: {reading.figure(found, self.endpoint.metric)}"
            more = [reading.advice(found, Aim(margin, margin), self.endpoint.treated, self.endpoint.reference)]
        return Decision(code, reading.whole(what), (*reading.reasons(), *more))
