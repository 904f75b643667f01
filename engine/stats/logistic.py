"""How much truth and shortcut each weigh in yes/no answers, held against one another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy.special import expit

_STEPS, _CLOSE = 50, 1e-12


class Weights(NamedTuple):
    """Log-odds of "yes" that each adds when it turns from speaking against "yes" to speaking for it."""

    truth: float
    shortcut: float


def weights(answers: Iterable[tuple[bool, bool, bool]]) -> Weights | None:
    """Logistic regression of "yes" on where the truth and where the shortcut point.

    logit P(yes) = b0 + truth * t + shortcut * s with t, s = +-1/2, by Newton's method on the four kinds of item.
    Half a "yes" and half a "no" are added to each kind, as in `signals.d_prime`, so that a model that is always
    right has a large weight and not an endless one.

    Args:
        answers: For each item: whether "yes" was said, whether it is right, whether the shortcut says it.

    Returns:
        None where truth and shortcut always agree, always differ, or either never changes: they cannot be told apart.
    """
    said = np.zeros((2, 2, 2))  # [truth, shortcut, said]
    for yes, truth, shortcut in answers:
        said[int(truth), int(shortcut), int(yes)] += 1
    if np.count_nonzero(said.sum(axis=2)) < 3:  # two kinds of item lie on one line
        return None
    said[said.sum(axis=2) > 0] += 0.5
    yes, total = said[..., 1].ravel(), said.sum(axis=2).ravel()
    design = np.array([[1.0, t - 0.5, s - 0.5] for t in (0, 1) for s in (0, 1)])  # [kinds, 3]
    found = np.zeros(3)
    for _ in range(_STEPS):
        chance = expit(design @ found)
        slope = design.T @ (yes - total * chance)
        curvature = design.T @ (design * (total * chance * (1 - chance))[:, None])
        step = np.linalg.solve(curvature, slope)
        found = found + step
        if np.abs(step).max() < _CLOSE:
            break
    return Weights(float(found[1]), float(found[2]))
