"""Arguments written as elements: `<parameter=city>Rome</parameter>`, `<arg_key>city</arg_key><arg_value>Rome...`."""

from __future__ import annotations

import re
from typing import Any

from engine.subject.calls.call import Unreadable
from engine.subject.calls.offer import Offer

_SPACE = re.compile(r"\s*")


def skip(text: str, at: int) -> int:
    """Where the next character stands that is no space."""
    found = _SPACE.match(text, at)
    return found.end() if found else at


def arguments(
    text: str,
    at: int,
    name: str,
    opening: re.Pattern[str],
    closing: str,
    after: tuple[str, ...],
    offer: Offer,
    *,
    breaks: bool = True,
) -> tuple[dict[str, Any], int]:
    """The arguments of a call, from a place on, and where they end.

    A value ends at the first `closing` behind which another argument or what ends the call stands, so that a value may
    hold `closing` itself.

    Args:
        name: The function, whose schema says what a value without a type stands for.
        opening: What begins an argument; its group `key` is the argument's name. A group `string` that is "true"
            or "false" says whether the value is text.
        after: What may stand behind the last argument.
        breaks: Whether the template puts a line break on either side of a value.

    Raises:
        Unreadable: A value has no end, or an argument stands twice.
    """
    found: dict[str, Any] = {}
    at = skip(text, at)
    while match := opening.match(text, at):
        end = _end(text, match.end(), closing, opening, after)
        key, value = match["key"].strip(), text[match.end() : end]
        value = value.removeprefix("\n").removesuffix("\n") if breaks else value
        if key in found:
            raise Unreadable("an argument stands twice")
        is_text = match.groupdict().get("string") == "true"
        found[key] = value if is_text else offer.value(name, key, value)
        at = skip(text, end + len(closing))
    return found, at


def _end(text: str, at: int, closing: str, opening: re.Pattern[str], after: tuple[str, ...]) -> int:
    end = text.find(closing, at)
    while end >= 0:
        behind = skip(text, end + len(closing))
        if opening.match(text, behind) or text.startswith(after, behind):
            return end
        end = text.find(closing, end + 1)
    raise Unreadable("a value has no end")
