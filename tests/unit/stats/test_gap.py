"""The gap closed is a ratio of means, and its interval is honest where the gap is hardly larger than its error."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from engine.spec.example import Outcome
from engine.stats.evidence import Evidence, Run
from engine.stats.gap import gap_closed
from engine.stats.inference.looks import Looks
from engine.stats.metric import share_metric
from engine.stats.resampling.jackknife import Influence
from tests.unit.stats.test_coverage import ITEMS, World

METRICS = {"p.accuracy": share_metric("accuracy", "Accuracy")}


def fieller(gains: np.ndarray, gaps: np.ndarray) -> tuple[float, float] | None:
    """Fieller 1954 for paired samples, by his quadratic equation."""
    n = len(gains)
    t = stats.t.ppf(0.975, n - 1)
    x, y = gains.mean(), gaps.mean()
    (xx, xy), (_, yy) = np.cov(gains, gaps) / n
    a, b, c = y**2 - t**2 * yy, x * y - t**2 * xy, x**2 - t**2 * xx
    if a <= 0:
        return None
    root = np.sqrt(b**2 - a * c)
    return (b - root) / a, (b + root) / a


@pytest.mark.parametrize("seeds", [3, 5, 20])
@pytest.mark.parametrize("gap", [0.3, 0.1, -0.2])
def test_over_seeds_alone_it_is_fiellers(seeds: int, gap: float) -> None:
    rng = np.random.default_rng(seeds)
    gaps = rng.normal(gap, 0.03, seeds)
    gains = 0.7 * gaps + rng.normal(0, 0.02, seeds)
    found = gap_closed(gains, gaps, None)
    assert found is not None
    assert found.value == pytest.approx(gains.mean() / gaps.mean())
    assert np.mean(found.per_seed) == pytest.approx(found.value)
    expected = fieller(gains, gaps)
    assert (found.ci is None) == (expected is None) == ((seeds, gap) == (3, 0.1))
    if found.ci is None or expected is None:
        return
    assert found.ci == pytest.approx(expected, abs=1e-4)
    assert found.ci90 is not None
    assert found.ci[0] < found.ci90[0] < found.value < found.ci90[1] < found.ci[1]


@pytest.mark.parametrize("looks", [None, Looks((5, 12), 0)])
def test_where_items_cannot_tell_it_is_of_seeds_alone(looks: Looks | None) -> None:
    """What more than one cluster in twenty is needed for has no error by items, and no look may take it for one."""
    rng = np.random.default_rng(1)
    gaps = rng.normal(0.3, 0.03, 5)
    gains = 0.7 * gaps + rng.normal(0, 0.02, 5)
    ways = (rng.normal(0, 0.01, (30, 5)),)
    torn = Influence(ways, np.full(5, 30), np.full(5, 0.3))
    found, alone = gap_closed(gains, gaps, (torn, torn), looks), gap_closed(gains, gaps, None, looks)
    assert found == alone
    assert found is not None
    assert (found.p is None) == (looks is not None)
    assert found.claim > 0.95 if looks else found.claim == 0.95


def test_without_a_gap_there_is_no_interval() -> None:
    rng = np.random.default_rng(0)
    gaps, gains = rng.normal(0.005, 0.05, 6), rng.normal(0.1, 0.01, 6)
    found = gap_closed(gains, gaps, None)
    assert found is not None
    assert fieller(gains, gaps) is None
    assert found.ci is None
    assert gap_closed(gains, np.zeros(6), None) is None


def test_a_gap_that_is_hardly_there_gives_a_very_wide_interval() -> None:
    noise = np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0])
    gains = 0.05 + 0.01 * noise[::-1]
    wide, narrow = (gap_closed(gains, 0.1 + size * noise, None) for size in (0.085, 0.005))
    assert wide is not None
    assert narrow is not None
    assert wide.ci is not None
    assert narrow.ci is not None
    assert wide.ci[1] - wide.ci[0] > 20 * (narrow.ci[1] - narrow.ci[0])


def test_what_never_varies_has_no_interval() -> None:
    found = gap_closed(np.full(4, 0.1), np.full(4, 0.2), None)
    assert found is not None
    assert (found.value, found.ci, found.ci90) == (0.5, None, None)


def test_items_that_the_arms_share_cancel() -> None:
    """Gain and gap that rise and fall together on the same clusters leave their ratio as it is."""
    rng = np.random.default_rng(1)
    pull = rng.normal(0, 0.007, (50, 1)) + np.zeros((50, 5))
    pull = pull - pull.mean()
    gaps = 0.3 + rng.normal(0, 0.001, 5)

    def influence(by: float) -> Influence:
        return Influence((by * pull,), np.full(5, 50), np.zeros(5))

    together, apart = (influence(0.5), influence(1.0)), (influence(1.0), influence(-1.0))
    same, other = (gap_closed(0.5 * gaps + 1e-5 * rng.normal(0, 1, 5), gaps, of) for of in (together, apart))
    assert same is not None
    assert other is not None
    assert same.ci is not None
    assert other.ci is not None
    assert same.ci[1] - same.ci[0] < 0.01
    assert other.ci[1] - other.ci[0] > 0.3
    assert same.item_spread < 0.01 < other.item_spread


def runs(rights: np.ndarray, arm: str, seeded: bool = True) -> list[Run]:
    """[seeds, clusters] of how many of each cluster's items are right."""
    found = []
    for seed, counts in enumerate(rights):
        made = [
            Outcome.model_construct(item=f"{c}-{n}", correct=bool(n < count), split="s", cluster=f"c{c}")
            for c, count in enumerate(counts)
            for n in range(ITEMS)
        ]
        found.append(Run(arm, seed, seeded, {"p.accuracy": float(rights[seed].mean()) / ITEMS}, {"p": made}))
    return found


