"""What a figure is, and how it is drawn from single items."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from engine.spec.example import Frozen, Item, Side


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
