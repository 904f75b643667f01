"""How often the statistics are wrong, by simulation: false findings, false equivalence, and effects that are missed.

Each test also shows that it can fail: the same figure without the safeguard is far off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from engine.stats.inference import power
from engine.stats.inference.equivalence import equivalent
from engine.stats.inference.paired import holm, sign_flip
from engine.stats.resampling.columns import Sums
from engine.stats.resampling.interval import interval
from engine.stats.resampling.jackknife import Influence, of_sums

pytestmark = pytest.mark.slow
CLUSTERS, ITEMS = 50, 8
ALL = np.array([1.0])


@dataclass(frozen=True)
class Pairs:
    """Paired differences of two arms on items, as means of clusters.

    Attributes:
        true: The difference over all seeds and items.
        seed_sd: Of a pair's difference over seeds.
        item_sd: Of a cluster's difference, the same for all seeds.
        luck: Of one pair's difference on one item.
    """

    true: float = 0.0
    seed_sd: float = 0.02
    item_sd: float = 0.08
    luck: float = 0.5

    def draw(self, seeds: int, trials: int) -> Iterator[tuple[np.ndarray, Influence]]:
        """The differences of the seeds and the influence of clusters on them, trial by trial."""
        rng = np.random.default_rng(seeds)
        count = np.full((seeds, 1, CLUSTERS), float(ITEMS))
        for _ in range(trials):
            means = self.true + rng.normal(0, self.seed_sd, (seeds, 1)) + rng.normal(0, self.item_sd, CLUSTERS)
            means = means + rng.normal(0, self.luck / np.sqrt(ITEMS), (seeds, CLUSTERS))
            found = of_sums(Sums(ITEMS * means[:, None], count, ALL))
            assert found is not None
            yield means.mean(axis=1), found

    def found(self, seeds: int, trials: int = 1500) -> float:
        """How often the 95 % interval excludes zero."""
        cis = [interval(*drawn) for drawn in self.draw(seeds, trials)]
        return float(np.mean([ci is not None and (ci[0] > 0 or ci[1] < 0) for ci in cis]))

    def detectable(self, seeds: int) -> float:
        """What is predicted to be found four times in five."""
        own = np.hypot(self.seed_sd, self.luck / np.sqrt(ITEMS * CLUSTERS))
        return power.detectable(seeds, own, self.item_sd / np.sqrt(CLUSTERS))


@pytest.mark.parametrize("seeds", [10, 20])
def test_a_family_without_any_effect_has_a_finding_in_at_most_one_study_of_twenty(seeds: int) -> None:
    """Five arms that do not differ, four pairs on three metrics, tested over seeds as a study's family is."""
    rng = np.random.default_rng(seeds)
    pairs = [(1, 0), (2, 1), (3, 2), (4, 0)]
    plain, adjusted, trials = 0, 0, 1000
    for _ in range(trials):
        arms = rng.normal(0, 1, (3, seeds, 1)) + rng.exponential(0.7, (3, seeds, 5))  # seeds in common, and skewed
        ps = [sign_flip(list(metric[:, a] - metric[:, b])) or 1.0 for metric in arms for a, b in pairs]
        plain += min(ps) <= 0.05
        adjusted += min(holm(ps)) <= 0.05
    assert adjusted / trials <= 0.05
    assert plain / trials > 0.2  # without Holm every fourth study would find something


@pytest.mark.parametrize("seeds", [5, 10, 20])
def test_five_points_are_not_called_equivalent_at_a_margin_of_three(seeds: int) -> None:
    pairs = Pairs(true=0.05)
    cis = [interval(*drawn, level=0.90) for drawn in pairs.draw(seeds, 1000)]
    assert np.mean([equivalent(ci, 0.03) for ci in cis]) <= 0.05


@pytest.mark.parametrize("seeds", [5, 10, 20])
def test_at_the_margin_itself_it_is_called_equivalent_one_time_in_twenty(seeds: int) -> None:
    """The worst case of two one-sided tests at 5 %."""
    pairs = Pairs(true=0.03, seed_sd=0.01, item_sd=0.01, luck=0.2)
    cis = [interval(*drawn, level=0.90) for drawn in pairs.draw(seeds, 2000)]
    assert 0.03 <= np.mean([equivalent(ci, 0.03) for ci in cis]) <= 0.07


def test_a_difference_of_nothing_is_called_equivalent_where_the_study_is_large_enough() -> None:
    """Or else never saying so would pass the tests above."""
    pairs = Pairs(seed_sd=0.01, item_sd=0.02, luck=0.2)
    cis = [interval(*drawn, level=0.90) for drawn in pairs.draw(10, 300)]
    assert np.mean([equivalent(ci, 0.03) for ci in cis]) > 0.9


@pytest.mark.parametrize("seeds", [3, 5, 10, 20])
@pytest.mark.parametrize(("seed_sd", "item_sd"), [(0.05, 0.0), (0.02, 0.08), (0.002, 0.1)])
def test_the_smallest_detectable_difference_is_right_within_a_tenth(seeds: int, seed_sd: float, item_sd: float) -> None:
    """A tenth less is found less than four times in five, a tenth more is found more often."""
    design = Pairs(seed_sd=seed_sd, item_sd=item_sd)
    size = design.detectable(seeds)
    less, more = (Pairs(size * by, seed_sd, item_sd).found(seeds) for by in (0.9, 1.1))
    assert less < power.POWER < more
