"""Spearman's rank correlation of two columns."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from engine.stats.statistics._base import Statistic
from engine.stats.statistics._table import COLUMN, Table

_LEAST = 3  # two items are always in perfect order


class RankCorrelation(Statistic):
    """Pearson's correlation of the ranks of two columns; items that tie share their mean rank (Spearman 1904).

    Attributes:
        x: One column.
        y: The other.
    """

    x: str = Field(default="value", pattern=COLUMN)
    y: str = Field(pattern=COLUMN)

    def columns(self) -> tuple[str, ...]:
        """See `Statistic.columns`."""
        return (self.x, self.y)

    def drawn(self, table: Table, weights: np.ndarray) -> np.ndarray:
        """Ranks are drawn anew in every draw; NaN with fewer than three items, or where a column does not vary."""
        weights = weights.astype(float)
        total = weights.sum(axis=1)
        x, y = (_centred(table.column(name), weights, total) for name in (self.x, self.y))
        xy, xx, yy = (np.einsum("di,di,di->d", weights, a, b) for a, b in ((x, y), (x, x), (y, y)))
        told = (total >= _LEAST) & (xx > 0) & (yy > 0)
        return np.where(told, xy / np.sqrt(np.where(told, xx * yy, 1.0)), np.nan)


def _centred(column: np.ndarray, weights: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Each item's rank less the mean rank: [draws, items]."""
    values, group = np.unique(column, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(values)))
    size = np.add.reduceat(weights[:, order], starts, axis=1)  # [draws, distinct values]
    middle = np.cumsum(size, axis=1) - size / 2  # rank - 1/2 of the items that share a value
    return middle[:, group] - total[:, None] / 2
