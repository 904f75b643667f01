"""Invented evidence: levels and differences drawn by lot, without runs or items behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from engine.stats.evidence import Estimate

LEVELS = (0.1, 0.5, 0.7, 0.9, 0.99)
LEANS = (-0.4, 0.0, 0.0, 0.02, 0.3)
DIFFERENCES = (-0.2, -0.04, 0.0, 0.0, 0.01, 0.04, 0.1, 0.4)
CLOSED = (-0.3, 0.0, 0.3, 0.6, 0.9, 1.1)


def estimate(rng: Random, centre: float, wide: float, seeds: int = 5) -> Estimate:
    """A figure near the centre, with intervals that hold it; sometimes none can be given."""
    value = rng.gauss(centre, wide)
    low, high = (abs(rng.gauss(0, wide)) + 0.002 for _ in range(2))
    part = rng.uniform(0.6, 0.95)
    noise = [rng.gauss(0, wide) for _ in range(seeds)]
    per_seed = tuple(value + one - sum(noise) / seeds for one in noise)
    spread = rng.choice([0.0, wide / 3])
    if rng.random() < 0.01:
        return Estimate(value, None, None, per_seed)
    ci, ci90 = (value - low, value + high), (value - part * low, value + part * high)
    return Estimate(value, ci, ci90, per_seed, p=rng.random(), item_spread=spread)


class Invented:
    """Stands for `Evidence`: each figure follows from the seed and its name alone.

    Args:
        metrics: As `Evidence` has them.
        seed: What figures are drawn from.
        seeds: How many pairs every two arms have.
        missing: How often a figure is missing.
    """

    def __init__(self, metrics: Mapping[str, Any], seed: int, seeds: int = 5, missing: float = 0.01) -> None:
        self.metrics = metrics
        self.looks = None
        self._seed, self._seeds, self._missing = seed, seeds, missing
        self._wide = Random(f"{seed}").choice([0.01, 0.03, 0.1])

    def level(self, arm: str, metric: str) -> Estimate | None:
        """An arm's figure; a difference of two sides may be a lean either way, or none."""
        leaning = self.metrics[metric].unit == "difference"
        return self._figure(("level", arm, metric), LEANS if leaning else LEVELS)

    def difference(self, a: str, b: str, metric: str, *more: Any, **named: Any) -> Estimate | None:
        """A difference; another figure of the same items (`more`) is one of its own."""
        kind = "part" if more or named.get("statistic") is not None else "difference"
        return self._figure((kind, a, b, metric), DIFFERENCES)

    def closed(self, a: str, base: str, target: str, metric: str) -> Estimate | None:
        """The share of a gap that is closed."""
        return self._figure(("closed", a, base, target, metric), CLOSED)

    def pairs(self, a: str, b: str) -> list[tuple[Any, Any]]:
        """As many as there are seeds."""
        return [(_Seeded, _Seeded)] * self._seeds

    def unshared(self, a: str, b: str, metric: str) -> tuple[int, int]:
        """Every item has every figure."""
        return 0, 100

    def arm(self, name: str) -> list[Any]:
        """As many as there are seeds."""
        return [_Seeded] * self._seeds

    def _figure(self, key: tuple[str, ...], centres: Sequence[float]) -> Estimate | None:
        rng = Random(f"{self._seed} {' '.join(key)}")
        if rng.random() < self._missing:
            return None
        few = rng.random() < 0.02
        return estimate(rng, rng.choice(centres), self._wide, 1 if few else self._seeds)


class _Seeded:
    """A run that another seed would change."""

    seeded = trains = True
