"""What a study can find, said before it runs: from the seeds of an earlier trial, else from the study's own file."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.analysis.figures import main_metrics, metrics_of
from engine.spec.runs import Detectable, Pairs
from engine.spec.study import Scale, StudySpec
from engine.stats.display.wording import counted
from engine.stats.estimate import ENOUGH_SEEDS
from engine.stats.inference import power


def detectable(study: StudySpec, scale: Scale, seeds: int, earlier: Pairs | None = None) -> Detectable | None:
    """What a study finds at a scale and with so many seeds.

    Returns:
        None with one seed, which finds nothing, and where no spread is known.
    """
    primary = study.primary
    spread, basis = _seed_spread(primary.seed_sd, earlier)
    if seeds < 2 or spread is None:
        return None
    items = 0.0 if primary.item_sd is None else primary.item_sd / math.sqrt(study.scales[scale].items)
    found = power.detectable(seeds, spread, items)
    if not found:
        return None
    unit = metrics_of(study)[main_metrics(study)[0]].unit
    return Detectable(difference=found, unit=unit, basis=basis)


def _seed_spread(planned: float | None, earlier: Pairs | None) -> tuple[float | None, str]:
    if earlier is not None and len(earlier.differences) >= ENOUGH_SEEDS and np.ptp(earlier.differences) > 0:
        known = counted(len(earlier.differences), "seed")
        return float(np.std(earlier.differences, ddof=1)), f"from {known} of {earlier.trial}"
    return planned, "from the study’s own expectation"


def paired(a: Sequence[tuple[int, float]], b: Sequence[tuple[int, float]]) -> tuple[float, ...]:
    """Differences of two arms' values by seed; the one value of an arm that trains nothing stands for every seed."""
    left, right = dict(a), dict(b)
    if len(right) == 1 and len(left) > 1:
        right = dict.fromkeys(left, *right.values())
    if len(left) == 1 and len(right) > 1:
        left = dict.fromkeys(right, *left.values())
    return tuple(left[seed] - right[seed] for seed in sorted(left) if seed in right)
