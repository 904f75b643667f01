"""Boundaries of a group-sequential test: how extreme a figure must be at each look, so that all looks share one error.

Of the error alpha so much may be spent by the time that a share t of the most information is there (Lan & DeMets 1983,
Biometrika 70): here 4 - 4 Phi(z / sqrt(t)) with the upper alpha / 4 quantile z, to both sides together, which is close
to O'Brien & Fleming 1979 (Biometrics 35). Hardly anything is spent on early looks, so the last one is nearly as sharp
as a test without looks. The boundary of a look follows from those before it by integrating over what has not crossed
them (Armitage, McPherson & Rowe 1969, Journal of the Royal Statistical Society A 132).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

_POINTS = 121  # of the density between two boundaries; an odd number, for Simpson's rule
_FARTHEST = 9.0  # standard deviations: nothing lies beyond


def spent(share: float, alpha: float = 0.05) -> float:
    """How much of the error, of both sides together, may be spent once so much of the information is there (0..1)."""
    if share <= 0:
        return 0.0
    return float(4 * ndtr(ndtri(alpha / 4) / np.sqrt(min(share, 1.0))))


@lru_cache(maxsize=256)
def boundaries(shares: tuple[float, ...], alpha: float = 0.05, looks: int | None = None) -> tuple[float, ...]:
    """How large the standardised figure must be at each look, to either side, for an effect to be claimed.

    Args:
        shares: The share of the most information that each look has, rising, the last one 1.
        alpha: The error of both sides over all looks.
        looks: Of so many looks, from the first; None: of all. Those to come change nothing of those before.

    Raises:
        ValueError: The shares do not rise from above 0 to 1.
    """
    if not shares or shares[0] <= 0 or shares[-1] != 1 or any(b <= a for a, b in pairwise(shares)):
        raise ValueError(f"shares of information must rise from above 0 to 1: {shares}")
    found: list[float] = []
    before, points, density = 0.0, np.zeros(1), np.ones(1)  # of the sum so far, where no boundary was crossed
    for share, more in [*zip(shares, _spending(shares, alpha), strict=True)][:looks]:
        step = np.sqrt(share - before)
        within = _Within(points, density, step)
        reach = min(_FARTHEST * np.sqrt(share), float(np.abs(points).max()) + _FARTHEST * step)
        edge = _edge(within, more, reach)
        found.append(float(edge / np.sqrt(share)))
        points, density = within.next(edge)
        before = share
    return tuple(found)


def nominal(shares: tuple[float, ...], at: int, alpha: float = 0.05) -> float:
    """The error of a look's test by itself, both sides: what an interval of that look must be taken at."""
    return float(2 * ndtr(-boundaries(shares, alpha, at + 1)[at]))


def _spending(shares: Sequence[float], alpha: float) -> list[float]:
    """How much each look may spend."""
    until = [spent(share, alpha) for share in shares]
    return [b - a for a, b in zip([0.0, *until], until, strict=False)]


def _edge(within: _Within, more: float, reach: float) -> float:
    """Beyond which so much of the density lies; the ends of 0 to `reach` where that cannot be told from them."""
    if within.beyond(reach) >= more:
        return reach
    if within.beyond(0.0) <= more:
        return 0.0
    return float(brentq(lambda at: within.beyond(at) - more, 0.0, reach, xtol=1e-10))  # type: ignore[arg-type]


class _Within:
    """The sum of normal increments after one more of them, of what had not crossed a boundary before."""

    def __init__(self, points: np.ndarray, density: np.ndarray, step: float) -> None:
        self.points, self.step = points, step
        self.weights = density * (_simpson(points) if len(points) > 1 else 1.0)

    def beyond(self, edge: float) -> float:
        """How likely the sum lies beyond the edge, to either side."""
        return float(self.weights @ (ndtr((-edge - self.points) / self.step) + ndtr((self.points - edge) / self.step)))

    def next(self, edge: float) -> tuple[np.ndarray, np.ndarray]:
        """Points between the edges, and the density there."""
        points = np.linspace(-edge, edge, _POINTS)
        away = (points[:, None] - self.points[None, :]) / self.step
        return points, (np.exp(-(away**2) / 2) / np.sqrt(2 * np.pi) / self.step) @ self.weights


def _simpson(points: np.ndarray) -> np.ndarray:
    weights = np.full(len(points), 2.0)
    weights[1::2] = 4.0
    weights[[0, -1]] = 1.0
    return weights * (points[1] - points[0]) / 3
