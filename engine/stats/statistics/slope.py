"""A least-squares weight: how much a number of an answer changes with a feature of its item."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from engine.stats.statistics._base import OfSums
from engine.stats.statistics._table import COLUMN, Table

_ALIKE = 1e-9
"""A standard deviation (or a share of one that is left) below which a column does not vary."""


class Slope(OfSums):
    """The weight of one column in another, in units of the second for a standard deviation of the first.

    The model is y = a + b * held + weight * z(x), with z(x) = (x - mean) / standard deviation, over the run's items. A
    held column that says nothing beyond those before it is left out.

    Attributes:
        y: The column that is explained.
        x: The column whose weight it is.
        held: Columns held constant.
        least: With fewer items than this there is no figure.
    """

    y: str = Field(default="value", pattern=COLUMN)
    x: str = Field(pattern=COLUMN)
    held: tuple[str, ...] = ()
    least: int = Field(default=8, ge=3)

    def columns(self) -> tuple[str, ...]:
        """See `Statistic.columns`."""
        return (*self.held, self.x, self.y)

    def terms(self, table: Table) -> np.ndarray:
        """The count, the columns less their means, and all products of two of them: [1 + n + n * n, items].

        Taking the run's own mean away first keeps the sums of squares from losing digits; the weight is the same.
        """
        columns = np.stack([table.column(name) for name in self.columns()])
        columns = columns - columns.mean(axis=1, keepdims=True)
        products = (columns[:, None] * columns[None]).reshape(-1, len(table))
        return np.concatenate([np.ones((1, len(table))), columns, products])

    def figure(self, sums: np.ndarray) -> np.ndarray:
        """The weight from the moments; NaN where x does not vary, or not beyond what the held columns say."""
        n, flat = len(self.columns()), sums.reshape(-1, sums.shape[-1])
        count = flat[:, 0]
        mean = flat[:, 1 : 1 + n] / count[:, None]
        moments = flat[:, 1 + n :].reshape(-1, n, n) / count[:, None, None] - mean[:, :, None] * mean[:, None]
        before = np.diagonal(moments, axis1=1, axis2=2).copy()
        for held in range(n - 2):
            left = moments[:, held, held]
            use = left > np.maximum(before[:, held] * _ALIKE, _ALIKE**2)
            share = np.where(use[:, None], moments[:, held] / np.where(use, left, 1.0)[:, None], 0.0)
            moments = moments - moments[:, :, held, None] * share[:, None]
        x, spread = moments[:, n - 2, n - 2], np.sqrt(np.maximum(before[:, n - 2], 0.0))
        told = (count >= self.least) & (spread >= _ALIKE) & (x > before[:, n - 2] * _ALIKE)
        found = np.where(told, moments[:, n - 2, n - 1] / np.where(told, x, 1.0) * spread, np.nan)
        return found.reshape(sums.shape[:-1])
