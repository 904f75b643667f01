"""Several calls in one answer: which is meant as which, in any order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from typing import Any

from engine.subject.calls import Call
from engine.subject.grading.grade import Grade

_MOST_ORDERED = 5  # calls left over whose every order is tried, to say how far from right they are


def grade_all(
    calls: Sequence[Call], wanted: Sequence[Mapping[str, Any]], grade_call: Callable[[Call, Mapping[str, Any]], Grade]
) -> Grade:
    """The grade of as many calls as are wanted: right where each is right for one of its own, in whatever order.

    Otherwise the lowest grade of the pairs, in the order that makes it highest.
    """
    grades = [[grade_call(call, want) for want in wanted] for call in calls]
    owner = matched([[graded.correct for graded in row] for row in grades])
    if len(owner) == len(wanted):
        return grades[owner[0]][0]
    calls_left = [at for at in range(len(calls)) if at not in owner.values()]
    wanted_left = [at for at in range(len(wanted)) if at not in owner]
    orders = permutations(calls_left) if len(calls_left) <= _MOST_ORDERED else [calls_left]
    lowest = (
        min((grades[call][want] for call, want in zip(order, wanted_left, strict=True)), key=lambda g: g.height)
        for order in orders
    )
    return max(lowest, key=lambda graded: graded.height)


def matched(right: Sequence[Sequence[bool]]) -> dict[int, int]:
    """As many pairs as can be had, wanted -> call (augmenting paths).

    Args:
        right: For each call, whether it is right for each of the wanted ones.
    """
    owner: dict[int, int] = {}

    def place(call: int, seen: set[int]) -> bool:
        for want, fits in enumerate(right[call]):
            if fits and want not in seen:
                seen.add(want)
                if want not in owner or place(owner[want], seen):
                    owner[want] = call
                    return True
        return False

    for call in range(len(right)):
        place(call, set())
    return owner
