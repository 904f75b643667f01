"""What a design can find: the smallest difference that so many seeds and items show four times in five."""

from __future__ import annotations

import math

from scipy.special import nctdtr, nctdtrinc, ndtri, stdtrit

POWER = 0.8
_STEP = 1e-4


def detectable(seeds: int, seed_sd: float, item_sd: float = 0.0, power: float = POWER, level: float = 0.95) -> float:
    """Smallest true mean difference that a paired t test over seeds finds with this power (noncentral t).

    Args:
        seeds: How many; at least 2.
        seed_sd: Standard deviation of the paired difference over seeds.
        item_sd: Standard deviation that the choice of items gives the mean difference, the same for all seeds.
        power: How often the difference is to be found.
        level: Of the interval that must exclude zero.

    Raises:
        ValueError: Fewer than two seeds: nothing can be found.
    """
    if seeds < 2:
        raise ValueError("a difference over seeds needs two of them")
    bound = float(stdtrit(seeds - 1, (1 + level) / 2))
    shift = float(nctdtrinc(seeds - 1, 1 - power, bound))  # to eight places; one step of Newton's method adds the rest
    slope = (nctdtr(seeds - 1, shift + _STEP, bound) - nctdtr(seeds - 1, shift - _STEP, bound)) / (2 * _STEP)
    shift -= float((nctdtr(seeds - 1, shift, bound) - (1 - power)) / slope)
    over_seeds = shift * seed_sd / math.sqrt(seeds)
    over_items = float(ndtri((1 + level) / 2) + ndtri(power)) * item_sd
    return math.hypot(over_seeds, over_items)
