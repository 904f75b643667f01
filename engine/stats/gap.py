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

from engine.stats.estimate import NOTHING, Bounds, Estimate, interval
from engine.stats.inference import paired
from engine.stats.resampling import bootstrap

_DOUBLINGS, _LOOKS, _CLOSE = 60, 40, 1e-6


def gap_closed(
    gains: np.ndarray, gaps: np.ndarray, draws: tuple[bootstrap.Draws, bootstrap.Draws] | None
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
        spread = bootstrap.item_spread(rest.replicates) / abs(gap)
        spread = spread if np.isfinite(spread) else 0.0
    ci, ci90 = (_interval(gains, gaps, draws, ratio, level) for level in (0.95, 0.90))
    return Estimate(ratio, ci, ci90, tuple(float(v) for v in values), paired.sign_flip(gains.tolist()), spread)


def _interval(
    gains: np.ndarray,
    gaps: np.ndarray,
    draws: tuple[bootstrap.Draws, bootstrap.Draws] | None,
    ratio: float,
    level: float,
) -> Bounds | None:
    def bounds(of: float) -> Bounds | None:
        """Of the mean of gain - `of` * gap."""
        return interval(gains - of * gaps, None if draws is None else _less(*draws, of), level)[0]

    gap, _ = interval(gaps, None if draws is None else draws[1], level)
    here = bounds(ratio)
    if gap is None or here is None or gap[0] <= 0 <= gap[1] or here[1] - here[0] < NOTHING:
        return None
    width = here[1] - here[0]
    step, close = width / abs(float(gaps.mean())), _CLOSE * width

    def beyond(of: float) -> float:
        """How far the mean's interval lies from 0; negative where 0 is in it, so that the ratio is not excluded."""
        found = bounds(of)
        return -np.inf if found is None else max(found[0], -found[1])

    low, high = (_edge(ratio, way * step, beyond, close) for way in (-1, 1))
    return None if low is None or high is None else (low, high)


def _edge(inside: float, step: float, beyond: Callable[[float], float], close: float) -> float | None:
    """Where ratios begin that are excluded, going from one that is not; None where none is found.

    By false position (the Illinois method): the bounds are nearly linear in the ratio, so a few looks are enough.
    """
    below, outside = beyond(inside), inside + step
    for _ in range(_DOUBLINGS):
        above = beyond(outside)
        if above > 0:
            break
        inside, below, step = outside, above, 2 * step
        outside = inside + step
    else:
        return None
    last = 0
    for _ in range(_LOOKS):
        middle = (inside * above - outside * below) / (above - below)
        found = beyond(middle)
        if abs(found) < close:
            return middle
        if found > 0:
            outside, above, below, last = middle, found, below / 2 if last > 0 else below, 1
        else:
            inside, below, above, last = middle, found, above / 2 if last < 0 else above, -1
    return outside


def _less(a: bootstrap.Draws, b: bootstrap.Draws, ratio: float) -> bootstrap.Draws:
    return bootstrap.Draws(
        a.replicates - ratio * b.replicates, a.influence - ratio * b.influence, np.minimum(a.read, b.read)
    )
