"""The gap closed: how far a figure has come from a base towards a target, as a ratio with an interval.

The gap closed is (a - base) / (target - base), of means over seeds (Liu et al. 2024, arXiv:2401.08565, section 3). A
ratio's own spread is a poor guide where the gap is small: a gap of about 0 makes it endless, of either sign. The
interval is therefore Fieller's (1954, Journal of the Royal Statistical Society B 16), with this lab's interval of seeds
and items in place of Student's t: it holds every ratio g for which the mean of (a - base) - g * (target - base), paired
by seed and on the same items, is not shown to differ from 0. It is wide where the gap is hardly larger than its error,
and there is none where the gap is not shown to differ from 0 at all, since no ratio can be excluded then.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.stats.estimate import NOTHING, Estimate, mean_interval
from engine.stats.inference import paired
from engine.stats.inference.looks import FIXED, Looks
from engine.stats.resampling.interval import Bounds, item_spread, usable
from engine.stats.resampling.jackknife import Influence

_DOUBLINGS, _LOOKS, _CLOSE = 60, 40, 1e-6


def gap_closed(
    gains: np.ndarray, gaps: np.ndarray, influence: tuple[Influence, Influence] | None, looks: Looks | None = None
) -> Estimate | None:
    """The ratio of the mean gain to the mean gap.

    Args:
        gains: a - base for each seed: [seeds].
        gaps: target - base for each seed: [seeds].
        influence: Of the same clusters on both, None where items do not say them.
        looks: The look of a design that has several; None: there is one.

    Returns:
        None where the mean gap is 0. `per_seed` are the seeds' pseudo-values, whose mean is the ratio and whose spread
        is its error (the delta method); `p` is of the mean gain being 0, None in a design with several looks. `ci` is
        None as said above.
    """
    gap = float(gaps.mean())
    if abs(gap) < NOTHING:
        return None
    ratio = float(gains.mean()) / gap
    values = ratio + (gains - ratio * gaps) / gap
    rest = None if influence is None else influence[0].minus(influence[1], ratio)
    spread, clusters = (item_spread(rest) / abs(gap), rest.clusters) if rest and usable(rest) else (0.0, 0)
    looks = looks.of(values, spread) if looks else None
    levels = looks.levels if looks else FIXED
    ci, ci90 = (_interval(gains, gaps, influence, ratio, level) for level in levels)
    p = None if looks else paired.sign_flip(gains.tolist())
    return Estimate(ratio, ci, ci90, tuple(float(v) for v in values), p, spread, levels.claim, clusters)


def _interval(
    gains: np.ndarray,
    gaps: np.ndarray,
    influence: tuple[Influence, Influence] | None,
    ratio: float,
    level: float,
) -> Bounds | None:
    def bounds(of: float) -> Bounds | None:
        """Of the mean of gain - `of` * gap."""
        rest = None if influence is None else influence[0].minus(influence[1], of)
        return mean_interval(gains - of * gaps, rest, level)

    gap = mean_interval(gaps, None if influence is None else influence[1], level)
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
