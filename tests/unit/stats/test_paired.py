"""Our few lines of statistics say what scipy and statsmodels say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from engine.stats.inference.equivalence import equivalent
from engine.stats.inference.paired import holm, sign_flip, t_interval


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_t_interval_is_scipys(seeds: int, level: float) -> None:
    values = np.random.default_rng(seeds).normal(0.3, 1, seeds)
    expected = stats.ttest_1samp(values, 0).confidence_interval(level)
    assert t_interval(list(values), level) == pytest.approx((expected.low, expected.high), abs=1e-10)


@pytest.mark.parametrize("seeds", [2, 3, 5, 8, 12])
def test_exact_sign_flip_is_scipys(seeds: int) -> None:
    values = np.random.default_rng(seeds).normal(0.5, 1, seeds)
    expected = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(list(values)) == pytest.approx(expected.pvalue, abs=1e-10)


def test_sign_flip_with_ties_zeros_and_many_seeds() -> None:
    assert sign_flip([0.1, 0.1, 0.1]) == 0.25  # the least that three seeds can give
    assert sign_flip([0.0, 0.0]) == 1.0
    assert sign_flip([0.3]) is None
    many = sign_flip(list(np.random.default_rng(0).normal(2, 1, 20)))
    assert many is not None
    assert 0 < many < 0.001


def test_random_sign_flip_is_near_the_normal_approximation() -> None:
    values = np.random.default_rng(1).normal(0.3, 1, 40)
    z = values.sum() / np.sqrt((values**2).sum())
    assert sign_flip(list(values)) == pytest.approx(2 * stats.norm.sf(abs(z)), abs=0.02)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_holm_is_statsmodels(ps: list[float]) -> None:
    assert holm(ps) == pytest.approx(list(multipletests(ps, method="holm")[1]), abs=1e-10)


@pytest.mark.parametrize("margin", [0.005, 0.02, 0.05, 0.2])
def test_equivalence_is_two_one_sided_tests(margin: float) -> None:
    rng = np.random.default_rng(7)
    a, b = rng.normal(0, 0.02, 8), rng.normal(0, 0.02, 8)
    p = ttost_paired(a, b, -margin, margin)[0]
    assert equivalent(t_interval(list(a - b), 0.90), margin) == (p < 0.05)


def test_without_an_interval_nothing_is_equivalent() -> None:
    assert not equivalent(None, 1.0)
