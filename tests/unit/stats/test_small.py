"""Effect sizes, discordant items, signal detection and power say what statsmodels and scipy say."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.stats.contingency_tables import mcnemar as reference
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_effectsize

from engine.spec.example import Outcome, Side
from engine.stats.evidence import Estimate
from engine.stats.inference.discordant import discordant, mcnemar
from engine.stats.inference.effects import cliffs_delta, cohens_h, paired_d
from engine.stats.inference.power import detectable
from engine.stats.statistics.auc import Auc
from engine.stats.statistics.d_prime import DPrime
from engine.stats.statistics.weights import Weight

TRUTH = "feature:true"
shares = st.floats(0, 1)
counts = st.integers(0, 60)


@given(shares, shares)
def test_cohens_h_is_statsmodels(a: float, b: float) -> None:
    assert cohens_h(a, b) == pytest.approx(float(proportion_effectsize(a, b)), abs=1e-10)


def test_paired_d_is_the_t_statistic_by_the_root_of_seeds() -> None:
    values = list(np.random.default_rng(3).normal(0.4, 1, 7))
    expected = stats.ttest_1samp(values, 0).statistic / math.sqrt(7)
    assert paired_d(values) == pytest.approx(expected, abs=1e-10)
    assert paired_d([0.1]) is None
    assert paired_d([0.1, 0.1, 0.1 + 1e-11]) is None
    assert paired_d([0.05, 0.051]) is None


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=9), st.lists(st.integers(-5, 5), min_size=1, max_size=9))
def test_cliffs_delta_follows_from_mann_whitney(a: list[int], b: list[int]) -> None:
    u = stats.mannwhitneyu(a, b).statistic
    assert cliffs_delta(a, b) == pytest.approx(2 * u / (len(a) * len(b)) - 1, abs=1e-10)
    assert cliffs_delta([], b) is None


@given(counts, counts)
def test_mcnemar_is_statsmodels(b: int, c: int) -> None:
    expected = reference([[9, b], [c, 9]], exact=True).pvalue
    assert mcnemar(b, c) == pytest.approx(float(expected), abs=1e-10)


def test_runs_are_compared_on_the_items_they_share() -> None:
    def outcomes(rights: str, start: int = 0) -> list[Outcome]:
        return [
            Outcome(item=f"i{n}", correct=right == "1", split="s", cluster="c") for n, right in enumerate(rights, start)
        ]

    found = discordant(outcomes("11100"), outcomes("1001", start=1))  # items 1 to 4 are shared
    assert found is not None
    assert found[:3] == (1, 1, 4)
    assert found.p == 1.0
    assert discordant(outcomes("11"), outcomes("11", start=5)) is None
    unscored = [o.model_copy(update={"correct": None}) for o in outcomes("11100")]
    assert discordant(unscored, outcomes("11100")) is None
    one = discordant([unscored[0], *outcomes("11100")[1:]], outcomes("00000"))
    assert one is not None
    assert one[:3] == (2, 0, 4), "an item that was not scored is no item that either has wrong"


@given(st.lists(st.tuples(st.integers(-6, 6), st.booleans()), min_size=2, max_size=40))
def test_auc_follows_from_mann_whitney(pairs: list[tuple[int, bool]]) -> None:
    found = Auc(truth=TRUTH).of(
        [
            Outcome(item=f"{at}", correct=None, split="s", cluster="c", value=score, features={"true": truth})
            for at, (score, truth) in enumerate(pairs)
        ]
    )
    if len({truth for _, truth in pairs}) < 2:
        assert found is None
    else:
        high, low = ([s for s, t in pairs if t is kind] for kind in (True, False))
        u = stats.mannwhitneyu(high, low).statistic
        assert found == pytest.approx(float(u) / (len(high) * len(low)), abs=1e-10)


def test_d_prime_has_the_published_value() -> None:
    def d_prime(hits: int, yes: int, alarms: int, no: int) -> float:
        return float(DPrime(truth=TRUTH).figure(np.array([hits, yes, alarms, no])))

    # Macmillan & Creelman 2005, example 1.1: 20 hits of 25, 10 false alarms of 25 give 1.095 uncorrected.
    assert d_prime(20_000_000, 25_000_000, 10_000_000, 25_000_000) == pytest.approx(1.0950, abs=1e-4)
    # Hautus 1995: with the log-linear correction, (20.5 / 26) and (10.5 / 26).
    assert d_prime(20, 25, 10, 25) == pytest.approx(float(stats.norm.ppf(20.5 / 26) - stats.norm.ppf(10.5 / 26)))
    assert math.isfinite(d_prime(25, 25, 0, 25))
    assert math.isnan(d_prime(0, 0, 3, 5))


@pytest.mark.parametrize("seeds", [2, 3, 5, 10, 20])
def test_the_detectable_difference_is_statsmodels(seeds: int) -> None:
    size = detectable(seeds, 0.07) / 0.07
    above = TTestPower().power(size, seeds, alpha=0.025, alternative="larger")  # it counts no finding the wrong way
    assert float(above) == pytest.approx(0.8, abs=1e-10)


def test_where_nothing_varies_nothing_is_claimed_to_be_found() -> None:
    assert Estimate(0.0, None, None, (0.0,) * 5).detectable is None
    assert Estimate(0.0, None, None, (0.1,)).detectable is None
    assert Estimate(0.0, None, None, (0.0,) * 5, item_spread=0.02).detectable == pytest.approx(0.056, abs=1e-3)
    assert Estimate(0.0, None, None, (0.0, 0.1, 0.2, 0.1), item_spread=0.02).detectable is None  # too few to know


def test_items_alone_bound_what_can_be_found() -> None:
    assert detectable(1000, 1e-9, item_sd=0.02) == pytest.approx(0.02 * (1.959964 + 0.841621), rel=1e-4)
    with pytest.raises(ValueError, match="two"):
        detectable(1, 0.1)


def weights(answers: Iterable[tuple[bool, bool, bool]]) -> tuple[float, float] | None:
    """Of truth and of the shortcut, from whether "yes" was said, is right, and is what the shortcut says."""
    outcomes = [
        Outcome(
            item=f"{at}", correct=yes == truth, split="s", cluster="c", output="yes" if yes else "no",
            side=Side.CONGRUENT if truth == shortcut else Side.CONFLICTING, features={"true": float(truth)},
        )
        for at, (yes, truth, shortcut) in enumerate(answers)
    ]  # fmt: skip
    truth, shortcut = (Weight(weight=of, truth=TRUTH).of(outcomes) for of in ("truth", "shortcut"))
    assert (truth is None) == (shortcut is None)
    return None if truth is None or shortcut is None else (truth, shortcut)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=80))
def test_weights_are_statsmodels(answers: list[tuple[bool, bool, bool]]) -> None:
    found = weights(answers)
    kinds = sorted({(truth, shortcut) for _, truth, shortcut in answers})
    if len(kinds) < 3:
        assert found is None
        return
    rows, counts = [], []
    for truth, shortcut in kinds:
        said = [yes for yes, t, s in answers if (t, s) == (truth, shortcut)]
        rows.append([1.0, truth - 0.5, shortcut - 0.5])
        counts.append([sum(said) + 0.5, len(said) - sum(said) + 0.5])
    expected = (
        GLM(np.array(counts), np.array(rows), family=Binomial())
        .fit(method="newton", gtol=1e-13, maxiter=200, disp=0)
        .params
    )
    assert found == pytest.approx(tuple(expected[1:]), abs=1e-10)


def test_weights_tell_truth_from_shortcut() -> None:
    items = [(truth, shortcut) for truth in (True, False) for shortcut in (True, False)] * 50
    by_truth, by_shortcut = (weights((answer[at], *answer) for answer in items) for at in (0, 1))
    assert by_truth is not None
    assert by_shortcut is not None
    assert by_truth[0] == pytest.approx(by_shortcut[1])
    assert by_truth[0] > 5
    assert by_truth[1] == pytest.approx(0, abs=1e-9)
    assert weights([(True, True, True), (False, False, False)]) is None  # they always agree
