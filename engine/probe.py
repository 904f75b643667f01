"""What a probe is: items to measure, a measurement, and figures drawn from the outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import Field

from engine.example import Frozen, Item, Outcome, Side, StudyData
from engine.subject import Subject


class ItemMean(Frozen):
    """How a metric is drawn from single items, so that items can be resampled (`engine.stats`).

    It must say the same as the probe's `summarise`: the mean of `of` over the items that the filters leave.

    Attributes:
        of: What is averaged: "correct", "value" (items without one are left out), "feature:NAME" (likewise), or
            "output:TEXT" (1 where the answer is TEXT, else 0).
        splits: Only items of these splits; empty: all.
        side: Only items of this side; None: all.
        where: Only items whose feature of that name equals the number, in each run's own outcomes.
        by_side: The mean over congruent items minus the mean over conflicting ones, in place of one mean.
    """

    of: str = Field(default="correct", pattern=r"^(correct|value|feature:.+|output:.*)$")
    splits: tuple[str, ...] = ()
    side: Side | None = None
    where: tuple[str, float] | None = None
    by_side: bool = False

    def reads(self, item: Item) -> bool:
        """Whether the figure may depend on this item."""
        sided = item.side is not Side.NEUTRAL if self.by_side else self.side in (None, item.side)
        return sided and (not self.splits or item.split in self.splits)


class Metric(Frozen):
    """One figure of a probe.

    Attributes:
        unit: "share" (0..1, shown as %), "difference" (of shares, shown in points), "nats" or "coefficient".
        direction: Which way is better; None where neither is.
        items: How it is drawn from items; None where it is no mean over items, so that only seeds are resampled.
    """

    name: str
    label: str
    unit: Literal["share", "difference", "nats", "coefficient"]
    direction: Literal["up", "down"] | None = None
    items: ItemMean | None = None


def share_metric(name: str, label: str, **how: Any) -> Metric:
    """A share that is better the higher it is; `how` is `ItemMean`'s."""
    return Metric(name=name, label=label, unit="share", direction="up", items=ItemMean(**how))


def reliance_metric(label: str) -> Metric:
    """Accuracy where the shortcut helps minus accuracy where it misleads."""
    return Metric(name="reliance", label=label, unit="difference", direction="down", items=ItemMean(by_side=True))


class ProbeConfig(Frozen):
    """Settings every probe has (none so far)."""


P = TypeVar("P", bound=ProbeConfig)


class Probe(Generic[P]):
    """Base of every probe (`engine/probes/<name>.py`, one class a file).

    Attributes:
        name: The file's name, with "-" for "_".
        metrics: All figures `summarise` may give.
        live: Names of metrics worth a curve while training; empty: the probe is not run live.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    source: ClassVar[str] = ""
    metrics: ClassVar[tuple[Metric, ...]]
    live: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[ProbeConfig]] = ProbeConfig

    def __init__(self, config: P) -> None:
        self.config = config

    def items(self, data: StudyData, per_split: int) -> list[Item]:
        """The items to measure: at most `per_split` of each split and side pairing, the same for every run."""
        raise TypeError(f"{type(self).__name__} has no items()")

    def live_items(self, data: StudyData, per_split: int) -> list[Item]:
        """The live sample: of such items, those that a live metric reads."""
        forms = [metric.items for metric in self.metrics if metric.name in self.live]
        return [i for i in self.items(data, per_split) if any(form is None or form.reads(i) for form in forms)]

    def measure(self, subject: Subject, items: Sequence[Item]) -> list[Outcome]:
        """What the model does on each item, in order."""
        raise TypeError(f"{type(self).__name__} has no measure()")

    def summarise(self, outcomes: Sequence[Outcome]) -> dict[str, float]:
        """Metric name to value; a metric that these outcomes cannot give is left out, never made up."""
        raise TypeError(f"{type(self).__name__} has no summarise()")


def share(rights: Sequence[bool]) -> float | None:
    """Share of true values, None of nothing."""
    return sum(rights) / len(rights) if rights else None


def balanced(items: Sequence[Item], per_split: int) -> list[Item]:
    """The first `per_split` items of each split, equally many congruent as conflicting where it has both.

    Items without a side fill a split that has no sides; a split that has some is measured on those alone.
    """
    chosen: list[Item] = []
    for split in dict.fromkeys(i.split for i in items):
        own = [i for i in items if i.split == split]
        sided = [[i for i in own if i.side is side] for side in (Side.CONGRUENT, Side.CONFLICTING)]
        each = min(len(sided[0]), len(sided[1]), per_split // 2)
        chosen += [*sided[0][:each], *sided[1][:each]] if each else own[:per_split]
    return chosen
