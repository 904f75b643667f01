"""The two-level bootstrap: seeds are drawn, and clusters of items, the same ones for every arm.

Seeds and items cross: every seed meets the same items. The error of a mean over both is the seeds' part, the items'
part, and luck of a seed on an item. Drawing both levels naively counts that last part three times over (Owen & Eckles
2012, Annals of Applied Statistics 6) and yet is too narrow, because a bootstrap of n seeds sees only (n - 1) / n of
their variance and its tails are a normal distribution's where Student's are due. Hence

- the seeds' part comes from drawing seeds, stretched by sqrt(n / (n - 1)) * t / z (after Hesterberg 2015, The American
  Statistician 69): with seeds alone the interval is about as wide as Student's. It holds the luck of seeds on items;
- the items' part comes from drawing clusters, shrunk to what all seeds share;
- both parts are stretched so, clusters as well as seeds, since 20 clusters see too little of their variance too.

The bounds are BCa's (Efron 1987, Journal of the American Statistical Association 82): the quantiles of the draws are
moved by their median bias and by the skewness of the units' influence. Seeds and clusters are independent, so
variances and third moments of their parts add up (DiCiccio & Efron 1996, Statistical Science 11, for several samples).
`tests/unit/stats/test_coverage.py` holds that 95 % intervals cover about 95 % of the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from engine.stats.resampling.columns import Sums

RESAMPLES = 10_000
SEED = 20_260_101  # fixed, so that the same outcomes always give the same interval
_CHUNK = 1_000  # resamples at a time: keeps the counts of clusters in the processor's cache
_UNDEFINED = 0.05  # with more replicates than this undefined (a resample without any item), there is no interval


@dataclass(frozen=True)
class Draws:
    """A figure of every run under draws of clusters.

    Attributes:
        replicates: [resamples, runs], NaN where no item was drawn.
        influence: How much each cluster adds to the figure, from leaving it out: [clusters, runs].
        read: How many clusters hold items that the figure of each run reads: [runs].
    """

    replicates: np.ndarray
    influence: np.ndarray
    read: np.ndarray

    def of(self, runs: list[int] | np.ndarray) -> Draws:
        """Of these runs alone, in this order."""
        return Draws(self.replicates[:, runs], self.influence[:, runs], self.read[runs])

    def minus(self, other: Draws) -> Draws:
        """Of the paired difference of runs."""
        read = np.minimum(self.read, other.read)
        return Draws(self.replicates - other.replicates, self.influence - other.influence, read)


class Resampler:
    """Draws of clusters, shared by all runs and figures of a probe: what is paired stays paired.

    Args:
        clusters: How many clusters of items there are.
        resamples: How many draws.
    """

    def __init__(self, clusters: int, resamples: int = RESAMPLES) -> None:
        self.clusters = clusters
        self.resamples = resamples

    @cached_property
    def counts(self) -> np.ndarray:
        """How often each cluster is drawn: [resamples, clusters], float32 so that products are fast."""
        rng = np.random.default_rng(SEED)
        found = np.empty((self.resamples, self.clusters), dtype=np.float32)
        for start in range(0, self.resamples, _CHUNK):
            size = min(_CHUNK, self.resamples - start)
            drawn = rng.integers(0, self.clusters, (size, self.clusters)) + np.arange(size)[:, None] * self.clusters
            flat = np.bincount(drawn.ravel(), minlength=size * self.clusters)
            found[start : start + size] = flat.reshape(size, self.clusters)
        return found

    def draws(self, sums: Sums) -> Draws:
        """A linear statistic of every run under every draw of clusters (others: `replicates`)."""
        return Draws(self._replicates(sums), _influence(sums), (sums.count != 0).any(axis=1).sum(axis=1))

    def _replicates(self, sums: Sums) -> np.ndarray:
        runs = sums.total.shape[0]
        found = np.zeros((self.resamples, runs))
        for part, sign in enumerate(sums.signs):
            total = (self.counts @ sums.total[:, part].T.astype(np.float32)).astype(float)  # [resamples, runs]
            count = sums.count[:, part]
            if (count == count[0]).all():
                drawn = self.counts @ count[0].astype(np.float32)[:, None]  # [resamples, 1]
            else:
                drawn = self.counts @ count.T.astype(np.float32)
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


def interval(points: np.ndarray, draws: Draws, level: float = 0.95) -> tuple[float, float] | None:
    """The two-level BCa interval of a mean over seeds.

    Args:
        points: The figure of each seed: [seeds].
        draws: The same under draws of clusters. With one seed, clusters alone are drawn, and the interval says
            nothing about other seeds.
        level: How often such an interval covers the truth.

    Returns:
        Lower and upper bound; None where too many resamples hold no item.
    """
    resamples, seeds = draws.replicates.shape
    clusters = draws.influence.shape[0]
    centre = points.mean()
    by_items = shared(draws.replicates) * (stretch(clusters, level) if clusters > 1 else 1.0)
    values = by_items * (draws.replicates.mean(axis=1) - centre)  # [resamples], about zero
    parts = [by_items * draws.influence.mean(axis=1)]
    if seeds > 1:
        by_seeds = stretch(seeds, level)
        values = values + by_seeds * (seed_weights(seeds, resamples) @ points - centre)
        parts.append(by_seeds * (points - centre) / seeds)
    defined = values[~np.isnan(values)]
    if len(defined) < (1 - _UNDEFINED) * resamples:
        return None
    low, high = centre + np.quantile(defined, _bca_levels(defined, np.concatenate(parts), level))
    return float(low), float(high)


def unvarying(value: float, clusters: int, level: float = 0.95) -> tuple[float, float] | None:
    """An interval of a share, or of a difference of shares, that came out the same in every cluster and seed.

    A bootstrap would give it no width. What is known is that none of so many clusters is otherwise: the exact bound
    of Clopper & Pearson 1934 (Biometrika 26), the "rule of three" of the textbooks, to either side.

    Returns:
        None without clusters.
    """
    if clusters < 1:
        return None
    reach = 1 - ((1 - level) / 2) ** (1 / clusters)
    return value - reach, value + reach


def _bca_levels(values: np.ndarray, influence: np.ndarray, level: float) -> np.ndarray:
    """At which quantiles of the draws, centred at the estimate, the bounds lie: [2]."""
    ends = np.array([(1 - level) / 2, (1 + level) / 2])
    variance = float((influence**2).sum())
    if variance < 1e-24:
        return ends
    acceleration = float((influence**3).sum()) / variance**1.5 / 6
    below = float((values < 0).mean() + (values <= 0).mean()) / 2  # draws that equal the estimate count half
    bias = float(ndtri(min(max(below, 1 / len(values)), 1 - 1 / len(values))))
    moved = bias + ndtri(ends)
    return ndtr(bias + moved / (1 - acceleration * moved))


def _influence(sums: Sums) -> np.ndarray:
    """The figure less what it is without each cluster: [clusters, runs]; 0 where nothing else would be left."""
    total, count = (part.sum(axis=2, keepdims=True) for part in (sums.total, sums.count))
    with np.errstate(divide="ignore", invalid="ignore"):
        added = total / count - (total - sums.total) / (count - sums.count)  # [runs, parts, clusters]
    return np.nan_to_num((added * sums.signs[:, None]).sum(axis=1).T, posinf=0.0, neginf=0.0)


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
