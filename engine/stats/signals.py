"""Yes/no questions as signal detection: how well truth is told apart, whatever the leaning towards "yes"."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri


def d_prime(hits: int, yes: int, false_alarms: int, no: int) -> float | None:
    """d': distance of the means of "yes" and "no" items in standard deviations.

    With the log-linear correction (Hautus 1995): half a hit and half a miss are added, so that it stays finite.

    Args:
        hits: "yes" said where it is right; `yes`: where it is right.
        false_alarms: "yes" said where it is wrong; `no`: where it is wrong.

    Returns:
        None where either kind of item is missing.
    """
    if not yes or not no:
        return None
    return float(ndtri((hits + 0.5) / (yes + 1)) - ndtri((false_alarms + 0.5) / (no + 1)))


def auc(scores: Sequence[float], truth: Sequence[bool]) -> float | None:
    """Area under the ROC curve: how often a true item scores above a false one, ties counting half (Mann-Whitney).

    Returns:
        None where either kind of item is missing.
    """
    values, right = np.asarray(scores, dtype=float), np.asarray(truth, dtype=bool)
    high, low = values[right], np.sort(values[~right])
    if not len(high) or not len(low):
        return None
    beaten = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")  # twice the false items below
    return float(beaten.mean() / (2 * len(low)))
