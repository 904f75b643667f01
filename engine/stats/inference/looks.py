"""A design with several looks: how wide the intervals of each look are, what p is worth there, how long it may take.

A trial is looked at after so many seeds, and goes on until its question is settled or the most seeds are run. Each
look has an interval of its own; they are so wide that they all hold the truth 95 times in 100 (the repeated intervals
of Jennison & Turnbull 1989, Journal of the Royal Statistical Society B 51). So one may stop at any look, for whatever
reason.

How much of the error a look spends follows its share of the information, one over the variance (Mehta & Tsiatis 2001,
Drug Information Journal 35). More seeds lessen what the luck of seeds brings about, and nothing of what the choice of
items does, which every look shares: a figure whose error is mostly of items is known nearly as well at the first look
as at the last. Both parts are estimated at the look. The seeds' part is taken at the upper bound of its one-sided 90 %
interval, so that few seeds which happen to agree are not taken for knowledge; with its estimate in place of the bound
wrong claims were made up to 5.1 times in 100.

Where a figure ends the design, its interval is the one for such an end (`ended`).

Student's distribution of that many seeds is read at the error that the boundaries leave a look (the significance-level
approach: Jennison & Turnbull 2000, Group Sequential Methods, chapters 3.8 and 4.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import chdtri, ndtri, stdtrit

from engine.stats.inference import spending
from engine.stats.inference.ended import side_errors

_ALPHAS = np.sort(
    [*np.geomspace(1e-9, 0.5, 28), 0.05, 0.1, 0.7, 0.9, 0.999]
)  # .05 itself, so that p and interval agree
_SPENT = 0.84
"""Which part of the error is spent where all of it is seeds': at the same normal boundaries Student's t of few seeds
crosses up to 1.19 times as often as is spent (simulated: nine looks from 4 to 12 seeds whose luck is of two kinds)."""
_SURE, _STEPS, _MOST_ITEMS = 0.10, 10, 0.9
"""The error of the bound of the seeds' spread; the share of items is in tenths, rounded down, and at most this."""
_DRAWS, _SEED = 2000, 20_260_301


class Levels(NamedTuple):
    """How often intervals hold the truth.

    Attributes:
        claim: Of the interval by which a difference is shown: both sides together may err 5 times in 100.
        absence: Of the narrower one by which a difference is shown to be too small to matter: each side may.
    """

    claim: float = 0.95
    absence: float = 0.90


FIXED = Levels()
"""Of a design that is looked at once."""


