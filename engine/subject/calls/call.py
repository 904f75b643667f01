"""What a text that calls functions is read as."""

from __future__ import annotations

from typing import Any

from engine.spec.example import Frozen


class Unreadable(Exception):
    """What looks like a call cannot be read as one. No failure of the lab: `read` makes `attempted` of it."""


class Call(Frozen):
    """A function call as a text has it."""

    name: str
    arguments: dict[str, Any]


class Reading(Frozen):
    """What a text says.

    Attributes:
        calls: The calls, in order; none where any part of what looks like calls cannot be read.
        attempted: Whether it calls, or tries to.
        language: Which way of writing it was, e.g. "hermes"; "" where there is no call.
        thought: What the text thinks before it answers (`<think>`), which is no part of the answer.
        unfinished: Whether the text ends within its thought, so that it holds no answer at all.
        said: The words beside the calls, without space around them.
    """

    calls: tuple[Call, ...] = ()
    attempted: bool = False
    language: str = ""
    thought: str = ""
    unfinished: bool = False
    said: str = ""
