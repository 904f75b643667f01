"""Intervals that say 95 % cover 93 to 97 % of the time, on outcomes drawn as real ones are: seeds, clusters, yes or no.

The seeds vary as in McCoy, Min & Linzen 2020 (BERTs of a feather, arXiv:1911.02969): hardly at all on items like those
trained on (a standard deviation of 0.2 points), and enormously where a shortcut may be followed or not (from 0 to
66 % over 100 seeds).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import expit

from engine.stats.resampling.columns import Sums
from engine.stats.resampling.interval import interval
from engine.stats.resampling.jackknife import of_sums

TRIALS = 2000
CLUSTERS, ITEMS = 60, 8  # items in each cluster
FEW = 6  # clusters: the new wordings of the function-calling study


@dataclass(frozen=True)
class World:
    """Two arms whose runs answer items; everything on the logit scale.

    Attributes:
        means: Of the two arms.
        seed_sd: Of the runs of an arm.
        cluster_sd: Of clusters, the same for both arms.
        luck: Of one run on one cluster.
    """

    means: tuple[float, float]
    seed_sd: float
    cluster_sd: float
    luck: float

    def truth(self) -> float:
        """The difference over all seeds and items, by quadrature."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(60)
        spread = np.sqrt(self.seed_sd**2 + self.cluster_sd**2 + self.luck**2)
        a, b = (float(expit(mean + spread * nodes) @ weights / weights.sum()) for mean in self.means)
        return a - b

    def draw(self, seeds: int, rng: np.random.Generator, clusters: int = CLUSTERS) -> np.ndarray:
        """How many items of each cluster are right: [arms * seeds, 1, clusters]."""
        shared = rng.normal(0, self.cluster_sd, clusters)
        rows = []
        for mean in self.means:
            run = rng.normal(mean, self.seed_sd, (seeds, 1)) + rng.normal(0, self.luck, (seeds, clusters))
            rows.append(rng.binomial(ITEMS, expit(run + shared)))
        return np.concatenate(rows)[:, None, :].astype(float)


WORLDS = {
    "as-trained": World((1.66, 1.50), 0.015, 0.8, 0.3),  # 84 %, seeds within 0.2 points of each other
    "out-of-distribution": World((-1.2, -0.4), 1.1, 0.8, 0.3),  # 28 %, seeds from 3 to 70 %
    "only-seeds": World((0.0, 0.3), 0.4, 0.0, 0.0),
    "much-luck": World((0.5, 0.8), 0.1, 0.3, 1.0),
}


def covered(world: World, seeds: int, clusters: int = CLUSTERS) -> float:
    """How often the interval of the paired difference holds the true one."""
    rng = np.random.default_rng(seeds)
    truth = world.truth()
    count = np.full((2 * seeds, 1, clusters), float(ITEMS))
    hits = 0
    for _ in range(TRIALS):
        total = world.draw(seeds, rng, clusters)
        found = of_sums(Sums(total, count, np.array([1.0])))
        assert found is not None
        values = total.mean(axis=(1, 2)) / ITEMS
        pairs = found.of(np.arange(seeds)).minus(found.of(np.arange(seeds, 2 * seeds)))
        bounds = interval(values[:seeds] - values[seeds:], pairs)
        hits += bounds is not None and bounds[0] <= truth <= bounds[1]
    return hits / TRIALS


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [5, 10, 20])
@pytest.mark.parametrize("world", WORLDS)
def test_of_ninety_five_intervals_in_a_hundred_hold_the_truth(world: str, seeds: int) -> None:
    assert 0.93 <= covered(WORLDS[world], seeds) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [5, 10, 20])
@pytest.mark.parametrize("world", ["as-trained", "out-of-distribution", "much-luck"])
def test_so_do_they_with_six_clusters(world: str, seeds: int) -> None:
    assert 0.93 <= covered(WORLDS[world], seeds, FEW) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3])
def test_with_very_few_seeds_it_is_wide_rather_than_wrong(seeds: int) -> None:
    assert 0.90 <= covered(WORLDS["out-of-distribution"], seeds) <= 0.995


@pytest.mark.slow
def test_one_seed_covers_its_own_mean_over_items() -> None:
    """Of one seed the interval speaks of other items, not of other seeds: there is none to vary."""
    world = World((1.2, 0.9), 0.0, 0.8, 0.0)
    assert 0.93 <= covered(world, 1) <= 0.97


@pytest.mark.slow
def test_an_interval_that_ignores_clusters_would_not_pass() -> None:
    """The check itself can fail: items left out one by one, as if each stood alone, cover far too seldom."""
    rng = np.random.default_rng(0)
    world = World((0.0, 0.0), 0.0, 1.5, 0.0)
    count = np.ones((1, 1, CLUSTERS * ITEMS))
    hits = 0
    for _ in range(300):
        right = world.draw(1, rng)[0, 0]
        single = (np.arange(ITEMS) < right[:, None]).astype(float).reshape(1, 1, -1)
        alone = of_sums(Sums(single, count, np.array([1.0])))
        assert alone is not None
        bounds = interval(single.mean(axis=2)[0], alone)
        hits += bounds is not None and bounds[0] <= 0.5 <= bounds[1]
    assert hits / 300 < 0.85
