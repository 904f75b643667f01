"""The gap closed: how far a figure has come from a base towards a target, as a ratio with an interval.

The gap closed is (a - base) / (target - base), of means over seeds (Liu et al. 2024, arXiv:2401.08565, section 3). A
bootstrap of the ratio itself is wrong where the gap is small: draws in which it is about 0 make the ratio endless, of
either sign. The interval is therefore Fieller's (1954, Journal of the Royal Statistical Society B 16), drawn from this
lab's two-level bootstrap in place of Student's t: it holds every ratio g for which the mean of (a - base) - g * (target
- base), paired by seed and drawn on the same items, is not shown to differ from 0. It is wide where the gap is hardly
larger than its error, and there is none where the gap is not shown to differ from 0 at all, since no ratio can be
excluded then.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.stats import paired, resample
from engine.stats.estimate import NOTHING, Bounds, Estimate, interval

_DOUBLINGS, _HALVINGS, _CLOSE = 60, 60, 1e-6


def gap_closed(
    gains: np.ndarray, gaps: np.ndarray, draws: tuple[resample.Draws, resample.Draws] | None
) -> Estimate | None:
    """The ratio of the mean gain to the mean gap.

    Args:
        gains: a - base for each seed: [seeds].
        gaps: target - base for each seed: [seeds].
        draws: Both under the same draws of clusters, None where items do not say them.

    Returns:
        None where the mean gap is 0. `per_seed` are the seeds' pseudo-values, whose mean is the ratio and whose spread
        is its error (the delta method); `p` is of the mean gain being 0. `ci` is None as said above.
    """
    gap = float(gaps.mean())
    if abs(gap) < NOTHING:
        return None
    ratio = float(gains.mean()) / gap
    values = ratio + (gains - ratio * gaps) / gap
    spread = 0.0
    if draws is not None:
        rest = _less(draws[0], draws[1], ratio)
        spread = resample.item_spread(rest.replicates) / abs(gap)
        spread = spread if np.isfinite(spread) else 0.0
    ci, ci90 = (_interval(gains, gaps, draws, ratio, level) for level in (0.95, 0.90))
    return Estimate(ratio, ci, ci90, tuple(float(v) for v in values), paired.sign_flip(gains.tolist()), spread)


def _interval(
    gains: np.ndarray, gaps: np.ndarray, draws: tuple[resample.Draws, resample.Draws] | None, ratio: float, level: float
) -> Bounds | None:
    def bounds(of: float) -> Bounds | None:
        """Of the mean of gain - `of` * gap."""
        return interval(gains - of * gaps, None if draws is None else _less(*draws, of), level)[0]

    gap, _ = interval(gaps, None if draws is None else draws[1], level)
    here = bounds(ratio)
    if gap is None or here is None or gap[0] <= 0 <= gap[1] or here[1] - here[0] < NOTHING:
        return None
    step = (here[1] - here[0]) / abs(float(gaps.mean()))

    def holds(of: float) -> bool:
        found = bounds(of)
        return found is None or found[0] <= 0 <= found[1]

    low, high = (_edge(ratio, way * step, holds) for way in (-1, 1))
    return None if low is None or high is None else (low, high)


def _edge(inside: float, step: float, holds: Callable[[float], bool]) -> float | None:
    """Where ratios begin that are excluded, going from one that is not; None where none is found."""
    outside = inside + step
    for _ in range(_DOUBLINGS):
        if not holds(outside):
            break
        inside, step = outside, 2 * step
        outside = inside + step
    else:
        return None
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if holds(middle) else (inside, middle)
        if abs(outside - inside) < _CLOSE * max(1.0, abs(outside)):
            break
    return outside


def _less(a: resample.Draws, b: resample.Draws, ratio: float) -> resample.Draws:
    return resample.Draws(a.replicates - ratio * b.replicates, a.influence - ratio * b.influence)
