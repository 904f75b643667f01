"""The mean of a column: a share where the column holds ones and zeros."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from engine.stats.statistics._base import Linear, Part
from engine.stats.statistics._table import COLUMN, Table


class Mean(Linear):
    """The mean over items; with `where`, over the items that meet a condition (a conditional share).

    Attributes:
        column: What is averaged (`Table.column`); items without it are left out.
    """

    column: str = Field(default="correct", pattern=COLUMN)

    def columns(self) -> tuple[str, ...]:
        """See `Statistic.columns`."""
        return (self.column,)

    def parts(self, table: Table) -> tuple[Part, ...]:
        """Sum by count."""
        return (Part(1.0, table.column(self.column), np.ones(len(table))),)
