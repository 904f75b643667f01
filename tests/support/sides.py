"""Invented evidence whose figures fit together: each arm's accuracy on both sides of the items, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from statistics import fmean
from types import SimpleNamespace
from typing import Any

from engine.spec.example import Side
from engine.stats.evidence import Estimate
from engine.stats.inference.looks import Looks
from engine.stats.metric import Metric
from engine.stats.statistics.by_side import BySide

BASES = (0.05, 0.4, 0.6, 0.8)
STEPS = (-0.3, -0.1, -0.02, 0.0, 0.0, 0.0, 0.01, 0.02, 0.04, 0.1, 0.3)
WIDE = (0.002, 0.006, 0.012, 0.03)
Sides = tuple[float, float]


class Sided:
    """Stands for `Evidence`: accuracy and reliance follow from what each arm does where the shortcut helps or misleads.

    Args:
        metrics: As `Evidence` has them.
        accuracy, reliance: Which of them are these two; every other is 1, e.g. the share of answers that can be read.
        arms: Names of the arms; the first is the one that others are made from.
        seed: What is drawn from; of odd ones a look at more seeds can follow.
    """

    def __init__(
        self, metrics: Mapping[str, Metric], accuracy: str, reliance: str, arms: tuple[str, ...], seed: int
    ) -> None:
        self.metrics, self._accuracy, self._reliance = metrics, accuracy, reliance
        self.looks = Looks((5, 10), 0) if seed % 2 else None
        rng = Random(seed)
        self.error = rng.choice(WIDE)  # standard error of a figure of one side
        start = (rng.choice(BASES), rng.choice(BASES) if rng.random() < 0.5 else None)
        first: Sides = (start[0], start[0] if start[1] is None else start[1])
        self._arms = {
            arm: self._seeds(rng, first if at == 0 else self._moved(rng, first)) for at, arm in enumerate(arms)
        }

    def _moved(self, rng: Random, first: Sides) -> Sides:
        both = rng.choice(STEPS) if rng.random() < 0.6 else None
        return tuple(min(max(side + (rng.choice(STEPS) if both is None else both), 0.0), 1.0) for side in first)  # type: ignore[return-value]

    def _seeds(self, rng: Random, at: Sides) -> list[Sides]:
        return [(rng.gauss(at[0], 2 * self.error), rng.gauss(at[1], 2 * self.error)) for _ in range(5)]

    def arm(self, name: str) -> list[Any]:
        """As many runs as it has seeds; every arm is one that seeds change."""
        return [SimpleNamespace(seeded=True)] * len(self._arms[name])

    def level(self, arm: str, metric: str) -> Estimate:
        """An arm's figure."""
        return self._estimate([self._figure(sides, metric, None) for sides in self._arms[arm]], metric)

    def difference(self, a: str, b: str, metric: str, statistic: Any = None) -> Estimate:
        """The paired difference of two arms, of a metric or on one side."""
        pairs = zip(self._arms[a], self._arms[b], strict=True)
        values = [self._figure(x, metric, statistic) - self._figure(y, metric, statistic) for x, y in pairs]
        return self._estimate(values, metric)

    def pairs(self, a: str, b: str) -> list[tuple[Any, Any]]:
        """As many as there are seeds."""
        return [(_Seeded, _Seeded)] * 5

    def unshared(self, a: str, b: str, metric: str) -> tuple[int, int]:
        """Every item has every figure."""
        return 0, 100

    def closed(self, a: str, base: str, target: str, metric: str) -> Estimate | None:
        """The share of a gap that is closed, with an interval of the gain alone."""
        gap, gain = self.difference(target, base, metric), self.difference(a, base, metric)
        if gap.value == 0 or gain.ci is None or gain.ci90 is None:
            return None
        low, high = sorted(bound / gap.value for bound in gain.ci)
        return Estimate(gain.value / gap.value, (low, high), (low, high), gain.per_seed)

    def _figure(self, sides: Sides, metric: str, statistic: Any) -> float:
        if metric == self._reliance:
            if isinstance(statistic, BySide) or statistic is None:
                return sides[0] - sides[1]
            return sides[0] if statistic.side is Side.CONGRUENT else sides[1]
        return fmean(sides) if metric == self._accuracy else 1.0

    def _estimate(self, values: list[float], metric: str) -> Estimate:
        mean, error = fmean(values), self.error * (1.4 if metric == self._reliance else 0.7)
        wide, narrow = 1.96 * error, 1.645 * error
        return Estimate(
            mean,
            (mean - wide, mean + wide),
            (mean - narrow, mean + narrow),
            tuple(values),
            p=0.5,
            item_spread=error / 3,
        )


class _Seeded:
    """A run that another seed would change."""

    seeded = trains = True
