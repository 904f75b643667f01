"""What a statistic is: the one definition of a figure, from which its level, differences and intervals follow.

Every statistic is one file in `engine/stats/statistics/`. It says which columns of a run's outcomes it reads
(`columns`) and what comes of them where each item counts so many times (`drawn`): intervals come from leaving clusters
of items out, so a figure must change little where one is left out. A median jumps, and its interval would be wrong.
Three bases, from the fastest to the most general:

- `Linear`: ratios of sums over items, added up with signs.
- `OfSums`: any function of sums over items; a cluster is left out by taking its sums away.
- `Statistic`: anything, with a weight for each item.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, NamedTuple, Self

import numpy as np
from pydantic import model_validator

from engine.spec.example import Frozen, Item, Outcome, Side
from engine.stats.statistics._table import SIDES, Table


class Statistic(Frozen):
    """How a figure is drawn from the outcomes of a run.

    Attributes:
        splits: Only items of these splits; empty: all.
        side: Only items of this side; None: all.
        where: Only items whose feature of that name equals the number, in each run's own outcomes.
        sided: Whether the statistic itself tells congruent items from conflicting ones.
        linear: Whether ratios of sums are added up. Only of those is it known how far they may be off where no
            cluster differs from any other.
        crosses: Whether items can be left out by their second factor (`Item.crossed`), too.
    """

    sided: ClassVar[bool] = False
    linear: ClassVar[bool] = False
    crosses: ClassVar[bool] = True
    splits: tuple[str, ...] = ()
    side: Side | None = None
    where: tuple[str, float] | None = None

    @model_validator(mode="after")
    def _reads_both_sides(self) -> Self:
        if self.sided and self.side is not None:
            raise ValueError(f"{type(self).__name__} compares both sides and cannot be limited to one")
        return self

    def columns(self) -> tuple[str, ...]:
        """The columns it reads (`Table.column`); items without a number in one of them are left out."""
        raise TypeError(f"{type(self).__name__} has no columns()")

    def drawn(self, table: Table, weights: np.ndarray) -> np.ndarray:
        """The figure under each draw of items.

        Args:
            table: The items that are kept (`kept`).
            weights: How many times each item counts, a whole number (float32 or float64): [draws, items].

        Returns:
            [draws], NaN where a draw cannot give the figure.
        """
        raise TypeError(f"{type(self).__name__} has no drawn()")

    def on(self, side: Side) -> Statistic | None:
        """What it compares two sides by, over one of them; None where it does no such thing."""
        return None

    def reads(self, item: Item) -> bool:
        """Whether the figure may depend on this item."""
        on_side = item.side is not Side.NEUTRAL if self.sided else self.side in (None, item.side)
        return on_side and (not self.splits or item.split in self.splits)

    def kept(self, table: Table) -> np.ndarray:
        """Which items it reads: [items], bool."""
        given = self.given(table)
        return given & (table.column(f"feature:{self.where[0]}") == self.where[1]) if self.where else given

    def given(self, table: Table) -> np.ndarray:
        """Which items have all the numbers that it reads, whether `where` takes them or not: [items], bool."""
        kept = np.ones(len(table), dtype=bool)
        for name in self.columns():
            kept &= ~np.isnan(table.column(name))
        if self.splits:
            kept &= table.among(self.splits)
        if self.side is not None:
            kept &= table.side == SIDES[self.side]
        return kept & (table.side != SIDES[Side.NEUTRAL]) if self.sided else kept

    def values(self, table: Table, weights: np.ndarray) -> np.ndarray:
        """The figure of one run under each draw of its items.

        Args:
            table: All of the run's items.
            weights: How many times each item counts, as if it stood there so often: [draws, items].

        Returns:
            [draws], NaN where a draw cannot give the figure.
        """
        kept = self.kept(table)
        if not kept.any():
            return np.full(len(weights), np.nan)
        if not kept.all():
            table, weights = table.part(kept), weights[:, kept]
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.drawn(table, weights)

    def of(self, outcomes: Sequence[Outcome]) -> float | None:
        """The figure of one run; None where its outcomes cannot give it."""
        value = float(self.values(Table(outcomes), np.ones((1, len(outcomes))))[0])
        return value if math.isfinite(value) else None


class Part(NamedTuple):
    """One ratio of a linear statistic.

    Attributes:
        sign: How it adds to the figure.
        top: What is summed above the line: [items].
        bottom: What is summed below it, not negative: [items].
    """

    sign: float
    top: np.ndarray
    bottom: np.ndarray


class Linear(Statistic):
    """A sum of ratios of sums over items: means, shares and their differences."""

    linear: ClassVar[bool] = True

    def parts(self, table: Table) -> tuple[Part, ...]:
        """The ratios, over the items that are kept."""
        raise TypeError(f"{type(self).__name__} has no parts()")

    def drawn(self, table: Table, weights: np.ndarray) -> np.ndarray:
        """See `Statistic.drawn`."""
        found = np.zeros(len(weights))
        for part in self.parts(table):
            top, bottom = (_added(weights * side) for side in (part.top, part.bottom))
            found += part.sign * np.where(bottom > 0, top / bottom, np.nan)
        return found


class OfSums(Statistic):
    """A function of sums over items."""

    def terms(self, table: Table) -> np.ndarray:
        """What is summed, over the items that are kept: [terms, items]."""
        raise TypeError(f"{type(self).__name__} has no terms()")

    def figure(self, sums: np.ndarray) -> np.ndarray:
        """What follows from the sums: [..., terms] -> [...], NaN where they cannot give the figure."""
        raise TypeError(f"{type(self).__name__} has no figure()")

    def drawn(self, table: Table, weights: np.ndarray) -> np.ndarray:
        """See `Statistic.drawn`."""
        return self.figure(weights @ self.terms(table).T)


def _added(values: np.ndarray) -> np.ndarray:
    """Sums of the rows, term by term from the left: the same to the last digit on every machine."""
    return np.cumsum(values, axis=1)[:, -1]
