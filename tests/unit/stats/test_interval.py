"""Intervals of seeds and items: what they equal where theory or scipy gives the answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from engine.stats.estimate import estimated
from engine.stats.inference.looks import Looks
from engine.stats.inference.paired import t_interval
from engine.stats.resampling.interval import interval, item_spread, usable
from engine.stats.resampling.jackknife import Influence


def influence(*ways: np.ndarray) -> Influence:
    """Of means over as many clusters as a way has rows, [clusters, seeds] each."""
    found = tuple((way - way.mean(axis=0)) / (len(way) - 1) for way in ways)
    seeds = ways[0].shape[1]
    return Influence(found, np.full(seeds, len(ways[0])), np.zeros(seeds))


def still(seeds: int) -> Influence:
    """Of items that are all alike."""
    return influence(np.zeros((5, seeds)))


@pytest.mark.parametrize("level", [0.9, 0.95, 0.9999])
@pytest.mark.parametrize("seeds", [2, 4, 30])
def test_without_item_noise_it_is_students(seeds: int, level: float) -> None:
    points = np.random.default_rng(seeds).exponential(1, seeds)
    assert interval(points, still(seeds), level) == pytest.approx(t_interval(list(points), level))


@pytest.mark.parametrize("level", [0.9, 0.95, 0.9999])
def test_one_seed_on_symmetric_clusters_is_students_over_clusters(level: float) -> None:
    half = np.random.default_rng(0).normal(0, 1, 20)
    values = np.concatenate([half, -half])[:, None]
    assert interval(values.mean(axis=0), influence(values), level) == pytest.approx(
        t_interval(values[:, 0].tolist(), level)
    )


@pytest.mark.parametrize("size", [40, 200])
def test_skewed_clusters_move_the_bounds_as_scipys_bca_does(size: int) -> None:
    values = np.random.default_rng(size).exponential(1, (size, 1))
    found = interval(values.mean(axis=0), influence(values))
    expected = stats.bootstrap(
        (values[:, 0],), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    assert found is not None
    middle, wider = values.mean(), stats.t.ppf(0.975, size - 1) / stats.norm.ppf(0.975) * np.sqrt(size / (size - 1))
    assert [(bound - middle) / wider for bound in found] == pytest.approx(
        [expected.low - middle, expected.high - middle], rel=0.06
    )
    assert found[1] - middle > 1.05 * (middle - found[0])


def test_the_distances_of_both_parts_are_added_as_squares() -> None:
    rng = np.random.default_rng(1)
    values = rng.exponential(0.2, (40, 1)) + rng.normal(0, 0.05, 4)  # all seeds share the items' part
    points = values.mean(axis=0)
    whole, alone = interval(points, influence(values)), interval(points[:1], influence(values[:, :1]))
    seeds = t_interval(points.tolist())
    assert whole is not None
    assert alone is not None
    assert seeds is not None
    middle = points.mean()
    assert middle - whole[0] == pytest.approx(np.hypot(points[0] - alone[0], middle - seeds[0]))
    assert whole[1] - middle == pytest.approx(np.hypot(alone[1] - points[0], seeds[1] - middle))


def test_the_higher_the_level_the_wider_however_skewed_the_clusters() -> None:
    values = np.zeros((30, 1))
    values[0] = 1.0
    levels = (0.9, 0.95, 0.99, 0.9999, 0.999999, 1 - 1e-9)
    found = [interval(values.mean(axis=0), influence(values), level) for level in levels]
    bounds = np.array([each for each in found if each is not None])
    assert bounds.shape == (6, 2)
    assert (np.diff(bounds, axis=0) * [-1, 1] > 0).all()


def test_luck_of_seeds_on_items_is_not_counted_as_items() -> None:
    rng = np.random.default_rng(8)
    own = rng.normal(0, 1, (50, 10))  # every seed meets every cluster anew: nothing is shared
    same = np.tile(rng.normal(0, 1, (50, 1)), (1, 10))  # all seeds agree on each cluster
    assert item_spread(influence(own)) < 0.5 * own.mean(axis=1).std() / np.sqrt(50)
    assert item_spread(influence(same)) == pytest.approx(same[:, 0].std(ddof=1) / np.sqrt(50))


def test_items_that_share_two_things_have_the_variance_of_both() -> None:
    rng = np.random.default_rng(2)
    premise, hypothesis = rng.normal(0, 0.3, 30), rng.normal(0, 0.5, 20)
    cells = premise[:, None] + hypothesis
    rows, columns, each = cells.mean(axis=1)[:, None], cells.mean(axis=0)[:, None], cells.reshape(-1, 1)
    expected = premise.var(ddof=1) / 30 + hypothesis.var(ddof=1) / 20 - cells.var(ddof=1) / 600
    assert item_spread(influence(rows)) == pytest.approx(premise.std(ddof=1) / np.sqrt(30))
    assert item_spread(influence(rows, columns, each)) == pytest.approx(np.sqrt(expected))


def test_two_factors_never_make_it_narrower_than_one() -> None:
    values = np.random.default_rng(3).normal(0, 1, (12, 1))
    wide = np.random.default_rng(4).normal(0, 9, (144, 1))
    assert item_spread(influence(values, values * 0.5, wide)) == item_spread(influence(values))


def test_a_figure_that_many_clusters_are_needed_for_has_no_interval() -> None:
    found = Influence((np.ones((10, 1)),), np.full(1, 10), np.array([0.3]))
    assert not usable(found)
    assert usable(influence(np.zeros((2, 3))))
    values = [0.1, 0.2, 0.15, 0.3]
    torn = Influence((np.random.default_rng(0).normal(0, 1, (10, 4)),), np.full(4, 10), np.full(4, 0.3))
    for looks in (None, Looks((4, 8), 0)):
        by_seeds = estimated(values, None, "share", level=False, looks=looks)
        assert estimated(values, torn, "share", level=False, looks=looks) == by_seeds
        assert by_seeds.item_spread == 0


def test_one_cluster_says_nothing_of_items() -> None:
    points = np.array([0.1, 0.4, 0.2])
    assert interval(points, influence(np.zeros((2, 3))), 0.95) == pytest.approx(t_interval(points.tolist()))
