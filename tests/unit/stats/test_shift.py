"""Changes pooled over runs, and runs that lie apart, against scipy and against simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from engine.stats.inference.apart import far_below, two_groups
from engine.stats.inference.shift import SHOWN, paired_shift, rank_shift

RNG = np.random.default_rng(11)


def test_one_stratum_is_the_paired_t_test() -> None:
    before, after = RNG.normal(1.0, 0.3, 40), RNG.normal(0.9, 0.3, 40)
    mean, ci = paired_shift([(before, after)])
    expected = stats.ttest_rel(after, before).confidence_interval(0.95)
    assert mean == pytest.approx(after.mean() - before.mean())
    assert ci == pytest.approx((expected.low, expected.high))


def test_strata_count_alike_and_what_parts_them_is_no_error() -> None:
    """Runs of other levels and lengths: the interval is of the change within them, and covers it 19 times in 20."""
    rng, hits = np.random.default_rng(5), 0
    for _ in range(600):
        strata = []
        for size, level in ((20, 0.0), (60, 5.0), (40, 50.0)):
            before = level + rng.normal(0, 1, size)
            strata.append((before, before + 0.2 + rng.normal(0, 0.5, size)))
        low, high = paired_shift(strata)[1]
        hits += low <= 0.2 <= high
    assert 0.92 <= hits / 600 <= 0.98


def test_equal_values_give_an_interval_without_width() -> None:
    assert paired_shift([((1.0, 2.0), (1.5, 2.5))]) == (0.5, (0.5, 0.5))


def test_one_stratum_of_ranks_is_the_rank_sum_test() -> None:
    before, after = RNG.exponential(1.0, 12), RNG.exponential(0.3, 12)
    expected = stats.mannwhitneyu(after, before, use_continuity=False, method="asymptotic")
    z = rank_shift([(before, after)])
    assert z < 0
    assert 2 * stats.norm.sf(abs(z)) == pytest.approx(expected.pvalue)


def test_batches_with_long_tails_rarely_seem_to_rise() -> None:
    """The luck of one bad batch is no rise: at most once in forty, as a one-sided test at 2.5 % has it."""
    rng = np.random.default_rng(6)
    draws = [[(rng.lognormal(-4, 2, 12), rng.lognormal(-4, 2, 12)) for _ in range(3)] for _ in range(2000)]
    assert np.mean([rank_shift(strata) > SHOWN for strata in draws]) < 0.035


@pytest.mark.parametrize("seeds", [4, 5, 8, 10])
def test_runs_of_one_distribution_are_rarely_called_apart(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    drawn = rng.normal(0, 1, (4000, seeds)).tolist()
    assert np.mean([bool(far_below(values, 0.0)) for values in drawn]) < 0.075
    assert np.mean([two_groups(values, 0.0) is not None for values in drawn]) < 0.045


def test_a_run_far_below_is_found_and_one_far_above_is_no_collapse() -> None:
    assert far_below([0.84, 0.86, 0.85, 0.12, 0.83], 0.1) == [3]
    assert far_below([0.84, 0.86, 0.85, 0.99, 0.83], 0.1) == []
    assert far_below([0.841, 0.842, 0.843, 0.80], 0.1) == [], "four points are no collapse"
    assert far_below([0.9, 0.9, 0.1], 0.1) == [], "two runs do not say where the third should lie"


def test_two_groups_need_two_runs_each_and_a_wide_gap() -> None:
    assert two_groups([0.50, 0.88, 0.52, 0.90, 0.89], 0.1) == ([0, 2], [1, 4, 3])
    assert two_groups([0.50, 0.88, 0.87, 0.90, 0.89], 0.1) is None
    assert two_groups([0.80, 0.84, 0.88, 0.92, 0.96], 0.1) is None
    assert two_groups([0.50, 0.52, 0.88, 0.90], 0.1) is None, "of four runs two and two are nothing strange"
