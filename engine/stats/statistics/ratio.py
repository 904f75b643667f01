"""A ratio of two sums over items, such as right answers per token, or the share of B among A."""

from __future__ import annotations

from pydantic import Field

from engine.stats.statistics._base import Linear, Part
from engine.stats.statistics._table import COLUMN, Table


class Ratio(Linear):
    """The sum of one column divided by the sum of another: the ratio of their means, not the mean of their ratios.

    Attributes:
        column: What is summed above the line (`Table.column`).
        per: What is summed below it, no number below 0. Items that lack either column are left out.
    """

    column: str = Field(default="value", pattern=COLUMN)
    per: str = Field(pattern=COLUMN)

    def columns(self) -> tuple[str, ...]:
        """See `Statistic.columns`."""
        return (self.column, self.per)

    def parts(self, table: Table) -> tuple[Part, ...]:
        """Sum by sum.

        Raises:
            ValueError: A number below the line is negative, so that the ratio could have no meaning.
        """
        below = table.column(self.per)
        if (below < 0).any():
            raise ValueError(f"{self.per} is negative on some items and cannot stand below the line of a ratio")
        return (Part(1.0, table.column(self.column), below),)
