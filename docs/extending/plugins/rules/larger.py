"""Which of two arms has the larger figure? The simplest honest rule.

The first arm's figure is *larger* where the 95 % interval of the paired difference lies above zero and its mean beyond
the margin, *smaller* where the same holds below zero. Anything else is inconclusive: a difference that was not found is
never called equality, for which there is the rule "equivalence".
"""

from __future__ import annotations

from typing import ClassVar

from engine.rules import (
    INCONCLUSIVE,
    OPEN,
    Aim,
    Case,
    Code,
    Decision,
    Read,
    Reading,
    Rule,
    RuleConfig,
    gained,
    lost,
    present,
)


class Larger(Rule[RuleConfig]):
    """The primary contrast, in either direction."""

    name: ClassVar[str] = "larger"
    label: ClassVar[str] = "Larger"
    about: ClassVar[str] = "Tells which of the two arms of the primary contrast has the larger figure, if either has."
    source: ClassVar[str] = "Efron 1987, JASA 82:171-185 (the interval)"
    codes: ClassVar[tuple[Code, ...]] = (
        Code("larger", "Larger", "good"),
        Code("smaller", "Smaller", "bad"),
        INCONCLUSIVE,
    )

    def roles(self) -> dict[str, str]:
        """The two arms, as the study's primary contrast names them."""
        first, second = self.study.primary.contrast
        return {"first": first, "second": second}

    def reads(self) -> tuple[Read, ...]:
        """The one difference: without it, or on a single seed, no verdict is given."""
        primary = self.study.primary
        return (Read(*primary.contrast, f"{primary.probe}.{primary.metric}", primary.margin),)

    def thresholds(self) -> dict[str, float | str]:
        """What was fixed beforehand."""
        return {"margin": self.study.primary.margin}

    def reasons(self, case: Case) -> list[str]:
        """The difference with its interval, seeds and p."""
        return Reading(case).primary_reasons()

    def decide(self, case: Case) -> Decision:
        """The verdict by the order that this file's head gives; every gate has been passed by now."""
        reading, margin = Reading(case), self.study.primary.margin
        found = present(reading.primary)
        code, more = OPEN, []
        if gained(found, margin):
            code = "larger"
        elif lost(found, margin):
            code = "smaller"
        else:
            more = [reading.advice(found, Aim(beyond=margin))]
        said = reading.primary_clause()
        return Decision(code, f"{said[:1].upper()}{said[1:]}.", (*self.reasons(case), *more))
