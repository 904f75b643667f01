"""What a figure is: its name, its unit, which way is better, and the statistic that draws it from items."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SerializeAsAny

from engine.spec.example import Frozen
from engine.stats.statistics._base import Statistic
from engine.stats.statistics.by_side import BySide
from engine.stats.statistics.by_side_within import BySideWithin
from engine.stats.statistics.mean import Mean


class Metric(Frozen):
    """One figure of a probe.

    Attributes:
        unit: "share" (0..1, shown as %), "difference" (of shares, shown in points), "correlation" (-1..1), "nats",
            "coefficient" (a number without a unit), "tokens", "seconds", or any other word, which is shown as it is.
        direction: Which way is better; None where neither is.
        statistic: How it is drawn from a run's outcomes.
    """

    name: str
    label: str
    unit: str = Field(pattern=r"^[\w%°/^ .-]{1,24}$")
    direction: Literal["up", "down"] | None = None
    statistic: SerializeAsAny[Statistic]


def share_metric(name: str, label: str, **how: Any) -> Metric:
    """A share that is better the higher it is; `how` is `Mean`'s."""
    return Metric(name=name, label=label, unit="share", direction="up", statistic=Mean(**how))


def reliance_metric(label: str, within: str = "") -> Metric:
    """Accuracy where the shortcut helps minus accuracy where it misleads; `within` is `BySideWithin`'s."""
    statistic = BySideWithin(within=within) if within else BySide()
    return Metric(name="reliance", label=label, unit="difference", direction="down", statistic=statistic)
