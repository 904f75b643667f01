"""Paired statistics over seeds, the unit of every claim.

These few lines stand in for scipy's and statsmodels' (the tests pin them to both), whose import takes a second in
which the window could not draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.special import stdtrit

EXACT = 12  # seeds up to which all 2^n sign patterns are tried
_PATTERNS = 10_000
_SEED = 20_260_102


def t_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float] | None:
    """Student's interval of a mean over seeds; None with fewer than two."""
    if len(values) < 2:
        return None
    mean, half = float(np.mean(values)), reach(values, level)
    return mean - half, mean + half


def reach(values: Sequence[float] | np.ndarray, level: float = 0.95) -> float:
    """How far Student's interval of a mean over at least two seeds reaches to either side."""
    return float(stdtrit(len(values) - 1, (1 + level) / 2) * np.std(values, ddof=1) / np.sqrt(len(values)))


def sign_flip(differences: Sequence[float]) -> float | None:
    """Two-sided p that paired differences are centred at zero: their signs are flipped, the mean is compared.

    Exact up to 12 seeds, so never below 2^(1 - seeds); by 10,000 random patterns beyond.

    Returns:
        p in (0, 1], or None with fewer than two differences.
    """
    values = np.asarray(differences, dtype=float)
    seeds = len(values)
    if seeds < 2:
        return None
    if seeds <= EXACT:
        patterns = (np.arange(2**seeds)[:, None] >> np.arange(seeds)) & 1
        means = (1 - 2 * patterns) @ values
        return float(np.mean(_at_least(np.abs(means), abs(values.sum()))))
    extreme = int(_at_least(np.abs(_random_signs(seeds) @ values), abs(values.sum())).sum())
    return (extreme + 1) / (_PATTERNS + 1)


@lru_cache(maxsize=4)
def _random_signs(seeds: int) -> np.ndarray:
    """The same patterns for every figure of so many seeds: [patterns, seeds]."""
    signs = np.random.default_rng(_SEED).choice([-1.0, 1.0], (_PATTERNS, seeds))
    signs.setflags(write=False)  # shared by all callers
    return signs


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's adjusted p of each: the chance of any false finding among them stays below the level."""
    order = np.argsort(ps, kind="stable")
    found = [0.0] * len(ps)
    highest = 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, (len(ps) - rank) * float(ps[at])))
        found[int(at)] = highest
    return found


def _at_least(found: np.ndarray, bound: float) -> np.ndarray:
    """Comparison that counts equal sums as equal although they were added in another order."""
    return found >= bound - 1e-12 - 1e-9 * abs(bound)
