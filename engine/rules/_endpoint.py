"""What rules have in common that read one comparison: its settings, its gates and its words."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import Field

from engine.rules._base import Case, Gate, RuleConfig
from engine.rules._reading import Reading, present
from engine.spec.errors import SpecError
from engine.spec.study import StudySpec
from engine.stats.display.wording import judged_difference, level, level_of, unsigned
from engine.stats.evidence import Estimate


class EndpointConfig(RuleConfig):
    """Settings of rules that read one comparison: unset, each is the study's primary endpoint's."""

    treated: str = Field("", description="Arm that the question is about; unset: the first of the primary contrast.")
    reference: str = Field("", description="Arm it is compared with; unset: the second of the primary contrast.")
    metric: str = Field("", description='Figure that is compared, as "probe.metric"; unset: the primary metric.')
    margin: float | None = Field(
        None,
        gt=0,
        description="Differences within +- margin (the metric's unit) are too small to matter; unset: the primary "
        "endpoint's margin.",
    )
    floor: float | None = Field(
        None, description="Level of the treated arm below which no verdict is given; unset: there is none."
    )
    floor_metric: str = Field("", description='Figure that the floor is for, as "probe.metric"; unset: the accuracy.')
    ceiling: float | None = Field(
        0.98,
        ge=0,
        le=1,
        description="Where the figure is a share and both arms exceed this, nothing can differ, and no verdict is "
        "given; unset: there is no ceiling.",
    )


class Endpoint(NamedTuple):
    """One comparison that a rule reads."""

    treated: str
    reference: str
    metric: str
    margin: float

    @classmethod
    def of(cls, config: EndpointConfig, study: StudySpec) -> Endpoint:
        """The endpoint of the settings, or the study's primary one.

        Raises:
            SpecError: There is no margin for it, or it compares an arm with itself.
        """
        primary = study.primary
        own = primary.figure
        treated, reference = config.treated or primary.contrast[0], config.reference or primary.contrast[1]
        metric = config.metric or own
        margin = config.margin if config.margin is not None else primary.margin if metric == own else None
        if treated == reference:
            raise SpecError(f"The rule of {study.id!r} compares {treated!r} with itself.", "Name two arms.")
        if not margin:
            raise SpecError(
                f"The rule of {study.id!r} has no margin for {metric}.",
                "Set `margin` in [rule.settings]: the difference that is too small to matter, in the metric's unit.",
            )
        return cls(treated, reference, metric, margin)


class EndpointReading(Reading):
    """A comparison's figures, and words for it.

    Attributes:
        found: The paired difference.
        pair, name, margin: The two arms, the figure and the margin, in words.
    """

    def __init__(self, case: Case, endpoint: Endpoint) -> None:
        super().__init__(case)
        self.endpoint = endpoint
        self._found = case.evidence.difference(endpoint.treated, endpoint.reference, endpoint.metric)
        self.level_of_treated, self.level_of_reference = (
            case.evidence.level(arm, endpoint.metric) for arm in (endpoint.treated, endpoint.reference)
        )
        self.treated, self.reference = self.label(endpoint.treated), self.label(endpoint.reference)
        self.pair = f"{self.treated} and {self.reference}"
        self.name = self.named(endpoint.metric)
        self.margin = unsigned(endpoint.margin, self.unit(endpoint.metric))

    @property
    def found(self) -> Estimate:
        """The paired difference, where the gates let it through."""
        return present(self._found)

    @property
    def is_primary(self) -> bool:
        """Whether it is the study's primary endpoint."""
        return (self.endpoint.treated, self.endpoint.reference) == self.study.primary.contrast and (
            self.endpoint.metric == self.metric
        )

    def apart(self) -> str:
        """That they differ, which way, and by how much."""
        way = "higher" if self.found.value > 0 else "lower"
        figure = self.figure(self.found, self.endpoint.metric)
        return f"{self.name} is {way} with {self.treated} than with {self.reference}: {figure}"

    def alike(self) -> str:
        """That they differ by too little to matter."""
        figure = self.figure(self.found, self.endpoint.metric, self.endpoint.margin)
        return f"{self.pair} differ in {self.name} by less than {self.margin}, too little to matter: {figure}"

    def whole(self, what: str) -> str:
        """The sentence of a verdict: with the primary contrast, where another comparison is read."""
        more = "" if self.is_primary else f"; {self.primary_clause()}"
        return f"{what[:1].upper()}{what[1:]}{more}."

    def reasons(self) -> list[str]:
        """The primary contrast, and this comparison's figures."""
        return [*self.primary_reasons(), *self.own_reasons()]

    def own_reasons(self) -> list[str]:
        """The levels of both arms, and the difference where it is not the primary one."""
        unit, metric = self.unit(self.endpoint.metric), self.metric_label(self.endpoint.metric)
        both = ((self.treated, self.level_of_treated), (self.reference, self.level_of_reference))
        found = [f"{metric} of {arm}: {level_of(one, unit)}." for arm, one in both if one is not None]
        if self._found is not None and not self.is_primary:
            figure = judged_difference(self._found, unit, self.endpoint.margin)
            found.append(f"{metric}: {self.treated} against {self.reference}: {figure}.")
        return found


def endpoint_metrics(config: EndpointConfig, endpoint: Endpoint, study: StudySpec) -> tuple[str, ...]:
    """The figure that is compared, and the one that has a floor."""
    floor = [config.floor_metric or study.accuracy] if config.floor is not None else []
    return tuple(dict.fromkeys([endpoint.metric, *floor]))


def endpoint_gates(case: Case, config: EndpointConfig, endpoint: Endpoint) -> list[Gate]:
    """The floor of the treated arm, and a ceiling that both arms have reached, so that nothing could differ."""
    treated, reference, metric, _ = endpoint
    reading = Reading(case)
    found: list[Gate] = []
    if config.floor is not None:
        named = config.floor_metric or case.study.accuracy
        got, unit = case.evidence.level(treated, named), reading.unit(named)
        if got is None:
            found.append(
                Gate(
                    f"{reading.named(named)} of {reading.label(treated)} was not measured",
                    "The arm must be run and measured.",
                )
            )
        elif got.value < config.floor:
            shown, floor = level(got.value, unit), level(config.floor, unit)
            what = f"{reading.named(named)} of {reading.label(treated)} is too low ({shown}, the floor is {floor})"
            found.append(Gate(what, case.advice.weak))
    levels = [case.evidence.level(arm, metric) for arm in (treated, reference)]
    if config.ceiling is not None and reading.unit(metric) == "share":
        values = [one.value for one in levels if one is not None]
        if len(values) == 2 and min(values) > config.ceiling:
            shown = level(min(values), "share")
            what = f"{reading.named(metric)} of both arms is {shown} or more, so nothing could differ"
            found.append(Gate(what, "Measure on harder items, or start from a weaker model."))
    return found