def test_evidence_pairs_the_seeds_that_all_three_arms_have() -> None:
    rng = np.random.default_rng(3)
    base, arm, target = (rng.binomial(ITEMS, rate, (seeds, 30)) for rate, seeds in ((0.3, 1), (0.6, 4), (0.7, 5)))
    evidence = Evidence([*runs(base, "base", False), *runs(arm, "a"), *runs(target, "t")], METRICS)
    found = evidence.closed("a", "base", "t", "p.accuracy")
    assert found is not None
    assert found.n_seeds == 4
    levels = [base.mean() / ITEMS, arm.mean() / ITEMS, target[:4].mean() / ITEMS]
    assert found.value == pytest.approx((levels[1] - levels[0]) / (levels[2] - levels[0]))
    assert found.ci is not None
    assert found.ci[0] < found.value < found.ci[1]
    assert evidence.closed("a", "base", "missing", "p.accuracy") is None
    itself = evidence.closed("t", "base", "t", "p.accuracy")
    assert itself is not None
    assert itself.value == pytest.approx(1.0)
    turned = Evidence([*runs(arm, "a"), *runs(target, "t"), *runs(base, "base", False)], METRICS)
    assert turned.closed("a", "base", "t", "p.accuracy") == found


@pytest.mark.slow
@pytest.mark.parametrize(("target", "seeds"), [(0.9, 10), (-0.2, 10), (0.9, 4)])
def test_of_ninety_five_intervals_in_a_hundred_hold_the_true_ratio(target: float, seeds: int) -> None:
    """Arms that share their items. Where there is no interval, no ratio was excluded, not even the true one."""
    rng = np.random.default_rng(seeds)
    world = World((-0.8, 0.2), 0.15, 0.8, 0.3)
    wide = World((target, -0.8), 0.15, 0.8, 0.3)
    true = -world.truth() / wide.truth()
    hits, trials = 0, 250
    for _ in range(trials):
        shared = rng.normal(0, 0.8, 40)
        arms = []
        for mean in (-0.8, 0.2, target):
            logits = rng.normal(mean, 0.15, (seeds, 1)) + rng.normal(0, 0.3, (seeds, 40)) + shared
            arms.append(rng.binomial(ITEMS, 1 / (1 + np.exp(-logits))))
        named = [run for counts, arm in zip(arms, ("base", "a", "t"), strict=True) for run in runs(counts, arm)]
        found = Evidence(named, METRICS).closed("a", "base", "t", "p.accuracy")
        hits += found is not None and (found.ci is None or found.ci[0] <= true <= found.ci[1])
    assert 0.92 <= hits / trials <= 0.99
