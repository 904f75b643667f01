"""JSON out of a text that may hold anything, and the calls that a JSON value holds."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from engine.subject.calls import python_values
from engine.subject.calls.call import Call, Unreadable

DEEPEST = python_values.DEEPEST
_NAMES = ("name", "tool_name")
_ARGUMENTS = ("arguments", "parameters", "args", "input")
_BESIDE = {"id", "type", "index", "call_id", "tool_call_id"}  # what an entry may hold beside name and arguments
_QUOTED = re.compile(r"(\"(?:arguments|parameters)\"\s*:\s*)'")


def decode(text: str, at: int = 0) -> tuple[Any, int]:
    """The JSON value that begins at `at`, and where it ends.

    No name stands twice in an object, and no number is NaN or infinite: neither can be told apart from what was meant.

    Raises:
        Unreadable: There is none.
    """
    if text[at : at + 1] in ("{", "[") and python_values.too_deep(text, at, one=True):
        raise Unreadable("too deep")
    try:
        return _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from error


def loads(text: str) -> Any:
    """The JSON value that a text is. Raises Unreadable where it is none, or more."""
    text = text.strip()
    value, end = decode(text)
    if end != len(text):
        raise Unreadable("words after the value")
    return value


def loose(text: str) -> Any:
    """The value of a text that is JSON, or JSON with its arguments in single quotes (Glaive), or a Python literal.

    Raises:
        Unreadable: It is none of them.
    """
    text = text.strip()
    try:
        return loads(text)
    except Unreadable:
        if text[:1] not in ("{", "["):
            raise
    if (found := _QUOTED.search(text)) and (end := text.rfind("'")) > found.end():
        arguments = text[found.end() : end].replace("\\'", "'")
        return loads(f"{text[: found.start()]}{found[1]}{json.dumps(arguments)}{text[end + 1 :]}")
    return python_values.literal(text)


def calls_in(value: Any) -> list[Call]:
    """The calls a JSON value holds: one, a list of them, or a message's "tool_calls".

    Raises:
        Unreadable: Any part of it is no call.
    """
    if isinstance(value, Mapping) and isinstance(value.get("tool_calls"), list) and "name" not in value:
        value = value["tool_calls"]
    return [_call(entry) for entry in value] if isinstance(value, list) else [_call(value)]


def call(name: Any, arguments: Any) -> Call:
    """A call of arguments that may be JSON text of an object, or nothing. Raises Unreadable."""
    if isinstance(arguments, str):
        arguments = loads(arguments) if arguments.strip() else {}
    if arguments is None:
        arguments = {}
    if not isinstance(name, str) or not name.strip() or not isinstance(arguments, dict):
        raise Unreadable("no name, or arguments that are no object")
    return Call(name=name.strip(), arguments=arguments)


def _call(entry: Any) -> Call:
    if not isinstance(entry, Mapping):
        raise Unreadable("no object")
    for key in ("function", "function_call"):  # {"type": "function", "function": {...}}
        if isinstance(entry.get(key), Mapping):
            return _call(entry[key])
    names = [entry[key] for key in (*_NAMES, "function") if key in entry]
    spelled = [key for key in _ARGUMENTS if entry.get(key) is not None]
    if len(names) != 1 or len(spelled) > 1:
        raise Unreadable("not one name and one set of arguments")
    if not spelled and set(entry) - {*_NAMES, "function", *_ARGUMENTS, *_BESIDE}:
        raise Unreadable("arguments under another name would be lost")
    return call(names[0], entry[spelled[0]] if spelled else {})


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_unique)
