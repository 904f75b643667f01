"""Area under the ROC curve: how well a score tells true items from false ones, whatever the leaning towards "yes"."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from engine.stats.statistics._base import Statistic
from engine.stats.statistics._table import COLUMN, Table


class Auc(Statistic):
    """How often a true item scores above a false one, ties counting half (Mann-Whitney U by the number of pairs).

    Attributes:
        score: The column that should be higher on true items.
        truth: The column that is 1 on true items; every other number is false.
    """

    score: str = Field(default="value", pattern=COLUMN)
    truth: str = Field(pattern=COLUMN)

    def columns(self) -> tuple[str, ...]:
        """See `Statistic.columns`."""
        return (self.score, self.truth)

    def drawn(self, table: Table, weights: np.ndarray) -> np.ndarray:
        """For each true item, the false ones below it are counted from sums along the order of scores."""
        score, true = table.column(self.score), table.column(self.truth) == 1.0
        order = np.flatnonzero(~true)[np.argsort(score[~true], kind="stable")]
        low, high = score[order], score[true]
        below = np.zeros((len(weights), len(low) + 1), weights.dtype)  # [draws, false items and one]
        np.cumsum(weights[:, order], axis=1, out=below[:, 1:])
        left, right = np.searchsorted(low, high, "left"), np.searchsorted(low, high, "right")
        beaten = np.take(below, left, axis=1)  # false items below each true one: [draws, true items]
        if (left != right).any():
            beaten = (beaten + np.take(below, right, axis=1)) / 2
        of_true = weights[:, true]
        won = np.einsum("di,di->d", of_true, beaten, dtype=float)
        trues, falses = of_true.sum(axis=1, dtype=float), below[:, -1].astype(float)
        return np.where((trues > 0) & (falses > 0), 2 * won / trues / (2 * falses), np.nan)
