"""Which training examples a run sees, and in which order: the same for all arms of a seed."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from random import Random
from typing import TypeVar

from engine.spec.errors import DataError
from engine.spec.example import Example, Side

T = TypeVar("T")


def choose(pool: Sequence[Example], count: int, agreement: float | None, seed: int) -> list[Example]:
    """Draw a run's training examples, in a shuffled order.

    Neutral examples do not depend on `agreement`. Places that hold an example with a side are filled so that
    the share of congruent ones is `agreement`, and labels are kept in balance within each side; two arms that
    differ in agreement differ in as few places as possible.

    Args:
        pool: All training examples.
        count: How many to draw; all of them where the pool is smaller.
        agreement: Share of congruent examples among those with a side; None: as the pool has it.
        seed: The run's seed; method and settings do not count, so the arms of a seed are pairs.

    Raises:
        DataError: The pool has no example of a side that `agreement` asks for.
    """
    if not pool:
        raise DataError("The study's data hold no training examples.", "Choose other data.")
    rng = Random(f"{seed}:choose")
    shuffled = list(pool)
    rng.shuffle(shuffled)
    drawn = shuffled[:count]
    if agreement is None:
        return drawn
    queues = {side: _balanced([e for e in shuffled if e.side is side]) for side in (Side.CONGRUENT, Side.CONFLICTING)}
    places = [at for at, example in enumerate(drawn) if example.side is not Side.NEUTRAL]
    if not places:
        raise DataError("The training data point to no side, so their agreement cannot be set.")
    places = places[: _most(len(places), agreement, len(queues[Side.CONGRUENT]), len(queues[Side.CONFLICTING]))]
    if not places:
        raise DataError(f"The training data cannot give an agreement of {agreement:g}.", "One of the sides is missing.")
    ranks = list(range(len(places)))
    Random(f"{seed}:sides").shuffle(ranks)  # which places turn congruent first: nested over agreements
    congruent = round(agreement * len(places))
    filled: dict[int, Example] = {}
    taken = {Side.CONGRUENT: 0, Side.CONFLICTING: 0}
    for place, rank in zip(places, ranks, strict=True):
        side = Side.CONGRUENT if rank < congruent else Side.CONFLICTING
        filled[place] = queues[side][taken[side]]
        taken[side] += 1
    return [filled.get(at, example) for at, example in enumerate(drawn) if at in filled or example.side is Side.NEUTRAL]


def order(examples: int, batch_size: int, steps: int, seed: int, name: str = "order") -> list[list[int]]:
    """Indices of every batch: whole passes, each shuffled anew; the same for all arms of a seed.

    Returns:
        `steps` lists of `batch_size` indices below `examples`.
    """
    rng = Random(f"{seed}:{name}")

    def passes() -> Iterator[int]:
        while True:
            indices = list(range(examples))
            rng.shuffle(indices)
            yield from indices

    stream = passes()
    return [[next(stream) for _ in range(batch_size)] for _ in range(steps)]


def _most(places: int, agreement: float, congruent: int, conflicting: int) -> int:
    """The largest number of places that both sides can fill at this agreement."""
    while places and (round(agreement * places) > congruent or places - round(agreement * places) > conflicting):
        places -= 1
    return places


def _balanced(examples: Sequence[Example]) -> list[Example]:
    """Take turns between answers (of tasks with labels), so that any beginning of the list is balanced."""
    groups: dict[Hashable, list[Example]] = {}
    for example in examples:
        groups.setdefault((example.family, example.gold.text if example.gold.labels else ""), []).append(example)
    ranked = [(at / len(group), key, example) for key, group in groups.items() for at, example in enumerate(group)]
    ranked.sort(key=lambda entry: (entry[0], str(entry[1])))
    return [example for _, _, example in ranked]
