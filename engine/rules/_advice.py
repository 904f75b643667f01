"""What would settle an open question: how many more seeds, or how many times as many items.

A question is settled once a figure is shown to be beyond one limit or within another (`Aim`). How likely further seeds
or items are to do so follows from what is known: given the present figure, a figure over N seeds and k times as many
items is normally distributed about it, with the variance that the new data take away, s²(1/n - 1/N) + i²(1 - 1/k)
(predictive power; Spiegelhalter, Abrams & Myles 2004, Bayesian Approaches to Clinical Trials, section 6.5). Here n is
the number of seeds, s their standard deviation and i the one that the choice of items gives the mean. The advice is the
least that settles the question four times in five. What varies most is tried first: more of the other changes little.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from engine.stats.display.wording import counted
from engine.stats.estimate import Estimate
from engine.stats.inference.power import POWER

MOST_SEEDS, MOST_ITEMS = 100, 16
"""No more seeds in all, and no more times as many items, are advised: whoever needs more asks another question."""
FEWEST = 2
"""Fewer further seeds are never advised: one changes little, and its being too few would be learned only afterwards."""
FEW_CLUSTERS = 30
"""With fewer clusters it is said that items of the same ones will not do: what they have in common is what varies."""


class Aim(NamedTuple):
    """What settles a question about a figure.

    Attributes:
        beyond: The 95 % interval excludes 0, and the mean lies beyond this; None: that settles nothing.
        within: The 90 % interval ends below this; None: that settles nothing.
        both: Whether the same is asked below zero: beyond -`beyond`, and the interval's other end above -`within`.
    """

    beyond: float | None = None
    within: float | None = None
    both: bool = True


class _Spread(NamedTuple):
    """A figure and what it varies by."""

    value: float
    seeds: int
    seed_sd: float
    item_sd: float

    def settled(self, aim: Aim, seeds: int, times: float) -> float:
        """How likely so many seeds in all, and so many times as many items, are to settle the question."""
        by_seeds, by_items = self.seed_sd / math.sqrt(seeds), self.item_sd / math.sqrt(times)
        reach = {
            at: math.hypot(float(stdtrit(seeds - 1, at)) * by_seeds if by_seeds else 0.0, float(ndtri(at)) * by_items)
            for at in (0.975, 0.95)
        }
        moved = self.seed_sd**2 * (1 / self.seeds - 1 / seeds) + self.item_sd**2 * (1 - 1 / times)
        luck = max(math.sqrt(max(moved, 0.0)), 1e-12)

        def below(bound: float) -> float:
            return float(ndtr((bound - self.value) / luck))

        found = 0.0
        if aim.beyond is not None:
            far = max(aim.beyond, reach[0.975])
            found += 1 - below(far) + (below(-far) if aim.both else 0.0)
        if aim.within is not None and (near := aim.within - reach[0.95]) > (0.0 if aim.both else -math.inf):
            found += below(near) - (below(-near) if aim.both else 0.0)
        return found


def advice(found: Estimate, aim: Aim, capped: bool = False) -> str:
    """What would settle an open question about a figure, as a sentence.

    Args:
        capped: Whether one of its arms gets no more seeds, so that items alone can settle it.
    """
    seed_sd = float(np.std(found.per_seed, ddof=1)) if found.n_seeds > 1 else 0.0
    if found.ci is None or not (seed_sd or found.item_spread):
        if found.n_seeds < 2:
            return "To settle it: run more seeds."
        return "To settle it: measure on more items; neither seeds nor items differ in this figure so far."
    spread = _Spread(found.value, found.n_seeds, seed_sd, found.item_spread)
    for seeds, times in _ways(spread, capped):
        if spread.settled(aim, seeds, times) >= POWER:
            return f"To settle it: about {_words(seeds - found.n_seeds, seeds, times, found.clusters)}."
    if capped:
        return f"Not even {MOST_ITEMS} times as many items are likely to settle it with so few seeds."
    return (
        f"Neither {MOST_SEEDS} seeds nor {MOST_ITEMS} times as many items are likely to settle it: the figure lies too "
        "near the limit."
    )


def _ways(spread: _Spread, capped: bool) -> list[tuple[int, int]]:
    """Seeds in all and times as many items, in the order in which they are tried."""
    first = spread.seeds + FEWEST
    seeds = [(n, 1) for n in range(first, MOST_SEEDS + 1)] if spread.seeds > 1 and not capped else []
    items = [(spread.seeds, times) for times in range(2, MOST_ITEMS + 1)] if spread.item_sd else []
    both = [(times * spread.seeds, times) for times in range(2, MOST_ITEMS + 1)] if seeds and items else []
    both = [way for way in both if way[0] <= MOST_SEEDS]
    by_items = spread.item_sd > spread.seed_sd / math.sqrt(spread.seeds)
    return [*(items if by_items else seeds), *both, *(seeds if by_items else items)]


def _words(more: int, seeds: int, times: int, clusters: int) -> str:
    said = [f"{counted(more, 'more seed')} ({seeds} in all)"] if more else []
    if times > 1:
        few = f" in {times} times as many clusters (now {clusters})" if 0 < clusters < FEW_CLUSTERS else ""
        said.append(f"{times} times as many items{few}")
    return " and ".join(said)
