"""How large a difference is, in units that do not depend on the number of seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

_EQUAL = 1e-9
"""Figures that differ by less are equal: sums that were added in another order."""


def cohens_h(a: float, b: float) -> float:
    """Difference of two shares (0..1) on the arcsine scale (Cohen 1988, section 6.2): 0.2 is small, 0.8 large.

    A step from 1 % to 6 % and one from 45 % to 50 % are five points both; h tells them apart.
    """
    return 2 * math.asin(math.sqrt(a)) - 2 * math.asin(math.sqrt(b))


def paired_d(differences: Sequence[float]) -> float | None:
    """Cohen's d_z: the mean of paired differences in units of their standard deviation over seeds.

    Returns:
        None with fewer than three differences, whose standard deviation says nothing, or where they are all alike.
    """
    values = np.asarray(differences, dtype=float)
    if len(values) < 3 or np.ptp(values) < _EQUAL:
        return None
    return float(values.mean() / values.std(ddof=1))


def cliffs_delta(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Share of pairs of runs in which that of a is higher minus the share in which it is lower (Cliff 1993): -1..1.

    Returns:
        None where either is empty.
    """
    if not len(a) or not len(b):
        return None
    apart = np.asarray(a, dtype=float)[:, None] - np.asarray(b, dtype=float)[None, :]
    return float(np.sign(np.where(np.abs(apart) > _EQUAL, apart, 0.0)).mean())
