"""Designs with several looks: boundaries as published, errors and savings by simulation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import stdtrit

from engine.stats.evidence import Evidence, Run
from engine.stats.inference import power
from engine.stats.inference.looks import FIXED, Looks, forecast, item_share
from engine.stats.inference.spending import boundaries, nominal, spent
from engine.stats.metric import Metric
from engine.stats.statistics.mean import Mean

PUBLISHED = {
    2: (2.963, 1.969),
    3: (3.710, 2.511, 1.993),
    4: (4.333, 2.963, 2.359, 2.014),
    5: (4.877, 3.357, 2.680, 2.290, 2.031),
}
"""Two-sided 5 %, equally spaced looks, O'Brien-Fleming type spending (Lan & DeMets 1983; Proschan, Lan & Wittes 2006,
Statistical Monitoring of Clinical Trials; the program ld98 of Reboussin, DeMets, Kim & Lan 2000)."""
PLAN = tuple(range(4, 13))
CLUSTERS = 25  # of items, by which their part is estimated
METRICS = {"p.figure": Metric(name="figure", label="Figure", unit="difference", statistic=Mean(column="value"))}


def even(looks: int) -> tuple[float, ...]:
    return tuple((at + 1) / looks for at in range(looks))


@pytest.mark.parametrize("looks", PUBLISHED)
def test_boundaries_are_the_published_ones(looks: int) -> None:
    assert boundaries(even(looks)) == pytest.approx(PUBLISHED[looks], abs=1e-3)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.10])
def test_one_look_is_the_test_without_looks_and_all_is_spent_at_the_end(alpha: float) -> None:
    assert nominal((1.0,), 0, alpha) == pytest.approx(alpha, abs=1e-6)
    assert spent(1.0, alpha) == pytest.approx(alpha)
    assert spent(0.0, alpha) == 0.0
    shares = np.linspace(0, 1, 30)
    assert (np.diff([spent(share, alpha) for share in shares]) >= 0).all()


@pytest.mark.parametrize("shares", [(), (0.5,), (0.5, 0.4, 1.0), (0.0, 1.0), (0.5, 0.5, 1.0)])
def test_shares_that_do_not_rise_to_one_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="must rise"):
        boundaries(shares)


@pytest.mark.parametrize("alpha", [0.05, 0.10])
@pytest.mark.parametrize("shares", [even(3), even(10), tuple(n / 12 for n in PLAN)])
def test_paths_without_an_effect_cross_as_often_as_is_spent(shares: tuple[float, ...], alpha: float) -> None:
    rng, trials = np.random.default_rng(0), 200_000
    steps = np.sqrt(np.diff([0.0, *shares]))
    path = (rng.normal(0, 1, (trials, len(shares))) * steps).cumsum(axis=1) / np.sqrt(shares)
    crossed = (np.abs(path) >= boundaries(shares, alpha)).any(axis=1).mean()
    assert crossed == pytest.approx(alpha, abs=4 * np.sqrt(alpha / trials))


def test_intervals_get_narrower_look_by_look_and_the_last_is_nearly_that_of_one_look() -> None:
    levels = [Looks(PLAN, at).levels for at in range(len(PLAN))]
    assert all(a.claim > b.claim and a.absence > b.absence for a, b in pairwise(levels))
    assert FIXED.claim < levels[-1].claim < 0.97
    assert FIXED.absence < levels[-1].absence < 0.945
    assert Looks((7,), 0).levels.claim > FIXED.claim


@pytest.mark.parametrize("at", range(len(PLAN)))
def test_p_agrees_with_the_interval(at: int) -> None:
    looks = Looks(PLAN, at)
    edge = 1 - looks.levels.claim
    assert looks.p(edge) == pytest.approx(0.05, abs=1e-9)
    assert looks.p(edge / 2) < 0.05 < looks.p(edge * 2)
    ps = [looks.p(nominal) for nominal in np.geomspace(1e-12, 1, 60)]
    assert (np.diff(ps) >= 0).all()
    assert ps[-1] == pytest.approx(1.0, abs=0.01)


def evidence(values: np.ndarray, looks: Looks | None) -> Evidence:
    """Two arms whose figures differ by these values, and no items."""
    runs = [Run("a", seed, True, {"p.figure": value}) for seed, value in enumerate(values.tolist())]
    return Evidence([*runs, *(Run("b", seed, True, {"p.figure": 0.0}) for seed in range(len(values)))], METRICS, looks)


@pytest.mark.parametrize("at", [0, 2, 4])
def test_an_estimates_p_is_below_five_in_a_hundred_just_where_its_interval_excludes_zero(at: int) -> None:
    looks = Looks(PLAN, at)
    rng = np.random.default_rng(at)
    noise = rng.normal(0, 0.03, PLAN[at])
    reach = float(stdtrit(PLAN[at] - 1, (1 + looks.levels.claim) / 2) * noise.std(ddof=1) / np.sqrt(PLAN[at]))
    for by, clear in ((0.98, False), (1.02, True)):
        found = evidence(noise - noise.mean() + by * reach, looks).difference("a", "b", "p.figure")
        assert found is not None
        assert found.p is not None
        assert found.above == clear == (found.p < 0.05)


def test_a_forecast_is_short_for_a_clear_difference_and_long_for_one_at_the_margins_edge() -> None:
    rng = np.random.default_rng(0)
    looks = Looks(PLAN, 0)
    clear = forecast((rng.normal(0, 0.01, 4) + 0.2).tolist(), 0.0, looks, 0.03)
    unclear = forecast([0.07, -0.02, 0.05, 0.0], 0.0, looks, 0.03)
    assert clear == ((1, 1), 0.0)
    assert unclear is not None
    assert unclear.more[1] == PLAN[-1] - PLAN[0]
    assert 0.1 < unclear.stays_open < 0.8
    assert forecast([0.1, 0.2], 0.0, looks, 0.03) is None
    assert forecast([0.1] * 12, 0.0, Looks(PLAN, 8), 0.03) is None


def test_what_the_choice_of_items_leaves_open_is_not_forecast_to_be_settled_by_seeds() -> None:
    seeds, looks = [0.03, 0.13, 0.07, 0.03], Looks((4, 6, 8), 0)
    by_seeds, by_items = forecast(seeds, 0.0, looks, 0.03), forecast(seeds, 0.08, looks, 0.03)
    assert by_seeds is not None
    assert by_items is not None
    assert by_seeds.stays_open < 0.5
    assert by_items.stays_open > 0.9
    assert by_items.more == (4, 4), "the most seeds count where none settles it"


def test_a_direction_that_is_expected_is_forecast_to_be_settled_at_the_last_look() -> None:
    seeds, looks = [-0.06, 0.02, -0.03, -0.08, 0.03, -0.02], Looks((4, 6, 8), 1)
    either, upwards, downwards = (forecast(seeds, 0.0, looks, 0.03, way) for way in ("equal", "greater", "less"))
    turned = forecast([-value for value in seeds], 0.0, looks, 0.03, "less")
    assert either is not None
    assert upwards is not None
    assert downwards is not None
    assert turned is not None
    assert upwards.stays_open < either.stays_open - 0.2
    assert either.stays_open - 0.1 < downwards.stays_open <= either.stays_open
    assert upwards.more == downwards.more == (2, 2)
    assert turned.stays_open == pytest.approx(upwards.stays_open, abs=0.05)


def test_where_items_bring_about_most_of_the_error_an_early_look_is_nearly_as_sharp_as_the_last() -> None:
    seeds = np.array([0.01, -0.01, 0.02, 0.0])
    first = Looks(PLAN, 0)
    few, some, most = (first.of(seeds, item_sd) for item_sd in (0.0, 0.005, 1.0))
    assert few == first
    assert some is not None
    assert most is not None
    assert 0 < some.items < most.items == 0.9
    assert few.levels.claim > some.levels.claim > most.levels.claim > FIXED.claim
    assert most.shares[-1] == 1.0
    assert most.shares[0] == pytest.approx(1 / (0.9 + 0.1 * 12 / 4))
    assert first.of(seeds[:1], 1.0) is None


@dataclass(frozen=True)
class Look:
    """One look at many trials: the share of items, mean and standard error by seeds of each, and the error by items."""

    plan: tuple[int, ...]
    at: int
    shares: np.ndarray
    mean: np.ndarray
    error: np.ndarray
    by_items: np.ndarray

    @property
    def levels(self) -> np.ndarray:
        """[claim and absence, trials]."""
        known, which = np.unique(self.shares, return_inverse=True)
        return np.array([Looks(self.plan, self.at, share).levels for share in known.tolist()])[which].T

    def of(self, which: np.ndarray) -> Look:
        """The same look at some of the trials."""
        parts = {name: getattr(self, name)[which] for name in ("shares", "mean", "error", "by_items")}
        return replace(self, **parts)

    def reach(self, error: np.ndarray) -> np.ndarray:
        """How far an interval of a one-sided error reaches to one side."""
        seeds = stdtrit(self.plan[self.at] - 1, 1 - error) * self.error
        return np.hypot(seeds, stdtrit(CLUSTERS - 1, 1 - error) * self.by_items) if self.by_items.any() else seeds

    def ended(self) -> np.ndarray:
        """The interval of an end at this look: [trials, 2]."""
        low, high = np.full(len(self.mean), -60.0), np.zeros(len(self.mean))
        for _ in range(30):  # the error at which the interval ends at 0, both sides, by halving on the log scale
            middle = (low + high) / 2
            beyond = self.reach(np.exp(middle) / 2) > np.abs(self.mean)
            low, high = np.where(beyond, middle, low), np.where(beyond, high, middle)
        ps = np.exp(high)
        each = zip(self.shares.tolist(), ps.tolist(), self.mean.tolist(), strict=True)
        sides = np.array([Looks(self.plan, self.at, share).side_errors(p, mean) for share, p, mean in each])
        return self.mean[:, None] + [-1, 1] * np.stack([self.reach(error) for error in sides.T], axis=1)


@pytest.mark.slow
class TestByRepetition:
    """Whole trials of paired differences, with luck of seeds that is normal, skewed or of two kinds, and with items."""

    TRIALS, MARGIN, SD = 4000, 0.03, 0.03

    def luck(self, kind: str, rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
        """Of one arm, with mean 0 and standard deviation 1."""
        if kind == "normal":
            return rng.normal(0, 1, size)
        if kind == "skewed":
            return rng.exponential(1, size) - 1
        return 0.95 * (2 * (rng.random(size) < 0.5) - 1) + rng.normal(0, 0.3, size)

    def drawn(self, kind: str, items: float, size: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Paired differences around 0, [trials, seeds], and of each trial what items are estimated to give their mean.

        Args:
            items: What they bring about, in what seeds do after the last look.
        """
        rng = np.random.default_rng(seed)
        values = self.SD * (self.luck(kind, rng, size) - self.luck(kind, rng, size)) / np.sqrt(2)
        by_items = items * self.SD / np.sqrt(size[1])
        estimated = by_items * np.sqrt(rng.chisquare(CLUSTERS - 1, size[0]) / (CLUSTERS - 1))
        return values + rng.normal(0, by_items, (size[0], 1)), estimated

    def looked(self, values: np.ndarray, by_items: np.ndarray, plan: tuple[int, ...], at: int) -> Look:
        """What one look says of all trials."""
        n = plan[at]
        mean, spread = values[:, :n].mean(axis=1), values[:, :n].std(axis=1, ddof=1)
        return Look(plan, at, item_share(spread, by_items, n, plan[-1]), mean, spread / np.sqrt(n), by_items)

    def crossings(self, kind: str, items: float) -> tuple[float, float, float]:
        """How often a look claims an effect where there is none, and where it is the margin its absence; and how often
        the last one claims that it falls short of the margin in the direction expected."""
        values, by_items = self.drawn(kind, items, (60_000, PLAN[-1]), 3)
        effect, absent, short = np.zeros((3, len(values)), bool)
        for at in range(len(PLAN)):
            look = self.looked(values, by_items, PLAN, at)
            claim, absence = (look.reach((1 - level) / 2) for level in look.levels)
            effect |= np.abs(look.mean) > claim
            absent |= np.abs(look.mean + self.MARGIN) + absence < self.MARGIN
            short = look.mean + self.MARGIN + absence < self.MARGIN
        return float(effect.mean()), float(absent.mean()), float(short.mean())

    def run(
        self, kind: str, true: float, margin: float = MARGIN, plan: tuple[int, ...] = PLAN, items: float = 0.0
    ) -> tuple[float, float, float, float]:
        """How often an effect and its absence are claimed, how often the last interval covers, and the mean seeds."""
        values, by_items = self.drawn(kind, items, (self.TRIALS, plan[-1]), 7)
        values += true
        effect, absent, covers = np.zeros((3, self.TRIALS), bool)
        seeds = np.zeros(self.TRIALS, int)
        for at, n in enumerate(plan):
            look = self.looked(values, by_items, plan, at)
            mean, last = look.mean, at + 1 == len(plan)
            claim, absence = (look.reach((1 - level) / 2) for level in look.levels)
            found, nothing = np.abs(mean) > claim, np.abs(mean) + absence < margin
            stop = (seeds == 0) & (found | nothing | last)
            bounds = mean[:, None] + claim[:, None] * [-1, 1]
            if (ending := stop & (found | last)).any():
                ended = look.of(ending).ended()
                agree = ((ended[:, 0] > 0) | (ended[:, 1] < 0)) == found[ending]  # as estimates do
                bounds[ending] = np.where(agree[:, None], ended, bounds[ending])
            effect |= stop & found
            absent |= stop & nothing & ~found
            covers |= stop & (bounds[:, 0] <= true) & (true <= bounds[:, 1])
            seeds[stop] = n
        return float(effect.mean()), float(absent.mean()), float(covers.mean()), float(seeds.mean())

    @pytest.mark.parametrize("kind", ["normal", "skewed", "bimodal"])
    @pytest.mark.parametrize("items", [0.0, 0.3, 1.0, 4.0])
    def test_wrong_claims_are_made_at_most_once_in_twenty_trials(self, kind: str, items: float) -> None:
        assert max(self.crossings(kind, items)) <= 0.05

    @pytest.mark.parametrize("kind", ["normal", "skewed", "bimodal"])
    @pytest.mark.parametrize("true", [0.0, 0.02, 0.03, 0.05, 0.08, 0.15])
    def test_the_reported_interval_covers(self, kind: str, true: float) -> None:
        """Up to 98 % where a trial seldom ends by its own figure, whose look's interval is then wider."""
        assert 0.93 <= self.run(kind, true)[2] <= (0.98 if true < self.MARGIN else 0.97)

    @pytest.mark.parametrize("items", [0.5, 1.0, 3.0])
    @pytest.mark.parametrize("true", [0.0, 0.03, 0.08])
    def test_the_reported_interval_covers_where_items_have_a_part(self, true: float, items: float) -> None:
        """97.3 % in 20,000 trials where both have equal parts and the truth is the margin, 94.3 to 97 % elsewhere."""
        assert 0.93 <= self.run("normal", true, items=items)[2] <= 0.975

    @pytest.mark.parametrize(
        ("most", "times", "saved"), [(12, 1.0, 0.05), (12, 1.4, 0.2), (12, 1.8, 0.28), (20, 1.4, 0.25), (20, 1.8, 0.35)]
    )
    def test_how_many_seeds_it_saves(self, most: int, times: float, saved: float) -> None:
        """Against a fixed design of equal power, at differences that are found about 75, 96 and 99.6 times in 100."""
        true = times * power.detectable(most, self.SD)
        effect, _, _, seeds = self.run("normal", true, 0.0, tuple(range(4, most + 1)))
        sizes = np.arange(3, 40)
        found = [power.detectable(int(n), self.SD, power=effect) for n in sizes]
        fixed = float(np.interp(-true, -np.array(found), sizes))
        assert 1 - seeds / fixed >= saved
