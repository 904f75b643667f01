"""Yes/no questions as signal detection: d', how well truth is told apart whatever the leaning towards "yes"."""

from __future__ import annotations

import numpy as np
from pydantic import Field
from scipy.special import ndtri

from engine.stats.statistics._base import OfSums
from engine.stats.statistics._table import COLUMN, Table


class DPrime(OfSums):
    """Distance between the means of "yes" and "no" items in standard deviations.

    With the log-linear correction (Hautus 1995, Behavior Research Methods 27): half a hit and half a miss are added,
    so that it stays finite.

    Attributes:
        said: The column that is 1 where "yes" was said.
        truth: The column that is 1 where "yes" is right; every other number says that "no" is.
    """

    said: str = Field(default="output:yes", pattern=COLUMN)
    truth: str = Field(pattern=COLUMN)

    def columns(self) -> tuple[str, ...]:
        """See `Statistic.columns`."""
        return (self.said, self.truth)

    def terms(self, table: Table) -> np.ndarray:
        """Hits, items where "yes" is right, false alarms, items where "no" is right: [4, items]."""
        said, true = table.column(self.said) == 1.0, table.column(self.truth) == 1.0
        return np.stack([said & true, true, said & ~true, ~true]).astype(float)

    def figure(self, sums: np.ndarray) -> np.ndarray:
        """The difference of the normal quantiles of both rates; NaN where either kind of item is missing."""
        hits, yes, alarms, no = np.moveaxis(sums, -1, 0)
        found = ndtri((hits + 0.5) / (yes + 1)) - ndtri((alarms + 0.5) / (no + 1))
        return np.where((yes > 0) & (no > 0), found, np.nan)
