"""Whether a figure moved between two moments, pooled over strata (runs), each of which is compared with itself.

What is asked is whether it moved in these very runs, not in runs of other seeds: the units are examples or steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri, stdtrit

Stratum = tuple[Sequence[float], Sequence[float]]
"""Values before and after."""
SHOWN = float(ndtri(0.975))
"""The size that a standard normal exceeds in either direction once in twenty."""


def paired_shift(strata: Sequence[Stratum]) -> tuple[float, tuple[float, float]]:
    """The mean change of the same units (after minus before), each stratum counting alike, with its 95 % interval.

    The variances of the strata's means add up; degrees of freedom are Satterthwaite's (1946, Biometrics Bulletin 2).

    Args:
        strata: Each with two or more units, in the same order before and after; at least one.
    """
    changes = [np.subtract(after, before) for before, after in strata]
    mean = float(np.mean([change.mean() for change in changes]))
    parts = [float(change.var(ddof=1)) / len(change) / len(changes) ** 2 for change in changes]
    total = sum(parts)
    if total == 0:
        return mean, (mean, mean)
    free = total**2 / sum(part**2 / (len(change) - 1) for part, change in zip(parts, changes, strict=True))
    half = float(stdtrit(free, 0.975)) * math.sqrt(total)
    return mean, (mean - half, mean + half)


def rank_shift(strata: Sequence[Stratum]) -> float:
    """A standard normal deviate: above zero where units after tend to be higher than units before.

    Wilcoxon's rank sum test of independent units, its statistics and variances added up over strata. Ranks, since the
    losses of batches have tails so long that the mean of a few of them is the luck of one.
    """
    signs = sum(float(np.sign(np.subtract.outer(after, before)).sum()) for before, after in strata)
    variance = sum(len(a) * len(b) * (len(a) + len(b) + 1) / 3 for a, b in strata)
    return signs / math.sqrt(variance)
