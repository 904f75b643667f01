"""A statistic of every run under the same draws of clusters, whatever statistic it is.

Linear statistics have a path of their own (`Resampler.draws`). Functions of sums are drawn from sums over clusters, and
anything else from a weight for each item: how often its cluster was drawn. How much a cluster adds to the figure comes
from leaving it out (the jackknife of Efron 1987, section 7), by the same two ways.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.stats.resampling.bootstrap import Draws, Resampler
from engine.stats.resampling.columns import Columns
from engine.stats.statistics._base import Linear, OfSums, Statistic
from engine.stats.statistics._table import Table

_CELLS = 500_000  # numbers at a time: a few megabytes stay in the processor's cache

Figure = tuple[Callable[[np.ndarray], np.ndarray], int]


def draws(
    columns: Columns, statistic: Statistic, sampler: Callable[[int], Resampler], placebo: bool = False
) -> Draws | None:
    """The figure of every run under every draw of clusters.

    Args:
        columns: The outcomes of all runs.
        statistic: How the figure is drawn from them.
        sampler: The resampler of so many clusters, the same for every figure that has as many.
        placebo: Draw the items' sides by lot.

    Returns:
        None where no item of any run says anything about the figure.
    """
    if isinstance(statistic, Linear):
        sums = columns.sums(statistic, placebo).filled()
        clusters = sums.total.shape[2]
        return sampler(clusters).draws(sums) if clusters else None
    kept = statistic.kept(columns.table(placebo))
    used, code = np.unique(columns.cluster[kept], return_inverse=True)
    if not len(used):
        return None
    place = np.full(len(kept), -1)
    place[kept] = code
    counts = sampler(len(used)).counts
    drawn, influence = np.full((len(counts), columns.runs), np.nan), np.zeros((len(used), columns.runs))
    read = np.zeros(columns.runs, dtype=np.int64)
    for run in range(columns.runs):
        rows = columns.rows(run)
        own = kept[rows]
        if own.any():
            table = columns.run(run, placebo).part(own)
            figure = _redrawn(statistic, table, place[rows][own], len(used))
            drawn[:, run] = _chunked(figure, lambda some: counts[some], counts.shape)
            read[run] = len(np.unique(place[rows][own]))
            influence[:, run] = _influence(_chunked(figure, lambda some: _without(some, len(used)), (len(used),) * 2))
    return Draws(drawn, influence, read)


def _redrawn(statistic: Statistic, table: Table, cluster: np.ndarray, clusters: int) -> Figure:
    """How the figure follows from how often each cluster counts, and how many numbers each draw takes on the way."""
    if not isinstance(statistic, OfSums):
        return lambda counts: statistic.values(table, counts[:, cluster]), len(table)
    sums = np.stack([np.bincount(cluster, term, clusters) for term in statistic.terms(table)], axis=1)

    def from_sums(counts: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return statistic.figure(counts.astype(float) @ sums)  # sums: [clusters, terms]

    return from_sums, sums.shape[1]


def _chunked(figure: Figure, counts: Callable[[slice], np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """The figure of all draws, a chunk at a time: `counts` gives a chunk's [draws, clusters], `shape` that of all."""
    total, clusters = shape
    size = max(1, _CELLS // max(clusters, figure[1]))
    return np.concatenate([figure[0](counts(slice(at, min(at + size, total)))) for at in range(0, total, size)])


def _without(some: slice, clusters: int) -> np.ndarray:
    """Every cluster once but one, for each of these clusters: [some, clusters]."""
    return (np.arange(clusters) != np.arange(some.start, some.stop)[:, None]).astype(np.float32)


def _influence(left_out: np.ndarray) -> np.ndarray:
    """How much each cluster adds to the figure: [clusters]; 0 where the rest cannot give it."""
    known = left_out[np.isfinite(left_out)]
    return np.nan_to_num(known.mean() - left_out, posinf=0.0, neginf=0.0) if len(known) else np.zeros(len(left_out))
