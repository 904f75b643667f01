"""A design with several looks: how wide the intervals of each look are, what p is worth there, how long it may take.

A trial is looked at after so many seeds, and goes on until its question is settled or the most seeds are run. Each
look has an interval of its own; they are so wide that they all hold the truth 95 times in 100 (the repeated intervals
of Jennison & Turnbull 1989, Journal of the Royal Statistical Society B 51). So one may stop at any look, for whatever
reason. A look's share of the information is its share of the seeds. What items bring about is the same at every look,
so that early looks know more than their share: then less of the error is spent than could be.

Where a figure ends the design, its interval is the one for such an end (`ended`).

Student's distribution of that many seeds is read at the error that the boundaries leave a look (the significance-level
approach: Jennison & Turnbull 2000, Group Sequential Methods, chapters 3.8 and 4.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

from engine.stats.inference import spending
from engine.stats.inference.ended import side_errors

_ALPHAS = np.sort(
    [*np.geomspace(1e-9, 0.5, 28), 0.05, 0.1, 0.7, 0.9, 0.999]
)  # .05 itself, so that p and interval agree
_SPENT = 0.84
"""Which part of the error is spent: at the same normal boundaries Student's t of few seeds crosses up to 1.19 times as
often as is spent (simulated: nine looks from 4 to 12 seeds whose luck is of two kinds)."""
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
    """

    seeds: tuple[int, ...]
    at: int

    @property
    def levels(self) -> Levels:
        """Of this look's intervals."""
        return Levels(*(1 - spending.nominal(self.shares, _SPENT * alpha)[self.at] for alpha in (0.05, 0.10)))

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of the most information that each look has."""
        return tuple(seeds / self.seeds[-1] for seeds in self.seeds)

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
        low, high = side_errors(self.shares, self.at, float(np.copysign(z, value)), 0.05, _SPENT * 0.05)
        return max(low, least), max(high, least)

    def p(self, nominal: float) -> float:
        """What a look's own p is worth in this design: the smallest error at which the look would claim a difference.

        Args:
            nominal: The p of a test that is done once, both sides.
        """
        table = _table(self.shares, self.at)
        return float(min(1.0, np.exp(np.interp(np.log(max(nominal, 1e-300)), np.log(table), np.log(_ALPHAS)))))


@lru_cache(maxsize=32)
def _table(shares: tuple[float, ...], at: int) -> np.ndarray:
    """The error that each of `_ALPHAS` leaves a look: rising."""
    return np.array([max(spending.nominal(shares, _SPENT * float(alpha))[at], 1e-300) for alpha in _ALPHAS])


def forecast(values: Sequence[float], item_sd: float, looks: Looks, margin: float) -> tuple[int, int] | None:
    """How many more seeds a figure takes to be settled, in four trials of five that go on as this one began.

    True mean and spread are drawn from what the seeds so far leave open, and so are the seeds to come (the predictive
    distribution of a normal mean and variance without prior knowledge). Settled is what is shown to differ from 0, or
    to lie within the margin.

    Args:
        values: Paired differences of the seeds so far.
        item_sd: Standard deviation that the choice of items gives the mean.
        margin: In the figure's unit.

    Returns:
        From the tenth to the ninetieth percentile; the most seeds count where none of them settles it. None with fewer
        than three seeds, or at the last look.
    """
    begun, most = len(values), looks.seeds[-1]
    if begun < 3 or looks.last:
        return None
    rng = np.random.default_rng(_SEED)
    known = np.asarray(values, dtype=float)
    spread = np.std(known, ddof=1) * np.sqrt((begun - 1) / rng.chisquare(begun - 1, _DRAWS))
    true = rng.normal(known.mean(), spread / np.sqrt(begun))
    coming = rng.normal(true[:, None], spread[:, None], (_DRAWS, most - begun))
    seeds = np.concatenate([np.tile(known, (_DRAWS, 1)), coming], axis=1)
    more = np.full(_DRAWS, most - begun)
    for at in reversed(range(looks.at + 1, len(looks.seeds))):
        so_far = seeds[:, : looks.seeds[at]]
        mean, error = so_far.mean(axis=1), so_far.std(axis=1, ddof=1) / np.sqrt(looks.seeds[at])
        claim, absence = (
            np.hypot(stdtrit(looks.seeds[at] - 1, (1 + level) / 2) * error, ndtri((1 + level) / 2) * item_sd)
            for level in Looks(looks.seeds, at).levels
        )
        more[(np.abs(mean) > claim) | (np.abs(mean) + absence < margin)] = looks.seeds[at] - begun
    low, high = np.quantile(more, [0.1, 0.9], method="closest_observation")
    return int(low), int(high)
