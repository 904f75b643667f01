"""Is a difference too small to matter? Either answer is a result.

Two one-sided tests at 5 % (TOST; Schuirmann 1987, Lakens 2017): *equivalent* where the 90 % interval of the paired
difference lies within the margin that was fixed beforehand. *Different* where the 95 % interval lies beyond zero and
the mean beyond the margin. Neither: inconclusive; "no significant difference" alone is never called equivalence.

Further arms may have to be equivalent to the reference as well (`also`), and the level of each of these and of the
treated arm may have to lie within the margin of what guessing gives (`chance`). Equivalence is then claimed only where
all of these tests succeed, so each keeps its 5 % (an intersection-union test; Berger & Hsu 1996, section 2).
*Different* is read of the first arm alone, for else there would be several chances to find it. Two arms that both know
nothing are equivalent as well as two that know everything: a ceiling, a floor and a positive control are what tell
that a difference could have been seen.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from engine.rules._advice import Aim
from engine.rules._base import INCONCLUSIVE, OPEN, Case, Code, Decision, Gate, Read, Rule, RuleConfig
from engine.rules._endpoint import Endpoint, EndpointConfig, EndpointReading, endpoint_gates, endpoint_metrics
from engine.rules._reading import gained, lost
from engine.spec.errors import SpecError
from engine.spec.study import StudySpec
from engine.stats.display.wording import bounds, level, level_of
from engine.stats.evidence import Estimate
from engine.stats.inference.equivalence import equivalent


class EquivalenceConfig(EndpointConfig):
    """Settings of the rule "equivalence"."""

    also: tuple[str, ...] = Field((), description="Further arms that must be equivalent to the reference as well.")
    chance: float | None = Field(
        None,
        description="Level that guessing gives: the treated arm's and each further arm's must be within the margin "
        "of it as well; unset: levels are not tested.",
    )


class Equivalence(Rule[EquivalenceConfig]):
    """Two one-sided tests."""

    name: ClassVar[str] = "equivalence"
    label: ClassVar[str] = "Equivalence"
    about: ClassVar[str] = (
        "Tells whether two arms differ in one figure by too little to matter, or by more than that, by two one-sided "
        "tests with a margin that was fixed beforehand."
    )
    source: ClassVar[str] = "Schuirmann 1987, J Pharmacokinet Biopharm 15:657-680; Lakens 2017, SPPS 8:355-362"
    Config: ClassVar[type[RuleConfig]] = EquivalenceConfig
    codes: ClassVar[tuple[Code, ...]] = (
        Code("equivalent", "Equivalent", "good"),
        Code("different", "Different", "mixed"),
        INCONCLUSIVE,
    )

    def __init__(self, config: EquivalenceConfig, study: StudySpec) -> None:
        super().__init__(config, study)
        self.endpoint = Endpoint.of(config, study)
        first = self.endpoint
        if repeated := {first.treated, first.reference} & set(config.also):
            raise SpecError(f"rule.settings.also: {min(repeated)!r} is compared already.", "Name other arms.")
        self.others = tuple(first._replace(treated=arm) for arm in dict.fromkeys(config.also))

    def roles(self) -> dict[str, str]:
        """The treated arm, its reference, and further arms by number."""
        more = {f"also {at}": other.treated for at, other in enumerate(self.others, 1)}
        return {"treated": self.endpoint.treated, "reference": self.endpoint.reference, **more}

    def metrics(self) -> tuple[str, ...]:
        """The figure that is compared, and the one that has a floor."""
        return endpoint_metrics(self.config, self.endpoint, self.study)

    def reads(self) -> tuple[Read, ...]:
        """Each arm against the reference, and the primary contrast where that is none of these."""
        return Read.with_primary(self.study, *(Read(*one) for one in (self.endpoint, *self.others)))

    def thresholds(self) -> dict[str, float | str]:
        """The margin as it holds, and the other settings."""
        return super().thresholds() | {"margin": self.endpoint.margin}

    def gates(self, case: Case) -> list[Gate]:
        """The floor and the ceiling; with `chance` every level must have been measured."""
        found = endpoint_gates(case, self.config, self.endpoint)
        if self.config.chance is not None:
            for one in (self.endpoint, *self.others):
                reading = EndpointReading(case, one)
                if reading.level_of_treated is None:
                    what = f"{reading.name} of {reading.treated} was not measured"
                    found.append(Gate(what, "The arm must be run and measured."))
        return found

    def reasons(self, case: Case) -> list[str]:
        """The primary contrast, and each arm's level and difference."""
        found = EndpointReading(case, self.endpoint).reasons()
        for other in self.others:
            found += EndpointReading(case, other).own_reasons()
        if self.config.chance is not None:
            found.append(f"Guessing gives {level(self.config.chance, self._unit(case))}{self._narrower(case)}.")
        return list(dict.fromkeys(found))  # all arms are compared with one, whose level is said once

    def decide(self, case: Case) -> Decision:
        """The verdict, by the definitions at the head of this file."""
        first = EndpointReading(case, self.endpoint)
        found, margin = first.found, self.endpoint.margin
        reasons = tuple(self.reasons(case))
        if not equivalent(found.ci90, margin):
            if gained(found, margin) or lost(found, margin):
                return Decision("different", first.whole(first.apart()), reasons)
            what = f"whether {first.pair} differ in {first.name} by more than {first.margin} is open"
            what = f"{what}: {first.figure(found, self.endpoint.metric)}"
            return self._open(first, what, reasons, found)
        for other in self.others:
            reading = EndpointReading(case, other)
            if not equivalent(reading.found.ci90, margin):
                if gained(reading.found, margin) or lost(reading.found, margin):
                    what = f"{reading.apart()}, so not all arms are equivalent"
                    return Decision(OPEN, reading.whole(what), reasons)
                what = f"whether {reading.pair} differ in {reading.name} by more than {first.margin} is open"
                return self._open(reading, what, reasons, reading.found)
        for one in (self.endpoint, *self.others) if self.config.chance is not None else ():
            reading = EndpointReading(case, one)
            if (above := self._over_chance(reading.level_of_treated)) is None or not equivalent(above.ci90, margin):
                shown = level_of(reading.level_of_treated, first.unit(one.metric)) if reading.level_of_treated else "?"
                what = (
                    f"{reading.name} of {reading.treated} was not shown to be within {first.margin} of what guessing "
                    f"gives ({level(self.config.chance or 0.0, first.unit(one.metric))}): {shown}"
                )
                return Decision(OPEN, first.whole(what), reasons)
        what = first.alike()
        others = [EndpointReading(case, other).treated for other in self.others]
        if others:
            what += f"; the same holds for {', '.join(others)}"
        if self.config.chance is not None:
            *most, last = first.treated, *others
            each = f"{', '.join(most)} and {last} are each" if most else f"{last} is"
            what += f"; {each} within {first.margin} of what guessing gives"
        return Decision("equivalent", first.whole(what), reasons)

    def _open(self, reading: EndpointReading, what: str, reasons: tuple[str, ...], found: Estimate) -> Decision:
        one = reading.endpoint
        more = reading.advice(found, Aim(one.margin, one.margin), one.treated, one.reference)
        return Decision(OPEN, reading.whole(what), (*reasons, more))

    def _over_chance(self, found: Estimate | None) -> Estimate | None:
        """A level as its distance from what guessing gives."""
        if found is None or found.ci90 is None or self.config.chance is None:
            return None
        low, high = (bound - self.config.chance for bound in found.ci90)
        return Estimate(found.value - self.config.chance, None, (low, high), found.per_seed)

    def _narrower(self, case: Case) -> str:
        """The intervals by which levels are shown to be near guessing, since the levels' own are wider."""
        read = (EndpointReading(case, one) for one in (self.endpoint, *self.others))
        levels = [(one.treated, one.level_of_treated) for one in read]
        shown = [f"{arm} {bounds(one.ci90, self._unit(case), signed=False)}" for arm, one in levels if one and one.ci90]
        return f"; the levels’ 90 % intervals: {', '.join(shown)}" if shown else ""

    def _unit(self, case: Case) -> str:
        return case.evidence.metrics[self.endpoint.metric].unit
