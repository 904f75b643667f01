"""What a family of models writes around a call: one file each in `languages/`, found by its name."""

from __future__ import annotations

import re
from typing import Any, ClassVar, NamedTuple

from engine.subject.calls import json_text
from engine.subject.calls.call import Call, Unreadable
from engine.subject.calls.offer import Offer

_BETWEEN = re.compile(r"[\s,;]*")


class Found(NamedTuple):
    """The calls of a text, and which parts of it (start, end) they are written in."""

    calls: list[Call]
    parts: list[tuple[int, int]]


class Language:
    """A way of writing calls that a marker of its own gives away.

    Attributes:
        name: The file's name, with "-" for "_".
        label: What people call it.
        opening: What begins a call and nothing else. Of two languages the one that begins first is read, then the
            one whose opening is longer.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    opening: ClassVar[re.Pattern[str]]

    def read(self, text: str, offer: Offer) -> Found:
        """All calls of a text that holds `opening`. Raises Unreadable where any part of them cannot be read."""
        raise NotImplementedError


def json_blocks(text: str, opening: re.Pattern[str], closings: tuple[str, ...] = ()) -> tuple[list[Any], list[Any]]:
    """The JSON values in the blocks that begin with an opening, one or more each.

    Args:
        closings: What may end a block. Without any a block ends with its values; with some, a block with other words
            in it cannot be read.

    Returns:
        The values, and the parts of the text that the blocks are, (start, end) each.

    Raises:
        Unreadable: A block holds what is no JSON.
    """
    values: list[Any] = []
    parts: list[tuple[int, int]] = []
    at = 0
    while found := opening.search(text, at):
        at, before = found.end(), len(values)
        while True:
            at = _between(text, at)
            closing = next((c for c in closings if text.startswith(c, at)), "")
            if closing or at == len(text) or opening.match(text, at):
                at += len(closing)
                break
            if not closings and len(values) > before and text[at] not in "{[":
                break
            value, at = _value(text, at, closings)
            values.append(value)
        parts.append((found.start(), at))
    return values, parts


def _between(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int, closings: tuple[str, ...]) -> tuple[Any, int]:
    try:
        return json_text.decode(text, at)
    except Unreadable:
        ends = [end for closing in closings if (end := text.find(closing, at)) >= 0]
        end = min(ends, default=len(text))
        return json_text.loose(text[at:end]), end


def calls_of(values: list[Any], parts: list[tuple[int, int]]) -> Found:
    """The calls that JSON values hold. Raises Unreadable where there are none, or a value holds what is no call."""
    calls = [call for value in values for call in json_text.calls_in(value)]
    if not calls:
        raise Unreadable("no call")
    return Found(calls, parts)