@dataclass(frozen=True)
class Looks:
    """A design with several looks, at one of them.

    Attributes:
        seeds: After how many seeds each look is taken, rising; the last are the most.
        at: Which look it is, from 0.
        items: How much of a figure's variance at the last look the choice of items brings about (0..1, below 1).
    """

    seeds: tuple[int, ...]
    at: int
    items: float = 0.0

    def of(self, values: np.ndarray, item_sd: float) -> Looks | None:
        """The looks at a figure, by what seeds and items bring about in it.

        Args:
            values: Of each seed: [seeds].
            item_sd: Standard deviation that the choice of items gives their mean.

        Returns:
            None with one value, such as that of two arms which no seed changes: nothing is asked anew.
        """
        if len(values) < 2:
            return None
        spread = np.std(values, ddof=1, keepdims=True)
        return replace(self, items=float(item_share(spread, item_sd, len(values), self.seeds[-1])[0]))

    @property
    def levels(self) -> Levels:
        """Of this look's intervals."""
        return Levels(*(1 - spending.nominal(self.shares, self.at, self._spent * alpha) for alpha in (0.05, 0.10)))

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of the most information that each look has."""
        return tuple(1 / (self.items + (1 - self.items) * (self.seeds[-1] / seeds)) for seeds in self.seeds)

    @property
    def _spent(self) -> float:
        """Which part of the error is spent: what items bring about needs no allowance for few seeds."""
        return _SPENT + (1 - _SPENT) * self.items

    @property
    def last(self) -> bool:
        """Whether no look comes after it."""
        return self.at + 1 == len(self.seeds)

    def side_errors(self, nominal: float, value: float) -> tuple[float, float]:
        """The one-sided errors of the lower and the upper bound of an interval, where the design ended at this look.

        Never less than the look's own: its interval holds in any case, and a wider one would say less than is known.

        Args:
            nominal: The p of a test of the figure that is done once, both sides.
            value: The figure, whose sign counts.
        """
        z = -float(ndtri(max(nominal, 1e-300) / 2))
        least = (1 - self.levels.claim) / 2
        low, high = side_errors(self.shares, self.at, float(np.copysign(z, value)), 0.05, self._spent * 0.05)
        return max(low, least), max(high, least)

    def p(self, nominal: float) -> float:
        """What a look's own p is worth in this design: the smallest error at which the look would claim a difference.

        Args:
            nominal: The p of a test that is done once, both sides.
        """
        table = _table(self.shares, self.at, self._spent)
        return float(min(1.0, np.exp(np.interp(np.log(max(nominal, 1e-300)), np.log(table), np.log(_ALPHAS)))))


def item_share(seed_sd: np.ndarray, item_sd: np.ndarray | float, seeds: int, most: int) -> np.ndarray:
    """How much of a figure's variance after the most seeds the choice of items brings about, at least: in tenths.

    Args:
        seed_sd: Standard deviations over the seeds so far, each of another trial: [trials].
        item_sd: Standard deviation that the choice of items gives the mean: of each, or of all.
        seeds: How many there are so far, two or more.
        most: How many there may be.
    """
    bound = seed_sd**2 * (seeds - 1) / chdtri(seeds - 1, 1 - _SURE)  # of the seeds' variance
    items = np.broadcast_to(np.square(item_sd), bound.shape)
    share = np.divide(items, items + bound / most, out=np.zeros(bound.shape), where=items > 0)
    return np.minimum(np.floor(share * _STEPS) / _STEPS, _MOST_ITEMS)


@lru_cache(maxsize=128)
def _table(shares: tuple[float, ...], at: int, part: float) -> np.ndarray:
    """The error that each of `_ALPHAS` leaves a look: rising."""
    return np.array([max(spending.nominal(shares, at, part * float(alpha)), 1e-300) for alpha in _ALPHAS])


class Forecast(NamedTuple):
    """What a trial that goes on may come to.

    Attributes:
        more: How many more seeds it takes: the tenth and the ninetieth percentile of trials that go on as this one
            began. The most seeds count where none of them settles it.
        stays_open: The share of those trials in which not even the most seeds settle it.
    """

    more: tuple[int, int]
    stays_open: float


def forecast(
    values: Sequence[float], item_sd: float, looks: Looks, margin: float, expected: str = "equal"
) -> Forecast | None:
    """How many more seeds a figure takes to be settled, and whether it will be.

    True mean and spread are drawn from what the seeds so far leave open, and so are the seeds to come (the predictive
    distribution of a normal mean and variance without prior knowledge). Settled is what is shown to differ from 0, to
    lie within the margin, or, at the last look, not to reach it in the direction that was expected.

    Args:
        values: Paired differences of the seeds so far.
        item_sd: Standard deviation that the choice of items gives the mean.
        margin: In the figure's unit.
        expected: Which direction was: "greater", "less", or "equal" for none.

    Returns:
        None with fewer than three seeds, or at the last look.
    """
    begun, most = len(values), looks.seeds[-1]
    if begun < 3 or looks.last:
        return None
    rng = np.random.default_rng(_SEED)
    begun_with = np.asarray(values, dtype=float)
    known = looks.of(begun_with, item_sd)
    assert known is not None, "there are three values or more"
    spread = np.std(begun_with, ddof=1) * np.sqrt((begun - 1) / rng.chisquare(begun - 1, _DRAWS))
    true = rng.normal(begun_with.mean(), spread / np.sqrt(begun))
    coming = rng.normal(true[:, None], spread[:, None], (_DRAWS, most - begun))
    seeds = np.concatenate([np.tile(begun_with, (_DRAWS, 1)), coming], axis=1)
    more, stays_open = np.full(_DRAWS, most - begun), np.ones(_DRAWS, dtype=bool)
    for at in reversed(range(looks.at + 1, len(looks.seeds))):
        so_far = seeds[:, : looks.seeds[at]]
        mean, error = so_far.mean(axis=1), so_far.std(axis=1, ddof=1) / np.sqrt(looks.seeds[at])
        claim, absence = (
            np.hypot(stdtrit(looks.seeds[at] - 1, (1 + level) / 2) * error, ndtri((1 + level) / 2) * item_sd)
            for level in replace(known, at=at).levels
        )
        either = np.abs(mean)
        toward = either if at + 1 < len(looks.seeds) else {"greater": mean, "less": -mean}.get(expected, either)
        settled = (np.abs(mean) > claim) | (toward + absence < margin)
        more[settled], stays_open[settled] = looks.seeds[at] - begun, False
    low, high = np.quantile(more, [0.1, 0.9], method="closest_observation")
    return Forecast((int(low), int(high)), float(stays_open.mean()))
