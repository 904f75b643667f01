"""How figures moved while the arms trained: the points of all runs as one band for each arm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from engine.spec.result import Curve
from engine.spec.runs import Point


def curves(points: Sequence[Point], arm_of: Mapping[str, str], arms: Sequence[str]) -> tuple[Curve, ...]:
    """Mean, lowest and highest seed at each step.

    Args:
        points: Of any runs, in any order.
        arm_of: Run to arm; points of other runs are left out.
        arms: In the order in which they are shown.
    """
    found: dict[tuple[str, str], dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    runs: dict[tuple[str, str], set[str]] = defaultdict(set)
    for point in points:
        if (arm := arm_of.get(point.run)) is not None:
            found[point.name, arm][float(point.step)].append(point.value)
            runs[point.name, arm].add(point.run)
    names = sorted({name for name, _ in found}, key=lambda name: (name != "loss", name))
    drawn = [(name, arm) for name in names for arm in arms if len(found.get((name, arm), ())) > 1]
    return tuple(_curve(*at, found[at], len(runs[at])) for at in drawn)


def _curve(metric: str, arm: str, values: Mapping[float, Sequence[float]], seeds: int) -> Curve:
    steps = sorted(values)
    return Curve(
        metric=metric,
        arm=arm,
        steps=tuple(steps),
        mean=tuple(sum(values[step]) / len(values[step]) for step in steps),
        low=tuple(min(values[step]) for step in steps),
        high=tuple(max(values[step]) for step in steps),
        seeds=seeds,
    )
