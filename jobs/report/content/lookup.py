"""What arms and metrics of a result are called, how they look, and where their figures stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.spec.result import ArmResult, Contrast, Interval, Result
from engine.stats.display import wording
from jobs.report.content.looks import looks_of
from jobs.report.formats.svg import MARKERS

_PALETTE = 7  # colours in the style sheet of arms that have a free look
_DASHES = 4  # dashes in it besides the dots of the others
ABSENT = "–"
LOSS = "loss"


@dataclass(frozen=True)
class Style:
    """How an arm looks: its classes in the style sheet and its marker, so that colour is never needed alone."""

    kind: str
    marker: str
    dash: str


def styles(result: Result) -> dict[str, Style]:
    """A style for every arm, in the study's order."""
    found: dict[str, Style] = {}
    for arm, (kind, at) in looks_of(result).items():
        free = Style(f"arm-{at % _PALETTE}", MARKERS[at % (_PALETTE - 1)], f"dash-{at % _DASHES}")
        found[arm] = _FIXED.get(kind, free)
    return found


_FIXED = {
    "quiet": Style("arm-quiet", "circle", "dash-quiet"),
    "reference": Style("arm-reference", "diamond", "dash-reference"),
}


def style_of(result: Result, arm: str) -> Style:
    """An arm's style; a plain one for an arm that the result does not list."""
    return styles(result).get(arm, _FIXED["quiet"])


def unit_of(result: Result, metric: str) -> str:
    """The unit of "probe.metric"; "" for a plain number, as the losses and other figures of training are."""
    return next((info.unit for info in result.metrics if info.metric == metric), "")


def label_of(result: Result, metric: str) -> str:
    """What "probe.metric", the training loss or another figure of training ("objective.figure") is called."""
    found = next((info.label for info in result.metrics if info.metric == metric), None)
    return found or scalar_label(metric)


def scalar_label(name: str) -> str:
    """What a figure of training is called, from its name alone: "dpo.reward_margin" is "dpo: reward margin"."""
    if name == LOSS:
        return "Training loss"
    objective, sign, figure = name.rpartition(".")
    return f"{objective}{': ' if sign else ''}{figure.replace('_', ' ')}"


def is_measured(result: Result, metric: str) -> bool:
    """Whether it is a probe's metric, measured on items, and no figure of training."""
    return any(info.metric == metric for info in result.metrics)


def arm_label(result: Result, name: str) -> str:
    """What an arm is called."""
    return next((arm.label for arm in result.arms if arm.name == name), name)


def pair_label(result: Result, a: str, b: str) -> str:
    """What the difference of two arms is called."""
    return f"{arm_label(result, a)} {wording.MINUS} {arm_label(result, b)}"


def level_of(arm: ArmResult | None, metric: str) -> Interval | None:
    """An arm's figure of a metric."""
    return next((found for found in arm.summary if found.metric == metric), None) if arm is not None else None


def arm_of(result: Result, name: str) -> ArmResult | None:
    """An arm by its name."""
    return next((arm for arm in result.arms if arm.name == name), None)


def primary_metric(result: Result) -> str:
    """The primary endpoint's "probe.metric"."""
    return result.study.primary.figure


def primary_contrast(result: Result) -> Contrast | None:
    """The primary endpoint's figures; None where they could not be computed."""
    return next((c for c in result.contrasts if c.primary), None)


def difference_between(result: Result, a: str, b: str, metric: str) -> tuple[float, tuple[float, float]] | None:
    """a minus b with its interval, from the pairs in whichever order; None where no interval is known."""
    for c in (*result.contrasts, *result.further):
        if c.metric == metric and c.ci is not None and {c.a, c.b} == {a, b}:
            return (c.difference, c.ci) if c.a == a else (-c.difference, (-c.ci[1], -c.ci[0]))
    return None


def gain_words(value: float, ci: Sequence[float] | None, unit: str) -> str:
    """A difference with its interval."""
    bounds = wording.bounds((ci[0], ci[1]), unit) if ci is not None else ""
    return f"{wording.difference(value, unit)} {bounds}".rstrip()


def level_words(found: Interval | None, unit: str) -> str:
    """A level with its interval, or a dash."""
    if found is None:
        return ABSENT
    return f"{wording.level(found.mean, unit)} {wording.bounds(found.ci, unit, signed=False)}".rstrip()
