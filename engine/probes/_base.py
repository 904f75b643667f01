"""What a probe is: items to measure, a measurement, and figures drawn from the outcomes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from engine.spec.errors import DataError
from engine.spec.example import Frozen, Item, Outcome, Side, StudyData
from engine.spec.run import Wanted
from engine.stats.metric import Metric
from engine.subject.protocol import Subject


class ProbeConfig(Frozen):
    """Settings every probe has (none so far)."""


def no_task(name: str) -> Any:
    """Where no task is at hand. Raises DataError."""
    raise DataError(f"The task {name!r} is not at hand here.")


P = TypeVar("P", bound=ProbeConfig)


@dataclass(frozen=True)
class Measuring:
    """What a probe measures with.

    Attributes:
        subject: The model that is measured, as its arm answers.
        needs: What `Probe.needs` asked for, by its names.
        task: The task of the world of that name, with its own grading, solver and corruptions
            (`engine.world.tasks`); raises DataError where there is none.
    """

    subject: Subject
    needs: Mapping[str, Subject] = field(default_factory=dict)
    task: Callable[[str], Any] = no_task


class Probe(Generic[P]):
    """Base of every probe (`engine/probes/<name>.py`, one class a file).

    Attributes:
        name: The file's name, with "-" for "_".
        metrics: Its figures; each says by its statistic how it is drawn from outcomes.
        live: Names of metrics worth a curve while training; empty: the probe is not run live.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    source: ClassVar[str] = ""
    metrics: ClassVar[tuple[Metric, ...]]
    live: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[ProbeConfig]] = ProbeConfig

    def __init_subclass__(cls, **more: Any) -> None:
        """Raises TypeError where a live metric is none of its metrics."""
        super().__init_subclass__(**more)
        names = [metric.name for metric in getattr(cls, "metrics", ())]
        for name in cls.live:
            if name not in names:
                raise TypeError(f"there is no live metric {name!r}; `metrics` has {', '.join(names)}")

    def __init__(self, config: P) -> None:
        self.config = config

    def items(self, data: StudyData, per_split: int) -> list[Item]:
        """The items to measure: at most `per_split` of each split and side pairing, the same for every run."""
        raise TypeError(f"{type(self).__name__} has no items()")

    def live_items(self, data: StudyData, per_split: int) -> list[Item]:
        """The live sample: of such items, those that a live metric reads."""
        live = [metric.statistic for metric in self.metrics if metric.name in self.live]
        return [i for i in self.items(data, per_split) if any(statistic.reads(i) for statistic in live)]

    def needs(self) -> dict[str, Wanted]:
        """What it uses beside the model that is measured, by names of its own (a frozen scorer, another arm)."""
        return {}

    def measure(self, kit: Measuring, items: Sequence[Item]) -> list[Outcome]:
        """What the model does on each item, in order."""
        raise TypeError(f"{type(self).__name__} has no measure()")

    def figures(self, outcomes: Sequence[Outcome]) -> dict[str, float]:
        """Metric name to value; a metric that these outcomes cannot give is left out, never made up."""
        found = {metric.name: metric.statistic.of(outcomes) for metric in self.metrics}
        return {name: value for name, value in found.items() if value is not None}


def balanced(items: Sequence[Item], per_split: int, kind: Callable[[Item], Hashable] = lambda _: None) -> list[Item]:
    """The first `per_split` items of each split, equally many congruent as conflicting where it has both.

    Items without a side fill a split that has no sides; a split that has some is measured on those alone.

    Args:
        items: To choose from.
        per_split: How many at most.
        kind: What there shall be equally many of on each side, where each kind is on both sides.
    """
    chosen: list[Item] = []
    for split in dict.fromkeys(i.split for i in items):
        own = [i for i in items if i.split == split]
        sided = [[i for i in own if i.side is side] for side in (Side.CONGRUENT, Side.CONFLICTING)]
        if kinds := _on_both(sided, kind):
            sided = [[i for i in side if kind(i) == one] for side in sided for one in kinds]
        each = min(*map(len, sided), per_split // len(sided))
        chosen += [i for side in sided for i in side[:each]] if each else own[:per_split]
    return chosen


def _on_both(sides: Sequence[Sequence[Item]], kind: Callable[[Item], Hashable]) -> list[Hashable]:
    """The kinds, in the order in which they come, where each is on both sides; else none."""
    found = [dict.fromkeys(map(kind, side)) for side in sides]
    return list(found[0]) if found[0].keys() == found[1].keys() else []
