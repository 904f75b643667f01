"""The bootstrap: what it equals where theory or scipy gives the answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from engine.stats.inference.paired import t_interval
from engine.stats.resampling.bootstrap import (
    Draws,
    Resampler,
    _bca_levels,
    _influence,
    interval,
    seed_weights,
    shared,
    stretch,
)
from engine.stats.resampling.columns import Sums


def sums_of(values: np.ndarray, per: int = 4) -> Sums:
    """[seeds, clusters] of means over `per` items."""
    return Sums((values * per)[:, None, :], np.full_like(values, per)[:, None, :], np.array([1.0]))


def test_one_seed_is_scipys_bca_bootstrap_over_clusters_at_students_width() -> None:
    values = np.random.default_rng(0).exponential(0.2, (1, 60))
    found = interval(values.mean(axis=1), Resampler(60).draws(sums_of(values)))
    expected = stats.bootstrap(
        (values[0],), np.mean, n_resamples=10_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    assert found is not None
    centre = values.mean()
    assert [centre + (bound - centre) / stretch(60, 0.95) for bound in found] == pytest.approx(
        (expected.low, expected.high), abs=0.005
    )


@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize("size", [5, 20, 60])
def test_bca_moves_the_quantiles_as_scipy_does(size: int, level: float) -> None:
    values = np.random.default_rng(size).exponential(1, size)
    expected = stats.bootstrap((values,), np.mean, method="BCa", confidence_level=level, rng=np.random.default_rng(2))
    drawn = expected.bootstrap_distribution - values.mean()
    left_out = (values.sum() - values) / (size - 1)
    levels = _bca_levels(drawn, left_out.mean() - left_out, level)
    assert values.mean() + np.quantile(drawn, levels) == pytest.approx(expected.confidence_interval, abs=1e-10)


def test_influence_is_what_leaving_a_cluster_out_takes_away() -> None:
    rng = np.random.default_rng(6)
    count = rng.integers(1, 5, (2, 2, 9)).astype(float)
    total = rng.binomial(count.astype(int), 0.5).astype(float)
    sums = Sums(total, count, np.array([1.0, -1.0]))

    def figure(run: int, kept: list[int]) -> float:
        helped, misled = total[run][:, kept].sum(axis=1) / count[run][:, kept].sum(axis=1)
        return float(helped - misled)

    whole = list(range(9))
    expected = [[figure(run, whole) - figure(run, [*whole[:c], *whole[c + 1 :]]) for run in (0, 1)] for c in whole]
    assert _influence(sums) == pytest.approx(np.array(expected), abs=1e-12)


def test_an_only_cluster_has_no_influence_rather_than_an_endless_one() -> None:
    assert (_influence(Sums(np.full((2, 1, 1), 3.0), np.full((2, 1, 1), 4.0), np.array([1.0]))) == 0).all()


@pytest.mark.parametrize("seeds", [4, 6, 12, 30])
def test_without_item_noise_it_is_about_as_wide_as_students(seeds: int) -> None:
    points = np.random.default_rng(seeds).normal(0, 1, seeds)
    found = interval(points, Draws(np.tile(points, (10_000, 1)), np.zeros((1, seeds)), np.ones(seeds, int)))
    expected = t_interval(list(points))
    assert found is not None
    assert expected is not None
    assert found[1] - found[0] == pytest.approx(expected[1] - expected[0], rel=0.15)


def test_a_ratio_with_clusters_of_any_size_and_two_parts() -> None:
    rng = np.random.default_rng(3)
    count = rng.integers(0, 6, (1, 2, 30)).astype(float)
    count = np.repeat(count, 2, axis=0)
    total = rng.binomial(count.astype(int), 0.6).astype(float)
    sums = Sums(total, count, np.array([1.0, -1.0]))
    draws = Resampler(30, 500).draws(sums).replicates
    rng = np.random.default_rng(4)
    assert draws.shape == (500, 2)
    point = (total.sum(axis=2) / count.sum(axis=2)) @ [1.0, -1.0]
    assert draws.mean(axis=0) == pytest.approx(point, abs=0.05)


def test_single_draws_equal_a_plain_loop() -> None:
    rng = np.random.default_rng(5)
    count = rng.integers(1, 5, (3, 1, 7)).astype(float)
    total = rng.binomial(count.astype(int), 0.5).astype(float)
    sampler = Resampler(7, 20)
    draws = sampler.draws(Sums(total, count, np.array([1.0]))).replicates
    for at, drawn in enumerate(sampler.counts):
        assert drawn.sum() == 7
        for run in range(3):
            assert draws[at, run] == pytest.approx(total[run, 0] @ drawn / (count[run, 0] @ drawn), rel=1e-6)


def test_a_metric_that_most_resamples_cannot_give_has_no_interval() -> None:
    count = np.zeros((1, 1, 40))
    count[0, 0, 0] = 5
    draws = Resampler(40, 400).draws(Sums(count * 0.5, count, np.array([1.0])))
    assert np.isnan(draws.replicates).mean() > 0.2
    assert interval(np.array([0.5]), draws) is None


def test_it_is_the_same_every_time() -> None:
    values = np.random.default_rng(0).normal(0.5, 0.2, (3, 25))
    once, again = (interval(values.mean(axis=1), Resampler(25).draws(sums_of(values))) for _ in range(2))
    assert once == again


def test_weights_of_seeds_add_up_to_one() -> None:
    assert seed_weights(3, 100).sum(axis=1) == pytest.approx(np.ones(100))


def test_luck_of_seeds_on_items_is_not_counted_as_items() -> None:
    rng = np.random.default_rng(8)
    own = rng.normal(0, 1, (10, 50))  # every seed meets every item anew: nothing is shared
    same = np.tile(rng.normal(0, 1, 50), (10, 1))  # all seeds agree on each item
    assert shared(Resampler(50, 2000).draws(sums_of(own)).replicates) < 0.5
    assert shared(Resampler(50, 2000).draws(sums_of(same)).replicates) == pytest.approx(1.0)


def test_skewed_seeds_move_the_bounds_as_scipys_bca_does() -> None:
    points = np.array([0.0, 0.01, 0.02, 0.0, 0.01, 0.02, 0.01, 0.3])
    found = interval(points, Draws(np.tile(points, (10_000, 1)), np.zeros((1, 8)), np.ones(8, int)))
    expected = stats.bootstrap(
        (points,), np.mean, n_resamples=10_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    assert found is not None
    unstretched = [points.mean() + (bound - points.mean()) / stretch(8, 0.95) for bound in found]
    assert unstretched == pytest.approx((expected.low, expected.high), abs=0.003)
