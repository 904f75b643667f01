"""How much truth and shortcut each weigh in yes/no answers, held against one another (logistic regression)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.special import expit

from engine.spec.example import Side
from engine.stats.statistics._base import OfSums
from engine.stats.statistics._table import COLUMN, SIDES, Table

_STEPS, _CLOSE = 50, 1e-12
_TRUTH, _SHORTCUT = np.array([-0.5, -0.5, 0.5, 0.5]), np.array([-0.5, 0.5, -0.5, 0.5])  # of the four kinds of item


class Weight(OfSums):
    """Log-odds of "yes" that truth, or the shortcut, adds when it turns from speaking against "yes" to speaking for it.

    logit P(yes) = b0 + truth * t + shortcut * s with t, s = +-1/2, by Newton's method on the four kinds of item (truth
    for or against, shortcut for or against). Half a "yes" and half a "no" are added to each kind, as in `DPrime`, so
    that a model that is always right has a large weight and not an endless one.

    Attributes:
        weight: Which of the two.
        said: The column that is 1 where "yes" was said.
        truth: The column that is 1 where "yes" is right; every other number says that "no" is. The shortcut says what
            is right on congruent items and what is wrong on conflicting ones.
    """

    sided: ClassVar[bool] = True
    weight: Literal["truth", "shortcut"]
    said: str = Field(default="output:yes", pattern=COLUMN)
    truth: str = Field(pattern=COLUMN)

    def columns(self) -> tuple[str, ...]:
        """See `Statistic.columns`."""
        return (self.said, self.truth)

    def terms(self, table: Table) -> np.ndarray:
        """Items of each kind, then those of them to which "yes" was said: [8, items]."""
        true = table.column(self.truth) == 1.0
        kind = 2 * true + (true == (table.side == SIDES[Side.CONGRUENT]))
        items = np.stack([kind == number for number in range(4)])
        return np.concatenate([items, items & (table.column(self.said) == 1.0)]).astype(float)

    def figure(self, sums: np.ndarray) -> np.ndarray:
        """The weight; NaN where fewer than three kinds of item are there, so that the two cannot be told apart."""
        flat = sums.reshape(-1, 8)
        items, yes = flat[:, :4], flat[:, 4:]
        there = items > 0
        found = _fitted(np.where(there, yes + 0.5, 0.0), np.where(there, items + 1.0, 0.0))
        chosen = np.where(there.sum(axis=1) >= 3, found[:, 1 if self.weight == "truth" else 2], np.nan)
        return chosen.reshape(sums.shape[:-1])


def _fitted(yes: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Intercept, weight of truth and weight of the shortcut of each table: [tables, 4] twice -> [tables, 3]."""
    found = _saturated(yes, total)
    waiting = np.flatnonzero((total > 0).sum(axis=1) >= 3)
    for _ in range(_STEPS):
        if not len(waiting):
            break
        now = found[waiting]
        chance = expit(now[:, :1] + now[:, 1:2] * _TRUTH + now[:, 2:] * _SHORTCUT)
        step = _solved(total[waiting] * chance * (1 - chance), yes[waiting] - total[waiting] * chance)
        found[waiting] = now + step
        waiting = waiting[np.abs(step).max(axis=1) >= _CLOSE]
    return found


def _saturated(yes: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Where Newton's method begins: the weights in the kinds' own log-odds, near the solution where all are there."""
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.where((total > 0).all(axis=1, keepdims=True), np.log(yes / (total - yes)), 0.0)
    return np.stack([odds.mean(axis=1), odds @ _TRUTH, odds @ _SHORTCUT], axis=1)


def _solved(curve: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Newton's step by Cramer's rule, which for many small systems is far faster than a general solver.

    Args:
        curve: The variance of each kind's count of "yes": [tables, 4].
        rest: Its count less the expected one: [tables, 4].
    """
    a, b, c = curve.sum(axis=1), curve @ _TRUTH, curve @ _SHORTCUT  # rows (a b c), (b d e), (c e d)
    d, e = a / 4, curve @ (_TRUTH * _SHORTCUT)
    x, y, z = rest.sum(axis=1), rest @ _TRUTH, rest @ _SHORTCUT
    aa, ab, ac, bb, bc, cc = d * d - e * e, c * e - b * d, b * e - c * d, a * d - c * c, b * c - a * e, a * d - b * b
    whole = a * aa + b * ab + c * ac
    return (
        np.stack([aa * x + ab * y + ac * z, ab * x + bb * y + bc * z, ac * x + bc * y + cc * z], axis=1)
        / (whole[:, None])
    )
