"""The two-level bootstrap: seeds are drawn, then clusters of items, the same ones for every arm.

Why percentiles and not BCa: the acceleration of BCa comes from leaving out one unit at a time, and with 3 to 10
seeds, the upper of the two levels, that is a handful of numbers; BCa then wanders more than it corrects. What does
go wrong with few seeds is width: a bootstrap of n seeds sees (n - 1) / n of their variance, and its tails are a normal
distribution's where Student's are due. So the part of every replicate that comes from drawing seeds is stretched by
sqrt(n / (n - 1)) * t / z (Hesterberg 2015, arXiv:1411.5279, section 4): with seeds alone the interval is then as wide
as Student's. `tests/unit/stats/test_coverage.py` holds that 95 % intervals cover about 95 % of the time.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.special import ndtri, stdtrit

from engine.stats.columns import Sums

RESAMPLES = 10_000
SEED = 20_260_101  # fixed, so that the same outcomes always give the same interval
_CHUNK = 1_000  # resamples at a time: keeps the counts of clusters in the processor's cache
_UNDEFINED = 0.05  # with more replicates than this undefined (a resample without any item), there is no interval


class Resampler:
    """Draws of clusters, shared by all runs and metrics of a probe: what is paired stays paired.

    Args:
        clusters: How many clusters of items there are.
        resamples: How many draws.
    """

    def __init__(self, clusters: int, resamples: int = RESAMPLES) -> None:
        self.clusters = clusters
        self.resamples = resamples

    @cached_property
    def _counts(self) -> np.ndarray:
        """How often each cluster is drawn: [resamples, clusters], float32 so that products are fast."""
        rng = np.random.default_rng(SEED)
        found = np.empty((self.resamples, self.clusters), dtype=np.float32)
        for start in range(0, self.resamples, _CHUNK):
            size = min(_CHUNK, self.resamples - start)
            drawn = rng.integers(0, self.clusters, (size, self.clusters)) + np.arange(size)[:, None] * self.clusters
            flat = np.bincount(drawn.ravel(), minlength=size * self.clusters)
            found[start : start + size] = flat.reshape(size, self.clusters)
        return found

    def replicates(self, sums: Sums) -> np.ndarray:
        """A metric of every run under every draw of clusters: [resamples, runs]; NaN where no item was drawn."""
        runs = sums.total.shape[0]
        found = np.zeros((self.resamples, runs))
        for part, sign in enumerate(sums.signs):
            total = self._counts @ sums.total[:, part].T.astype(np.float32)  # [resamples, runs]
            count = sums.count[:, part]
            if (count == count[0]).all():
                drawn = self._counts @ count[0].astype(np.float32)[:, None]  # [resamples, 1]
            else:
                drawn = self._counts @ count.T.astype(np.float32)
            with np.errstate(divide="ignore", invalid="ignore"):
                found += sign * np.where(drawn > 0, total / drawn, np.nan)
        return found


def seed_weights(seeds: int, resamples: int) -> np.ndarray:
    """Weights of the seeds in every draw of seeds: [resamples, seeds], each row adds up to 1."""
    rng = np.random.default_rng(SEED + seeds)
    return rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples) / seeds


def stretch(seeds: int, level: float) -> float:
    """How much wider than the bootstrap's the seeds' part of an interval must be (see above)."""
    upper = (1 + level) / 2
    return float(np.sqrt(seeds / (seeds - 1)) * stdtrit(seeds - 1, upper) / ndtri(upper))


def interval(replicates: np.ndarray, level: float = 0.95) -> tuple[float, float] | None:
    """The two-level interval of a mean over seeds.

    Args:
        replicates: A figure of each seed under every draw of clusters: [resamples, seeds]. With one seed, clusters
            alone are drawn, and the interval says nothing about other seeds.
        level: How often such an interval covers the truth.

    Returns:
        Lower and upper bound; None where too many resamples hold no item.
    """
    resamples, seeds = replicates.shape
    values = replicates.mean(axis=1)  # [resamples]: the items' part
    if seeds > 1:
        shifts = (replicates * (seed_weights(seeds, resamples) - 1 / seeds)).sum(axis=1)
        values = values + stretch(seeds, level) * shifts
    defined = values[~np.isnan(values)]
    if len(defined) < (1 - _UNDEFINED) * resamples:
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def item_spread(replicates: np.ndarray) -> float:
    """Standard deviation that the choice of items alone gives the mean over seeds."""
    return float(np.nanstd(replicates.mean(axis=1)))
