"""Function calls as models and data files write them in words: one small reader for each way of writing.

`read` is the only door. A text that holds what looks like a call and cannot be read has `attempted` and no calls;
it is never taken for a text without a call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.calls.json_text import CLOSE, OPEN, Call, parse
from engine.example import Frozen

__all__ = ["CLOSE", "OPEN", "Call", "Reading", "read"]


class Reading(Frozen):
    """What a text says.

    Attributes:
        calls: The calls, in order; none where any part of what looks like calls cannot be read.
        attempted: Whether it calls, or tries to.
        language: Which way of writing it was, e.g. "hermes"; "" where there is no call.
        thought: What the text thinks before it answers (`<think>`), which is no part of the answer.
        said: The words beside the calls.
    """

    calls: tuple[Call, ...] = ()
    attempted: bool = False
    language: str = ""
    thought: str = ""
    said: str = ""


def read(text: str, tools: Sequence[Mapping[str, Any]] = ()) -> Reading:
    """The calls of a text.

    Args:
        text: A model's answer, or an answer as a data file has it.
        tools: What was on offer, `{"type": "function", "function": {...}}` each: some ways of writing leave out whether
            a value is a number or a text, and only the tool's schema can tell.
    """
    calls, attempted = parse(text)
    return Reading(calls=tuple(calls), attempted=attempted, said="" if attempted else text)
