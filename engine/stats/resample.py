"""The two-level bootstrap: seeds are drawn, and clusters of items, the same ones for every arm.

Seeds and items cross: every seed meets the same items. The error of a mean over both is the seeds' part, the items'
part, and luck of a seed on an item. Drawing both levels naively counts that last part three times over (Owen & Eckles
2012, Annals of Applied Statistics 6) and yet is too narrow, because a bootstrap of n seeds sees only (n - 1) / n of
their variance and its tails are a normal distribution's where Student's are due. Hence

- the seeds' part comes from drawing seeds, stretched by sqrt(n / (n - 1)) * t / z (after Hesterberg 2015, The American
  Statistician 69): with seeds alone the interval is about as wide as Student's. It holds the luck of seeds on items;
- the items' part comes from drawing clusters, shrunk to what all seeds share.

Why percentiles and not BCa: its acceleration comes from leaving out one unit at a time, and with 3 to 10 seeds, the
upper of the two levels, that is a handful of numbers; it wanders more than it corrects.
`tests/unit/stats/test_coverage.py` holds that 95 % intervals cover about 95 % of the time.
"""

from __future__ import annotations

from functools import cached_property, lru_cache

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
            total = (self._counts @ sums.total[:, part].T.astype(np.float32)).astype(float)  # [resamples, runs]
            count = sums.count[:, part]
            if (count == count[0]).all():
                drawn = self._counts @ count[0].astype(np.float32)[:, None]  # [resamples, 1]
            else:
                drawn = self._counts @ count.T.astype(np.float32)
            with np.errstate(divide="ignore", invalid="ignore"):
                found += sign * np.where(drawn > 0, total / drawn, np.nan)
        return found


@lru_cache(maxsize=8)
def seed_weights(seeds: int, resamples: int) -> np.ndarray:
    """Weights of the seeds in every draw of seeds: [resamples, seeds], each row adds up to 1."""
    rng = np.random.default_rng(SEED + seeds)
    weights = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples) / seeds
    weights.setflags(write=False)  # shared by all callers
    return weights


def stretch(seeds: int, level: float) -> float:
    """How much wider than the bootstrap's the seeds' part of an interval must be (see above)."""
    upper = (1 + level) / 2
    return float(np.sqrt(seeds / (seeds - 1)) * stdtrit(seeds - 1, upper) / ndtri(upper))


def interval(points: np.ndarray, replicates: np.ndarray, level: float = 0.95) -> tuple[float, float] | None:
    """The two-level interval of a mean over seeds.

    Args:
        points: The figure of each seed: [seeds].
        replicates: The same under every draw of clusters: [resamples, seeds]. With one seed, clusters alone are
            drawn, and the interval says nothing about other seeds.
        level: How often such an interval covers the truth.

    Returns:
        Lower and upper bound; None where too many resamples hold no item.
    """
    resamples, seeds = replicates.shape
    centre = points.mean()
    values = centre + shared(replicates) * (replicates.mean(axis=1) - centre)  # [resamples]
    if seeds > 1:
        values = values + stretch(seeds, level) * (seed_weights(seeds, resamples) @ points - centre)
    defined = values[~np.isnan(values)]
    if len(defined) < (1 - _UNDEFINED) * resamples:
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def shared(replicates: np.ndarray) -> float:
    """Which part of the items' spread of the mean, 0..1, all seeds share; the rest is luck of a seed on an item.

    Args:
        replicates: A figure of each seed under every draw of clusters: [resamples, seeds].
    """
    seeds = replicates.shape[1]
    if seeds == 1:
        return 1.0
    mean = replicates.mean(axis=1)
    whole = float(np.nanvar(mean)) if not np.isnan(mean).all() else 0.0
    if whole == 0:
        return 1.0
    own = float(np.nanvar(replicates - mean[:, None], axis=0).mean()) * seeds / (seeds - 1)  # of one seed on items
    return float(np.sqrt(max(0.0, whole - own / seeds) / whole))


def item_spread(replicates: np.ndarray) -> float:
    """Standard deviation that the choice of items alone gives the mean over seeds."""
    return shared(replicates) * float(np.nanstd(replicates.mean(axis=1)))
