"""Whether single runs lie apart from the others of their arm, or the runs fall into two groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FEWEST_FOR_ONE, FEWEST_FOR_GROUPS = 4, 5
"""Runs below which most of them do not say where the others should lie."""
SPREADS = 5.0
"""Median absolute deviations, scaled to a normal distribution's standard deviation, beyond which a run lies apart."""
WIDTHS = 3.0
"""How many times wider than either group the gap between two groups is."""


def far_below(values: Sequence[float], least: float) -> list[int]:
    """Indices of the values that lie far below the median: by `SPREADS` deviations and by `least`.

    The rule is Iglewicz and Hoaglin's (1993) with a wider bound, for few runs: where all are drawn from one normal
    distribution however wide, it names one of four to ten in at most 7 % of arms. None of fewer than four.
    """
    if len(values) < FEWEST_FOR_ONE:
        return []
    found = np.asarray(values, dtype=float)
    middle = float(np.median(found))
    spread = 1.4826 * float(np.median(np.abs(found - middle)))
    bound = middle - max(SPREADS * spread, least)
    return [at for at, value in enumerate(values) if value < bound]


def two_groups(values: Sequence[float], least: float) -> tuple[list[int], list[int]] | None:
    """Indices of a lower and an upper group, of two or more values each, where a wide gap parts them.

    The gap is at least `least`, and `WIDTHS` times as wide as either group. Of values from one normal distribution
    that happens in at most 4 % of arms of five or more. None where there is no such gap, or fewer than five values.
    """
    if len(values) < FEWEST_FOR_GROUPS:
        return None
    order = sorted(range(len(values)), key=lambda at: values[at])
    ranked = [values[at] for at in order]
    for cut in range(2, len(values) - 1):
        gap = ranked[cut] - ranked[cut - 1]
        width = max(ranked[cut - 1] - ranked[0], ranked[-1] - ranked[cut])
        if gap >= least and gap > WIDTHS * width:
            return order[:cut], order[cut:]
    return None
