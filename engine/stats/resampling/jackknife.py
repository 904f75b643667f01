"""How much each cluster of items adds to a figure of every run, from leaving it out: the jackknife.

From these influences follows how far a figure may be off because of the items that were drawn (Tukey 1958; Efron 1981,
Biometrika 68, compares the jackknife with other ways). It holds for figures that change little where one cluster is
left out: means, shares, areas under a curve, correlations, weights. It does not hold for a median.

Items may share two things, e.g. a premise with some and a hypothesis with others. Then the clusters of a second way of
clustering are left out as well, and the cells in which both ways cross.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.stats.resampling.columns import Columns, Sums
from engine.stats.statistics._base import Linear, OfSums, Statistic
from engine.stats.statistics._table import Table

_CELLS = 500_000  # numbers at a time: a few megabytes stay in the processor's cache

Figure = tuple[Callable[[np.ndarray], np.ndarray], int]


@dataclass(frozen=True)
class Influence:
    """How much each cluster adds to a figure of every run.

    Attributes:
        ways: For each way of clustering, what the figure loses without a cluster, less the mean of such losses:
            [clusters, runs], 0 where the rest cannot give the figure. One way; or two, and the cells in which they
            cross.
        read: How many clusters hold items that the figure of each run reads: [runs]. Where it compares two sides, those
            of the side that has fewer.
        lost: The share of clusters without which the figure of a run cannot be given, 1 for a run without it: [runs].
    """

    ways: tuple[np.ndarray, ...]
    read: np.ndarray
    lost: np.ndarray

    @property
    def clusters(self) -> int:
        """How many clusters there are of the way that has fewer."""
        return min(len(way) for way in self.ways[:2])

    def of(self, runs: list[int] | np.ndarray) -> Influence:
        """Of these runs alone, in this order."""
        return Influence(tuple(way[:, runs] for way in self.ways), self.read[runs], self.lost[runs])

    def minus(self, other: Influence, times: float = 1.0) -> Influence:
        """Of the paired difference of runs, the other's taken so many times."""
        ways = tuple(a - times * b for a, b in zip(self.ways, other.ways, strict=True))
        return Influence(ways, np.minimum(self.read, other.read), np.maximum(self.lost, other.lost))


def influence(columns: Columns, statistic: Statistic) -> Influence | None:
    """How much each cluster adds to a figure of every run.

    Args:
        columns: The outcomes of all runs.
        statistic: How the figure is drawn from them.

    Returns:
        None where no item of any run says anything about the figure.
    """
    ways = columns.ways if statistic.crosses else columns.ways[:1]
    if isinstance(statistic, Linear):
        return of_sums(*(columns.sums(statistic, way).filled() for way in range(len(ways))))
    kept = statistic.kept(columns.table)
    if not kept.any():
        return None
    left_out, read = [], np.zeros(columns.runs, dtype=np.int64)
    for way, clusters in enumerate(ways):
        place = np.full(len(kept), -1)
        used, place[kept] = np.unique(clusters[kept], return_inverse=True)
        found = np.full((len(used), columns.runs), np.nan)
        for run in range(columns.runs):
            rows = columns.rows(run)
            if (own := kept[rows]).any():
                figure = _figure(statistic, columns.run(run).part(own), place[rows][own], len(used))
                found[:, run] = _without_each(figure, len(used))
                if way == 0:
                    read[run] = _fewest(statistic, columns.run(run).part(own), place[rows][own])
        left_out.append(found)
    return _gathered(left_out, read)


def of_sums(*ways: Sums) -> Influence | None:
    """How much each cluster adds to a linear statistic of every run, by one way of clustering or more (`Columns.ways`).

    Returns:
        None where there is no cluster.
    """
    if not ways[0].total.shape[2]:
        return None
    return _gathered([_linear(sums) for sums in ways], (ways[0].count != 0).sum(axis=2).min(axis=1))


def _fewest(statistic: Statistic, table: Table, cluster: np.ndarray) -> int:
    """How many clusters a figure reads, of the side that has fewer where it compares two."""
    read = [table.side == side for side in np.unique(table.side)] if statistic.sided else [np.ones(len(table), bool)]
    return min(len(np.unique(cluster[here])) for here in read)


def _gathered(left_out: list[np.ndarray], read: np.ndarray) -> Influence:
    """From the figure of every run without each cluster, [clusters, runs] for each way."""
    lost = ~np.isfinite(left_out[0])
    return Influence(tuple(_losses(each) for each in left_out), read, lost.mean(axis=0))


def _losses(left_out: np.ndarray) -> np.ndarray:
    known = np.isfinite(left_out)
    count = known.sum(axis=0)
    mean = np.where(known, left_out, 0.0).sum(axis=0) / np.maximum(count, 1)
    return np.where(known, mean - left_out, 0.0)


def _linear(sums: Sums) -> np.ndarray:
    """A linear statistic of every run without each cluster: [clusters, runs]."""
    total, count = (part.sum(axis=2, keepdims=True) - part for part in (sums.total, sums.count))
    with np.errstate(divide="ignore", invalid="ignore"):
        return (np.where(count > 0, total / count, np.nan) * sums.signs[:, None]).sum(axis=1).T


def _figure(statistic: Statistic, table: Table, cluster: np.ndarray, clusters: int) -> Figure:
    """How a figure follows from how often each cluster counts, and how many numbers a draw takes on the way."""
    if not isinstance(statistic, OfSums):
        return lambda counts: statistic.values(table, counts[:, cluster]), len(table)
    sums = np.stack([np.bincount(cluster, term, clusters) for term in statistic.terms(table)], axis=1)

    def from_sums(counts: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return statistic.figure(counts.astype(float) @ sums)  # sums: [clusters, terms]

    return from_sums, sums.shape[1]


def _without_each(figure: Figure, clusters: int) -> np.ndarray:
    """The figure without each cluster, some clusters at a time: [clusters]."""
    size = max(1, _CELLS // max(clusters, figure[1]))
    parts = [np.arange(at, min(at + size, clusters)) for at in range(0, clusters, size)]
    return np.concatenate([figure[0]((np.arange(clusters) != part[:, None]).astype(np.float32)) for part in parts])
