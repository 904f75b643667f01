"""A mean where the shortcut helps minus the mean where it misleads."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from engine.spec.example import Side
from engine.stats.statistics._base import Linear, Part
from engine.stats.statistics._table import COLUMN, SIDES, Table
from engine.stats.statistics.mean import Mean


class BySide(Linear):
    """The mean over congruent items minus the mean over conflicting ones.

    Attributes:
        column: What is averaged (`Table.column`); items without it are left out.
    """

    sided: ClassVar[bool] = True
    column: str = Field(default="correct", pattern=COLUMN)

    def columns(self) -> tuple[str, ...]:
        """See `Statistic.columns`."""
        return (self.column,)

    def parts(self, table: Table) -> tuple[Part, ...]:
        """Sum by count of congruent items, then of conflicting ones."""
        values, found = table.column(self.column), []
        for sign, side in ((1.0, Side.CONGRUENT), (-1.0, Side.CONFLICTING)):
            here = (table.side == SIDES[side]).astype(float)
            found.append(Part(sign, values * here, here))
        return tuple(found)

    def on(self, side: Side) -> Mean:
        """The mean over one of the two sides."""
        return Mean(column=self.column, splits=self.splits, where=self.where, side=side)
