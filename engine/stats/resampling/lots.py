"""How often a cue that means nothing would be taken for a shortcut.

A placebo gives each item a side by lot, so nothing is there to be found. One lot proves little: a sound 95 % interval
excludes zero once in twenty lots. The average over all lots proves nothing: it is zero whatever the outcomes are. What
can be known is the rate of false alarms: over many lots, how often the very test that the verdict uses calls a
difference shown (a randomization test; Fisher 1935, The Design of Experiments, chapter 2).

A lot is a permutation of the sides that the items really have: of whole clusters where each cluster lies on one side,
else of single items. Items stand in an order that their outcomes give, so neither names nor the order of rows matter.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from engine.spec.example import Outcome, Side
from engine.stats.estimate import Estimate, estimated
from engine.stats.resampling.columns import Columns
from engine.stats.resampling.jackknife import influence
from engine.stats.statistics._base import Statistic

LOTS = 2000
"""So many that a test that gives a false alarm in 3.5 lots of 100 is not counted as one that does in 5 (z = 3.7)."""
SEED = 20_250_521
K = TypeVar("K", bound=Hashable)


class FalseAlarms(NamedTuple):
    """What cues drawn by lot came to.

    Attributes:
        lots: How many were drawn.
        detected: How many of them were called shown.
        ends: Between which figures the middle 95 % of them lie.
    """

    lots: int
    detected: int
    ends: tuple[float, float]


def false_alarms(
    pairs: Sequence[tuple[Sequence[Outcome], Sequence[Outcome]]],
    statistic: Statistic,
    unit: str,
    shown: Callable[[Estimate], bool],
) -> FalseAlarms | None:
    """How often a difference between two arms is called shown although the sides of its items mean nothing.

    Args:
        pairs: The outcomes of paired runs of the two arms.
        statistic: A figure by side.
        unit: Of the figure.
        shown: The test: whether a difference counts as shown.

    Returns:
        None where no item has a side, or some lot does not give the figure.
    """
    pairs = [(_sided(a), _sided(b)) for a, b in pairs]
    columns = Columns([*(a for a, _ in pairs), *(b for _, b in pairs)])
    first, second = np.arange(len(pairs)), np.arange(len(pairs)) + len(pairs)
    figures, detected = [], 0
    for side in _lots(columns, pairs):
        drawn = columns.on_sides(side)
        of_items, points = influence(drawn, statistic), drawn.figures(statistic)
        values = points[first] - points[second]
        if of_items is None or not np.isfinite(values).all():
            return None
        shifts = of_items.of(first).minus(of_items.of(second))
        found = estimated(values.tolist(), shifts, unit, level=False, linear=statistic.linear)
        figures.append(found.value)
        detected += shown(found)
    if not figures:
        return None
    low, high = np.quantile(figures, [0.025, 0.975])
    return FalseAlarms(len(figures), detected, (float(low), float(high)))


def _lots(columns: Columns, pairs: Sequence[tuple[Sequence[Outcome], Sequence[Outcome]]]) -> Iterator[np.ndarray]:
    """The sides of all rows under each lot: [rows]; none without rows."""
    side, items, clusters = columns.table.side, columns.items, columns.ways[0].tolist()
    own = _ranked(_answers(pairs))
    members: dict[int, dict[str, int]] = {}
    for cluster, item in zip(clusters, items, strict=True):
        members.setdefault(cluster, {})[item] = own[item]
    alike = _ranked({cluster: tuple(sorted(ranks.values())) for cluster, ranks in members.items()})
    keys: list[tuple[Any, ...]] = [
        (own[item], alike[cluster], cluster, item) for item, cluster in zip(items, clusters, strict=True)
    ]
    if len(set(zip(clusters, side.tolist(), strict=True))) == len(members):  # each cluster lies on one side
        keys = [(alike[cluster], cluster) for cluster in clusters]
    place = {key: at for at, key in enumerate(sorted(set(keys)))}
    row = np.array([place[key] for key in keys], dtype=np.int64)  # the unit of each row: [rows]
    sides, rng = np.zeros(len(place), dtype=side.dtype), np.random.default_rng(SEED)
    sides[row] = side
    for _ in range(LOTS if len(side) else 0):
        yield rng.permutation(sides)[row]


def _answers(pairs: Sequence[tuple[Sequence[Outcome], Sequence[Outcome]]]) -> dict[str, tuple[Any, ...]]:
    """What is known of each item but its name: its side and all answers, whichever seed gave them."""
    seen: dict[str, list[tuple[str, int, str, str, int]]] = {}
    for number, pair in enumerate(pairs):
        for arm, outcomes in enumerate(pair):
            for o in outcomes:
                seen.setdefault(o.item, []).append((str(o.side), arm, str(o.correct), str(o.value), number))
    return {item: (*sorted(one[:-1] for one in found), *sorted(found)) for item, found in seen.items()}


def _ranked(keys: Mapping[K, tuple[Any, ...]]) -> dict[K, int]:
    """The rank of each key; equal ones share it."""
    ranks = {key: at for at, key in enumerate(sorted(set(keys.values())))}
    return {name: ranks[key] for name, key in keys.items()}


def _sided(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.side is not Side.NEUTRAL]
