"""The interval of a sequential design that has ended at a look by its own boundary.

Ends are ordered by the mean that they give (Emerson & Fleming 1990, Biometrika 77): the lower bound is the difference
under which an end with a mean at least as high would come 2.5 times in 100, the upper one that under which it would
97.5 times. All looks of the plan count, those to come as well. Where the design spends the same error, the interval
excludes 0 just where the look's boundary is crossed. (Ordering by stages instead needs no looks to come; but where a
figure is much clearer than its look required, that interval may not even hold the figure.)

All is told on the normal scale: z of the figure at its look, and for each bound how many standard errors away from the
figure it lies. Student's quantile of the same error is taken in place of the normal one by whoever asks.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri

from engine.stats.inference.spending import boundaries

_POINTS, _DRIFTS, _FARTHEST = 61, 41, 8.0
_HEIGHTS = np.linspace(0.0, 12.0, 241)
_CERTAIN = 1e-15


def side_errors(
    shares: tuple[float, ...], at: int, z: float, alpha: float = 0.05, spent: float = 0.05
) -> tuple[float, float]:
    """The one-sided errors at which the lower and the upper bound of the interval are to be taken.

    Args:
        shares: The share of the most information that each look has, rising to 1.
        at: The look at which the design ended, from 0.
        z: The figure there in standard errors.
        alpha: The error of the interval, both sides together.
        spent: The error that the design's boundaries spend.
    """
    towards, beyond = _distances(shares, at, alpha, spent)
    inner, outer = (float(ndtr(-np.interp(abs(z), _HEIGHTS, each))) for each in (towards, beyond))
    return (inner, outer) if z >= 0 else (outer, inner)


@lru_cache(maxsize=128)
def _distances(shares: tuple[float, ...], at: int, alpha: float, spent: float) -> tuple[np.ndarray, np.ndarray]:
    """How many standard errors below and above a figure the bounds lie, for each of `_HEIGHTS`."""
    scale = np.sqrt(shares[at])
    means = _HEIGHTS / scale
    drifts = np.linspace(means[0] - _FARTHEST, means[-1] + _FARTHEST, _DRIFTS)
    higher = np.array([_higher(shares, spent, means, drift) for drift in drifts])  # [drifts, heights], rising
    z = ndtri(np.clip(higher, _CERTAIN, 1 - _CERTAIN))  # nearly straight in the drift, so that few of them are enough
    low, high = (
        np.array([np.interp(ndtri(error), z[:, n], drifts) for n in range(len(_HEIGHTS))])
        for error in (alpha / 2, 1 - alpha / 2)
    )
    return _HEIGHTS - low * scale, high * scale - _HEIGHTS


def _higher(shares: tuple[float, ...], spent: float, means: np.ndarray, drift: float) -> np.ndarray:
    """How likely the design ends with a mean at least as high as each of these, all above 0, under a drift: [means]."""
    before, found = 0.0, np.zeros(len(means))
    points, mass = np.zeros(1), np.ones(1)  # of the sum so far, where no boundary was crossed
    for share, height in zip(shares, boundaries(shares, spent), strict=True):
        step, edge = np.sqrt(share - before), height * np.sqrt(share)
        centre = points + drift * (share - before)
        least = means * share if share == 1 else np.maximum(means * share, edge)
        found += ndtr((centre - least[:, None]) / step) @ mass
        steps = np.linspace(-edge, edge, _POINTS + 1)
        points, mass = (steps[:-1] + steps[1:]) / 2, np.diff(ndtr((steps[:, None] - centre) / step) @ mass)
        before = share
    return found
