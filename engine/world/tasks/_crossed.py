"""Pairs of nouns of which neither noun alone tells whether the second follows from the first.

The shortcut is that the more frequent noun is entailed. Of a *congruent* pair it says what is right, of a *conflicting*
one what is wrong. A hypothesis is used only where it has premises of all four kinds, entailed or not, congruent or
conflicting, and it comes with each of them equally often: whatever share of the pairs is congruent, each hypothesis is
right as often as wrong, so the hypothesis alone tells nothing (Poliak et al. 2018, arXiv:1805.01042). The premises of
what is not entailed are drawn so that over all pairs each premise, too, is right as often as wrong, and so is each
difference in frequency: else the size of the difference would tell the sides apart, and with them the answer.

Both cannot hold among congruent pairs alone. Follow entailed and not entailed pairs in turn from noun to noun: the
frequency would rise at every step and the way never come back to where it began. So what is left for a premise to tell
where all pairs are congruent is its frequency: the planted shortcut itself. Premises of training are never measured.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from random import Random
from typing import NamedTuple

import numpy as np

from engine.spec.example import Side
from engine.world.vocabulary.taxonomy import ancestors, delta_log_frequency, groups

NEAR = 0.3
"""How often a premise that does not entail is related: above the hypothesis, or of a kind with it."""
STEP = 0.5
"""Differences in log frequency (nats) are the same where they round to the same multiple of this."""
_ROUNDS = 400
SIDES = (Side.CONGRUENT, Side.CONFLICTING)
Cell = tuple[str, bool, Side]  # hypothesis, whether entailed, where the shortcut points
Weights = dict[Cell, dict[str, float]]


class Premises(NamedTuple):
    """The premises of a cell, with cumulative weights."""

    nouns: tuple[str, ...]
    weights: tuple[float, ...]


def side_of(premise: str, hypothesis: str, entailed: bool) -> Side:
    """Congruent where the more frequent noun is entailed, or the rarer one is not."""
    rises = delta_log_frequency(premise, hypothesis) > 0
    return Side.CONGRUENT if rises == entailed else Side.CONFLICTING


@cache
def crossed(group: str) -> Mapping[Cell, Premises]:
    """Every cell of every hypothesis that has premises of a group ("tuned" or "measured") in all four of its cells.

    Nouns of the tuned group that are in none of its cells are in no training example, and are measured as well.
    """
    premises = sorted(noun for noun, of in groups().items() if of == group)
    if group == "measured":
        trained = {premise for own in crossed("tuned").values() for premise in own.nouns}
        premises = sorted({*premises, *(noun for noun, of in groups().items() if of == "tuned")} - trained)
    wanted = sorted({above for noun in premises for above in ancestors(noun)})
    while True:  # until each premise is one of what is entailed, and each hypothesis has some in all of its cells
        cells = {hypothesis: _cells(hypothesis, premises) for hypothesis in wanted}
        wanted = [hypothesis for hypothesis, own in cells.items() if all(own.values())]
        kept = {p for hypothesis in wanted for cell, own in cells[hypothesis].items() if cell[1] for p in own}
        if len(kept) == len(premises) and len(wanted) == len(cells):
            break
        premises = sorted(kept)
    found = {cell: own for of in cells.values() for cell, own in of.items()}
    right = {cell: dict.fromkeys(own, 1 / len(own)) for cell, own in found.items() if cell[1]}
    wrong = _fitted({cell: _nearer(cell[0], own) for cell, own in found.items() if not cell[1]}, right)
    return {
        cell: Premises(tuple(weights), tuple(itertools.accumulate(weights.values())))
        for cell, weights in (right | wrong).items()
    }


def _cells(hypothesis: str, premises: Sequence[str]) -> dict[Cell, list[str]]:
    found: dict[Cell, list[str]] = {(hypothesis, entailed, side): [] for entailed in (True, False) for side in SIDES}
    for premise in premises:
        if delta_log_frequency(premise, hypothesis):  # of two equally frequent nouns the shortcut says nothing
            entailed = hypothesis in ancestors(premise)
            found[hypothesis, entailed, side_of(premise, hypothesis, entailed)].append(premise)
    return found


def _fitted(cells: Weights, like: Weights) -> Weights:
    """Weights of the premises of cells that add up to 1 in each cell, and otherwise to what those of others do.

    By iterative proportional fitting (Deming & Stephan 1940).

    Args:
        cells: The weights to begin with.
        like: The others, whose sums for each premise and for each difference in frequency are met.
    """
    pairs = [(cell, premise) for cell, own in cells.items() for premise in own]
    weight = np.array([cells[cell][premise] for cell, premise in pairs])
    margins = [_margin(pairs, like, told) for told in (_premise, _difference)]
    whole = {cell: at for at, cell in enumerate(cells)}
    margins.append((np.array([whole[cell] for cell, _ in pairs]), np.ones(len(cells))))
    for _ in range(_ROUNDS):
        for at, wanted in margins:
            have = np.bincount(at, weight, len(wanted))
            weight = weight * np.divide(wanted, have, out=np.zeros(len(wanted)), where=have > 0)[at]
    found: Weights = {cell: {} for cell in cells}
    for (cell, premise), own in zip(pairs, weight.tolist(), strict=True):
        found[cell][premise] = own
    return found


def _margin(
    pairs: Sequence[tuple[Cell, str]], like: Weights, told: Callable[[Cell, str], str]
) -> tuple[np.ndarray, np.ndarray]:
    """For each pair the index of what is told of it, and how much weight others have for each: [pairs], [values]."""
    codes: dict[str, int] = {}
    at = np.array([codes.setdefault(told(*pair), len(codes)) for pair in pairs])
    wanted = np.zeros(len(codes))
    for cell, own in like.items():
        for premise, weight in own.items():
            wanted[codes[told(cell, premise)]] += weight
    return at, wanted


def _premise(cell: Cell, premise: str) -> str:
    return premise


def _difference(cell: Cell, premise: str) -> str:
    """Which noun is more frequent, and by how much, in steps of `STEP`."""
    by = delta_log_frequency(premise, cell[0])
    return f"{by > 0} {round(abs(by) / STEP)}"


def _nearer(hypothesis: str, premises: Sequence[str]) -> dict[str, float]:
    """Weights of premises that do not entail, `NEAR` of them for the related ones."""
    near = {p for p in premises if p in ancestors(hypothesis) or ancestors(hypothesis) & ancestors(p)}
    far = len(premises) - len(near)
    if not near or not far:
        return dict.fromkeys(premises, 1 / len(premises))
    return {p: NEAR / len(near) if p in near else (1 - NEAR) / far for p in premises}


def hypotheses(group: str) -> tuple[str, ...]:
    """The hypotheses of a group's cells, in a fixed order."""
    return tuple(sorted({hypothesis for hypothesis, _, _ in crossed(group)}))


def draw(rng: Random, group: str, cell: Cell) -> str:
    """A premise of a cell."""
    found = crossed(group)[cell]
    return rng.choices(found.nouns, cum_weights=found.weights)[0]
