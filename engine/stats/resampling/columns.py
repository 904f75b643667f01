"""The outcomes of all runs of a probe as columns, and their sums per cluster, from which means are resampled."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np

from engine.spec.example import Outcome, Side
from engine.stats.statistics._base import Linear, Statistic
from engine.stats.statistics._table import SIDES, Table

LOT = 20_250_521  # seeds the lot that draws the sides of a placebo


@dataclass(frozen=True)
class Sums:
    """A linear statistic of every run as ratios of sums over clusters.

    Attributes:
        total: What stands above the line, summed: [runs, parts, clusters].
        count: What stands below it (for a mean: how many items): [runs, parts, clusters].
        signs: How the parts' ratios add up to the figure: [parts].
    """

    total: np.ndarray
    count: np.ndarray
    signs: np.ndarray

    def filled(self) -> Sums:
        """Without clusters that hold no item of this figure, which would be drawn in vain."""
        kept = (self.count != 0).any(axis=(0, 1)) | (self.total != 0).any(axis=(0, 1))
        return Sums(self.total[..., kept], self.count[..., kept], self.signs)


class Columns:
    """One row for each run and item of a probe.

    Args:
        runs: The outcomes of each run, in a fixed order.
    """

    def __init__(self, runs: Sequence[Sequence[Outcome]]) -> None:
        outcomes = [outcome for found in runs for outcome in found]
        names = {name: code for code, name in enumerate(sorted({o.cluster for o in outcomes}))}
        self.runs = len(runs)
        self.clusters = len(names)
        self.cluster = np.array([names[o.cluster] for o in outcomes], dtype=np.int64)  # [rows]
        self._ends = np.concatenate([[0], np.cumsum([len(found) for found in runs], dtype=np.int64)])
        number = np.repeat(np.arange(self.runs), np.diff(self._ends))
        self._cell = number * self.clusters + self.cluster
        self._outcomes = outcomes
        self._tables = {False: Table(outcomes)}

    def table(self, placebo: bool = False) -> Table:
        """All rows; as a placebo, with each item's side drawn by lot instead of from where the shortcut points."""
        if placebo not in self._tables:
            self._tables[placebo] = Table(self._outcomes, self._lot())
        return self._tables[placebo]

    @property
    def items(self) -> list[str]:
        """The items' names: [rows]."""
        return [outcome.item for outcome in self._outcomes]

    def on_sides(self, side: np.ndarray) -> Columns:
        """The same rows with the shortcut pointing elsewhere: [rows], as `SIDES` numbers it."""
        found = copy(self)
        vars(found)["_tables"] = {False: Table(self._outcomes, side, self.table().read)}
        return found

    def rows(self, run: int) -> slice:
        """Which rows a run has."""
        return slice(int(self._ends[run]), int(self._ends[run + 1]))

    def run(self, run: int, placebo: bool = False) -> Table:
        """The rows of one run."""
        return self.table(placebo).rows(self.rows(run))

    def given(self, statistic: Statistic, run: int) -> frozenset[str]:
        """The items of a run that have all the numbers that a figure reads, whether its `where` takes them or not."""
        outcomes, mask = self._outcomes[self.rows(run)], statistic.given(self.run(run))
        return frozenset(outcome.item for outcome, there in zip(outcomes, mask, strict=True) if there)

    def sums(self, statistic: Linear, placebo: bool = False) -> Sums:
        """Sums per run and cluster of a linear statistic.

        Args:
            statistic: The statistic.
            placebo: Take each item's side from a lot, not from where the shortcut points.
        """
        table = self.table(placebo)
        kept = statistic.kept(table)
        parts, cell = statistic.parts(table.part(kept)), self._cell[kept]
        total = np.stack([self._summed(cell, part.top) for part in parts], axis=1)
        count = np.stack([self._summed(cell, part.bottom) for part in parts], axis=1)
        return Sums(total, count, np.array([part.sign for part in parts]))

    def figures(self, statistic: Statistic, placebo: bool = False) -> np.ndarray:
        """The figure of every run: [runs], NaN where its items do not give it."""
        if not isinstance(statistic, Linear):
            tables = [self.run(number, placebo) for number in range(self.runs)]
            return np.array([statistic.values(table, np.ones((1, len(table))))[0] for table in tables])
        sums = self.sums(statistic, placebo)
        total, count = sums.total.sum(axis=2), sums.count.sum(axis=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (np.where(count > 0, total / count, np.nan) * sums.signs).sum(axis=1)

    def _lot(self) -> np.ndarray:
        """Sides by lot: half of the items that have a side are called congruent, the same in every run."""
        sided = sorted({o.item for o in self._outcomes if o.side is not Side.NEUTRAL})
        order = np.random.default_rng(LOT).permutation(len(sided))
        first = SIDES[Side.CONGRUENT]
        lot = {item: first + int(order[at] % 2) for at, item in enumerate(sided)}
        return np.array([lot.get(o.item, SIDES[Side.NEUTRAL]) for o in self._outcomes], dtype=np.int8)

    def _summed(self, cell: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Sums per run and cluster: [runs, clusters]."""
        flat = np.bincount(cell, weights=values, minlength=self.runs * self.clusters)
        return flat.astype(float).reshape(self.runs, self.clusters)
