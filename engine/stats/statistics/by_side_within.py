"""A mean where the shortcut helps minus the mean where it misleads, among items of one kind at a time."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from engine.spec.example import Side
from engine.stats.statistics._base import OfSums
from engine.stats.statistics._table import COLUMN, SIDES, Table
from engine.stats.statistics.mean import Mean


class BySideWithin(OfSums):
    """The mean over congruent items minus the mean over conflicting ones among items of a kind; the mean over kinds.

    Each kind counts as often as it has items (direct standardization). Where the kind is the right answer, an arm that
    says the same throughout has a difference of exactly 0, whichever items are drawn; in a plain difference (`BySide`)
    it has the luck of how many of each side ask for that answer. A kind that is on one side alone is left out, for
    there is nothing to compare it with; where every kind is, it is the plain difference.

    Attributes:
        within: The column that tells the kinds apart; items without a number in it are a kind of their own.
        column: What is averaged (`Table.column`); items without it are left out.
    """

    sided: ClassVar[bool] = True
    linear: ClassVar[bool] = True
    within: str = Field(pattern=COLUMN)
    column: str = Field(default="correct", pattern=COLUMN)

    def columns(self) -> tuple[str, ...]:
        """See `Statistic.columns`."""
        return (self.column,)

    def terms(self, table: Table) -> np.ndarray:
        """For each kind and side, congruent first, the sum of the column and the items: [kinds * 4, items]."""
        kind, values = table.column(self.within), table.column(self.column)
        kind = np.where(np.isnan(kind), np.inf, kind)
        sides = [table.side == SIDES[side] for side in (Side.CONGRUENT, Side.CONFLICTING)]
        cells = [(kind == one) & side for one in np.unique(kind) for side in sides]
        return np.stack([row for cell in cells for row in (np.where(cell, values, 0.0), cell.astype(float))])

    def figure(self, sums: np.ndarray) -> np.ndarray:
        """The difference; NaN where one of the two sides has no item."""
        cells = sums.reshape(*sums.shape[:-1], -1, 2, 2)  # [..., kinds, sides, sum and count]
        items = cells[..., 1]
        both = (items > 0).all(axis=-1)  # [..., kinds]
        share = np.where(both, items.sum(axis=-1), 0.0)
        by_kind = (share * np.where(both, _difference(cells), 0.0)).sum(axis=-1) / share.sum(axis=-1)
        return np.where(both.any(axis=-1), by_kind, _difference(cells.sum(axis=-3)))

    def on(self, side: Side) -> Mean:
        """The mean over one of the two sides."""
        return Mean(column=self.column, splits=self.splits, where=self.where, side=side)


def _difference(cells: np.ndarray) -> np.ndarray:
    """The mean of the first side less that of the second: [..., sides, sum and count] -> [...]."""
    means = cells[..., 0] / cells[..., 1]
    return means[..., 0] - means[..., 1]
