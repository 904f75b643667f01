"""Whether two answers say the same: in the same words, or with equal calls however they are written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.subject.calls import Call, read
from engine.subject.grading import same
from engine.subject.grading.matching import matched

_MOST = 100  # calls that are compared in any order; beyond that, in the order given


def alike(answer: str, other: str, tools: Sequence[Mapping[str, Any]] = ()) -> bool:
    """Whether both answers make equal calls or, without calls, say the same but for case, spaces and a last stop.

    Args:
        tools: What was on offer, as `engine.subject.calls.read` takes it.
    """
    if answer == other:
        return True
    first, second = read(answer, tools), read(other, tools)
    if first.calls or second.calls:
        return _equal(first.calls, second.calls)
    return not (first.attempted or second.attempted) and _plain(first.said) == _plain(second.said)


def _equal(calls: Sequence[Call], others: Sequence[Call]) -> bool:
    if len(calls) != len(others):
        return False
    if len(calls) > _MOST:
        return all(map(_same_call, calls, others))
    return len(matched([[_same_call(call, other) for other in others] for call in calls])) == len(calls)


def _same_call(call: Call, other: Call) -> bool:
    return (
        call.name == other.name
        and call.arguments.keys() == other.arguments.keys()
        and all(same(call.arguments[name], value) for name, value in other.arguments.items())
    )


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().rstrip(".!").strip().casefold()
