"""The outcomes of all runs of a probe as columns, and their sums per cluster, from which means are resampled."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np

from engine.spec.example import Outcome
from engine.stats.statistics._base import Linear, Statistic
from engine.stats.statistics._table import Table


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

    Attributes:
        table: All rows.
        ways: The cluster of each row, as a number; and where items have a second factor, the same for it and for the
            cells in which both cross.
    """

    def __init__(self, runs: Sequence[Sequence[Outcome]]) -> None:
        outcomes = [outcome for found in runs for outcome in found]
        self.runs = len(runs)
        self.ways = tuple(_coded(names) for names in _ways(outcomes))  # each [rows]
        self._ends = np.concatenate([[0], np.cumsum([len(found) for found in runs], dtype=np.int64)])
        self._number = np.repeat(np.arange(self.runs), np.diff(self._ends))
        self._outcomes = outcomes
        self.table = Table(outcomes)

    @property
    def items(self) -> list[str]:
        """The items' names: [rows]."""
        return [outcome.item for outcome in self._outcomes]

    def on_sides(self, side: np.ndarray) -> Columns:
        """The same rows with the shortcut pointing elsewhere: [rows], as `SIDES` numbers it."""
        found = copy(self)
        found.table = Table(self._outcomes, side, self.table.read)
        return found

    def rows(self, run: int) -> slice:
        """Which rows a run has."""
        return slice(int(self._ends[run]), int(self._ends[run + 1]))

    def run(self, run: int) -> Table:
        """The rows of one run."""
        return self.table.rows(self.rows(run))

    def given(self, statistic: Statistic, run: int) -> frozenset[str]:
        """The items of a run that have all the numbers that a figure reads, whether its `where` takes them or not."""
        outcomes, mask = self._outcomes[self.rows(run)], statistic.given(self.run(run))
        return frozenset(outcome.item for outcome, there in zip(outcomes, mask, strict=True) if there)

    def sums(self, statistic: Linear, way: int = 0) -> Sums:
        """Sums per run and cluster of a linear statistic.

        Args:
            statistic: The statistic.
            way: Which of the `ways` of clustering.
        """
        table = self.table
        kept = statistic.kept(table)
        parts, cluster = statistic.parts(table.part(kept)), self.ways[way]
        clusters = int(cluster.max(initial=-1)) + 1
        cell = (self._number * clusters + cluster)[kept]
        total = np.stack([self._summed(cell, part.top, clusters) for part in parts], axis=1)
        count = np.stack([self._summed(cell, part.bottom, clusters) for part in parts], axis=1)
        return Sums(total, count, np.array([part.sign for part in parts]))

    def figures(self, statistic: Statistic) -> np.ndarray:
        """The figure of every run: [runs], NaN where its items do not give it."""
        if not isinstance(statistic, Linear):
            tables = [self.run(number) for number in range(self.runs)]
            return np.array([statistic.values(table, np.ones((1, len(table))))[0] for table in tables])
        sums = self.sums(statistic)
        total, count = sums.total.sum(axis=2), sums.count.sum(axis=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (np.where(count > 0, total / count, np.nan) * sums.signs).sum(axis=1)

    def _summed(self, cell: np.ndarray, values: np.ndarray, clusters: int) -> np.ndarray:
        """Sums per run and cluster: [runs, clusters]."""
        flat = np.bincount(cell, weights=values, minlength=self.runs * clusters)
        return flat.astype(float).reshape(self.runs, clusters)


def _ways(outcomes: Sequence[Outcome]) -> list[list[tuple[str, ...]]]:
    """The cluster of each outcome by every way of clustering; an item without a second factor is in its cluster."""
    first: list[tuple[str, ...]] = [("cluster", o.cluster) for o in outcomes]
    if not any(o.crossed for o in outcomes):
        return [first]
    second = [("crossed", o.crossed) if o.crossed else own for o, own in zip(outcomes, first, strict=True)]
    return [first, second, [a + b for a, b in zip(first, second, strict=True)]]


def _coded(names: Sequence[tuple[str, ...]]) -> np.ndarray:
    codes = {name: code for code, name in enumerate(sorted(set(names)))}
    return np.array([codes[name] for name in names], dtype=np.int64)
