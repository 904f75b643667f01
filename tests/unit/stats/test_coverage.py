"""Intervals that say 95 % cover about 95 % of the time, with few seeds, with few clusters, and paired."""

from __future__ import annotations

import numpy as np
import pytest

from engine.stats.columns import Sums
from engine.stats.resample import Resampler, interval

TRIALS = 400


def coverage(seeds: int, clusters: int, seed_sd: float, item_sd: float, noise: float) -> float:
    """How often the interval of a mean holds the true mean, zero."""
    rng = np.random.default_rng(seeds * 1000 + clusters)
    sampler = Resampler(clusters, 2000)
    count = np.full((seeds, 1, clusters), 8.0)
    hits = 0
    for _ in range(TRIALS):
        means = rng.normal(0, seed_sd, (seeds, 1)) + rng.normal(0, item_sd, clusters)
        means = means + rng.normal(0, noise / np.sqrt(8), (seeds, clusters))
        found = interval(means.mean(axis=1), sampler.replicates(Sums(8 * means[:, None], count, np.array([1.0]))))
        hits += found is not None and found[0] <= 0 <= found[1]
    return hits / TRIALS


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize(
    ("seed_sd", "item_sd", "noise"),
    [(0.03, 0.0, 0.4), (0.03, 0.15, 0.4), (0.0, 0.15, 0.4), (0.05, 0.0, 0.0)],
    ids=["seeds", "both", "items", "seeds-alone"],
)
def test_coverage(seeds: int, seed_sd: float, item_sd: float, noise: float) -> None:
    assert 0.91 <= coverage(seeds, 40, seed_sd, item_sd, noise) <= 0.995


@pytest.mark.slow
def test_one_seed_covers_its_own_mean_over_items() -> None:
    assert coverage(1, 60, 0.0, 0.15, 0.4) >= 0.91
