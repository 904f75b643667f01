"""Points of runs, gathered into one mean and one 95 % band per arm. Plain numbers: nothing of Qt."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.spec.runs import Point

Array = NDArray[np.float64]
# Two-sided 95 % quantiles of Student's t for 1..30 degrees of freedom; beyond, the normal's with one correction.
T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
MOST_POINTS = 100
"""A curve is averaged over neighbouring steps until it has no more points than this: more cannot be seen."""


@dataclass(frozen=True)
class Band:
    """A mean over seeds; `low` and `high` are NaN where fewer than two seeds reached the step. All of length n."""

    steps: Array
    mean: Array
    low: Array
    high: Array
    seeds: int

    @property
    def last(self) -> float | None:
        """The newest mean."""
        return float(self.mean[-1]) if len(self.mean) else None


def t95(seeds: Array) -> Array:
    """Student's t for 95 % and this many seeds; NaN below two."""
    freedom = seeds.astype(int) - 1
    large = 1.96 + 2.4 / np.maximum(freedom, 1)
    known = np.asarray(T95)[np.clip(freedom, 1, 30) - 1]
    return np.where(freedom < 1, np.nan, np.where(freedom <= 30, known, large))


class _Drawn(NamedTuple):
    """Averages of the first `points` points; the last one begins at point `open`."""

    steps: Array
    values: Array
    open: int
    points: int


_NOTHING = _Drawn(np.empty(0), np.empty(0), 0, 0)


class _Curve:
    """The points of one run, in the order of their steps."""

    def __init__(self) -> None:
        self.steps, self.values = array("d"), array("d")
        self._drawn: dict[int, _Drawn] = {}  # by the width over which they are averaged

    def add(self, step: int, value: float) -> bool:
        """Take a point in, unless its step is known. Most come at the end."""
        at = len(self.steps) if not self.steps or step > self.steps[-1] else bisect_left(self.steps, step)
        if at < len(self.steps) and self.steps[at] == step:
            return False
        if at < len(self.steps):  # not at the end: what was averaged no longer holds
            self._drawn.clear()
        self.steps.insert(at, step)
        self.values.insert(at, value)
        return True

    def drawn(self, width: int) -> tuple[Array, Array]:
        """Steps and values, averaged over `width` steps."""
        known = self._drawn.get(width, _NOTHING)
        if known.points < len(self.steps):  # only its last, open average can have changed
            known = self._drawn[width] = self._averaged(known, width)
        return known.steps, known.values

    def _averaged(self, known: _Drawn, width: int) -> _Drawn:
        steps, values = np.array(self.steps[known.open :]), np.array(self.values[known.open :])
        bucket = (steps - 1) // width
        first = np.flatnonzero(np.diff(bucket, prepend=np.nan))
        means = np.add.reduceat(values, first) / np.diff(np.append(first, len(steps)))
        ends = np.minimum((bucket[first] + 1.0) * width, steps[-1])
        return _Drawn(
            np.append(known.steps[:-1], ends),
            np.append(known.values[:-1], means),
            known.open + int(first[-1]),
            len(self.steps),
        )


class CurveStore:
    """All points of one trial, by metric and run."""

    def __init__(self) -> None:
        self._curves: dict[str, dict[str, _Curve]] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._curves.clear()

    def add(self, points: Iterable[Point]) -> set[str]:
        """Take new points in; the first value of a step stays. Gives the names of the metrics that changed."""
        changed: set[str] = set()
        for point in points:
            curve = self._curves.setdefault(point.name, {}).setdefault(point.run, _Curve())
            if np.isfinite(point.value) and curve.add(point.step, point.value):
                changed.add(point.name)
        return changed

    def names(self) -> list[str]:
        """The curves that there are, in the order in which they came."""
        return list(self._curves)

    def single(self, name: str, run: str, width: int = 1) -> tuple[Array, Array]:
        """Steps and values of one run, averaged over `width` steps."""
        curve = self._curves.get(name, {}).get(run)
        return curve.drawn(width) if curve is not None else (np.empty(0), np.empty(0))

    def width(self, name: str, total_steps: int) -> int:
        """Over how many steps this metric must be averaged to be drawn with at most MOST_POINTS points."""
        longest = max((len(curve.steps) for curve in self._curves.get(name, {}).values()), default=0)
        return max(1, -(-longest // MOST_POINTS), -(-total_steps // MOST_POINTS)) if longest > MOST_POINTS else 1

    def band(self, name: str, runs: Sequence[str], width: int = 1) -> Band:
        """Mean and 95 % t-interval over these runs at every step that any of them has reached."""
        curves = [(s, v) for s, v in (self.single(name, run, width) for run in runs) if len(s)]
        if not curves:
            empty = np.empty(0)
            return Band(empty, empty, empty, empty, 0)
        steps, inverse = np.unique(np.concatenate([s for s, _ in curves]), return_inverse=True)
        values = np.concatenate([v for _, v in curves])
        n = np.bincount(inverse).astype(float)
        mean = np.bincount(inverse, values) / n
        spread = np.bincount(inverse, (values - mean[inverse]) ** 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            half = t95(n) * np.sqrt(spread / (n - 1) / n)
        return Band(steps, mean, mean - half, mean + half, len(curves))
