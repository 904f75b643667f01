"""The smallest difference that a study can detect, computed before it runs from the spread over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from engine.analysis.figures import main_metrics, metrics_of
from engine.spec.runs import Detectable, Pairs
from engine.spec.study import Scale, StudySpec
from engine.stats.display.wording import counted
from engine.stats.estimate import ENOUGH_SEEDS
from engine.stats.inference import power
from engine.stats.inference.looks import FIXED, Looks


def detectable(
    study: StudySpec, scale: Scale, seeds: int, earlier: Pairs | None = None, looks: tuple[int, ...] = ()
) -> Detectable | None:
    """The smallest true difference of the primary contrast that a scale and number of seeds detect (80 % power).

    Args:
        seeds: How many; of a design with several looks the most.
        earlier: Paired differences; `ENOUGH_SEEDS` of them or more replace the study's expected spread.
        looks: After how many seeds it is looked at, where it goes on until it is settled. What its last look by itself
            finds counts, so that with the looks before it no less is found.

    Returns:
        None with fewer than two seeds, or where the spread over seeds is unknown, or nothing varies. Where it is not
        known how far items vary, the basis says that they are left out.
    """
    primary = study.primary
    spread, basis = _seed_spread(primary.seed_sd, earlier)
    if seeds < 2 or spread is None:
        return None
    if primary.item_sd is None:
        basis += "; the luck of items, which is not known, comes on top"
    items = (primary.item_sd or 0.0) / math.sqrt(study.scales[scale].items)
    level = Looks(looks, len(looks) - 1).levels.claim if looks else FIXED.claim
    found = power.detectable(seeds, spread, items, level=level)
    if not found:
        return None
    unit = metrics_of(study)[main_metrics(study)[0]].unit
    return Detectable(difference=found, unit=unit, basis=basis)


def _seed_spread(planned: float | None, earlier: Pairs | None) -> tuple[float | None, str]:
    if earlier is not None and len(earlier.differences) >= ENOUGH_SEEDS and np.ptp(earlier.differences) > 0:
        known = counted(len(earlier.differences), "seed")
        return float(np.std(earlier.differences, ddof=1)), f"from {known} of {earlier.trial}"
    return planned, "from the study’s own expectation"


def paired(
    a: Mapping[int, float], b: Mapping[int, float], seeded: tuple[bool, bool] = (True, True)
) -> tuple[float, ...]:
    """a - b for each seed that both arms have.

    Args:
        a: Value by seed.
        seeded: Whether another seed changes a, and b; the only value of an arm that none changes serves for every seed.
    """
    left, right = dict(a), dict(b)
    if right and not seeded[1]:
        right = dict.fromkeys(left, *right.values())
    if left and not seeded[0]:
        left = dict.fromkeys(right, *left.values())
    return tuple(left[seed] - right[seed] for seed in sorted(left) if seed in right)
