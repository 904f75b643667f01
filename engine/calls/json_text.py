"""Reading function calls out of a model's own words, which may hold anything."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from engine.example import Frozen

OPEN, CLOSE = "<tool_call>", "</tool_call>"
_LONGEST = 20_000  # characters that are read; no honest call is longer
_DEEPEST = 64  # nested brackets; Python's own parser gives up at about a thousand
_TAGGED = re.compile(r"<tool_call>(.*?)(?:</tool_call>|$)", re.DOTALL)


class Call(Frozen):
    """A function call as the model wrote it."""

    name: str
    arguments: dict[str, Any]


def parse(text: str) -> tuple[list[Call], bool]:
    """The calls in an answer, and whether it tried to call at all.

    A call is an object with "name" and "arguments" (or "parameters"), as an object or as a JSON string of one;
    between `<tool_call>` tags, bare, or in a list.

    Returns:
        The calls (none where any part of what looks like calls cannot be read), and True where the answer
        has a tag or begins like JSON.
    """
    text = text[:_LONGEST]
    if OPEN in text:
        blocks = [block for block in _TAGGED.findall(text) if block.strip()]
        found = [_calls(_loads(block)) for block in blocks]
        return ([call for calls in found for call in calls] if found and all(found) else []), True
    bare = text.strip().removeprefix("```json").strip("`").strip()
    if bare[:1] in ("{", "["):
        return _calls(_loads(bare)), True
    embedded = _embedded(text)
    return embedded, bool(embedded)


def _embedded(text: str) -> list[Call]:
    """A call in the midst of words: the first object that is one."""
    tried = 0
    for match in re.finditer(r"\{\s*\"(?:name|arguments|parameters|function|type)\"", text):
        tried += 1
        if tried > 8:
            break
        if found := _calls(_loads(text[match.start() :], whole=False)):
            return found
    return []


def _loads(text: str, whole: bool = True) -> Any:
    """The JSON value a text holds, or None. With `whole`, words after the value make it unreadable."""
    text = text.strip()
    if _too_deep(text):
        return None
    try:
        value, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return None if whole and text[end:].strip() else value


def _too_deep(text: str) -> bool:
    depth = 0
    for char in text:
        if char in "[{":
            depth += 1
            if depth > _DEEPEST:
                return True
        elif char in "]}":
            depth -= 1
    return False


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _calls(value: Any) -> list[Call]:
    """The calls a JSON value holds; none where any element is not one."""
    entries = value if isinstance(value, list) else [value]
    calls = [_call(entry) for entry in entries]
    return [call for call in calls if call is not None] if all(calls) else []


def _call(value: Any) -> Call | None:
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("function"), dict):  # {"type": "function", "function": {...}}
        value = value["function"]
    name = value.get("name")
    arguments = value.get("arguments", value.get("parameters", {}))
    if isinstance(arguments, str):
        arguments = _loads(arguments) if arguments.strip() else {}
    if not isinstance(name, str) or not name.strip() or not isinstance(arguments, dict):
        return None
    return Call(name=name.strip(), arguments=arguments)
