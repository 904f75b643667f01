"""Krippendorff's alpha: how far several ratings of the same thing agree beyond chance."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from engine.stats.statistics._base import OfSums
from engine.stats.statistics._table import CATEGORY, Table


class Alpha(OfSums):
    """1 - observed disagreement / expected disagreement (Krippendorff 2018, Content Analysis, chapter 12).

    Each outcome is a rating; outcomes of one unit rate the same thing. A unit with one rating says nothing and is left
    out. 1 is perfect agreement, 0 is what chance gives. A unit never crosses clusters, so that a cluster which
    counts twice counts as other units with the same ratings.

    Attributes:
        column: What was rated; "output" compares the answers' words.
        unit: What ratings of one unit share: "cluster", or "feature:NAME" within a cluster.
        scale: "nominal" (ratings are the same or not) or "interval" (they differ by the square of their distance).
    """

    crosses: ClassVar[bool] = False  # a unit is one thing: half of its ratings cannot be left out
    column: str = Field(default="value", pattern=CATEGORY)
    unit: str = Field(default="cluster", pattern=r"^(cluster|feature:.+)$")
    scale: Literal["nominal", "interval"] = "interval"

    @model_validator(mode="after")
    def _words_have_no_distance(self) -> Self:
        if self.column == "output" and self.scale == "interval":
            raise ValueError("answers' words have no distance: their scale is nominal")
        return self

    def columns(self) -> tuple[str, ...]:
        """See `Statistic.columns`."""
        return (self.column,) if self.unit == "cluster" else (self.column, self.unit)

    def terms(self, table: Table) -> np.ndarray:
        """For each rating of a unit that has several: 1, its disagreement with the others, and what chance needs.

        Chance needs the value and its square (interval), or which of all values it is (nominal): [2 + n, items].
        """
        units = [table.clusters] if self.unit == "cluster" else [table.clusters, table.column(self.unit)]
        _, unit = np.unique(np.stack(units, axis=1), axis=0, return_inverse=True)
        unit = unit.ravel()
        size = np.bincount(unit)[unit].astype(float)
        rated = (size > 1).astype(float)
        value = table.column(self.column)
        if self.scale == "interval":
            value = value - value.mean()  # alpha is the same, and squares keep their digits
            means = np.bincount(unit, value)[unit] / size
            apart = 2 * size * (value - means) ** 2
            chance = np.stack([value, value**2])
        else:
            kinds, kind = np.unique(value, return_inverse=True)
            pair = unit * len(kinds) + kind
            apart = size - np.bincount(pair, minlength=pair.max() + 1)[pair]  # ratings of the unit that differ
            chance = (kind == np.arange(len(kinds))[:, None]).astype(float)
        return np.concatenate([np.ones((1, len(table))), apart[None] / np.maximum(size - 1, 1), chance]) * rated

    def figure(self, sums: np.ndarray) -> np.ndarray:
        """Alpha; NaN without two ratings of a unit, or where all ratings are the same, so that nothing can differ."""
        count, observed, chance = sums[..., 0], sums[..., 1], sums[..., 2:]
        if self.scale == "interval":
            most = 2 * count * chance[..., 1]
            expected = most - 2 * chance[..., 0] ** 2
        else:
            most = count**2
            expected = most - (chance**2).sum(axis=-1)
        told = (count > 1) & (expected > 1e-9 * most)  # what rounding leaves of equal ratings is no disagreement
        return np.where(told, 1 - (count - 1) * observed / np.where(told, expected, 1.0), np.nan)
