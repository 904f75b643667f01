"""JSON as the lab accepts it: finite numbers, bounded depth, valid Unicode without NUL, no key twice with two values.

Hostile or broken input raises NotJson and no other error.
"""

from __future__ import annotations

import ast
import json
import math
import re
import warnings
from typing import Any

from engine.data.problems import path_of, shown

LONGEST_ROW = 2 * 2**20  # bytes of a row of a file; characters of a JSON text in it
DEEPEST = 64  # nested lists and objects in a row
_LONGEST_LITERAL = 200_000  # characters of a Python literal
SPACE = re.compile(r"[ \t\r\n]*")


class NotJson(ValueError):
    """Text that is no JSON, or JSON that is refused.

    Attributes:
        field: Path of the refused value, if the text could be parsed.
        at: Offset of the error in characters, if it could not.
    """

    def __init__(self, text: str, field: str = "", at: int = 0) -> None:
        super().__init__(text)
        self.field = field
        self.at = at


class _Twice(NotJson):
    """A key with two values in one object: refused in whatever notation the object is written."""

    def __init__(self, key: object) -> None:
        super().__init__(f"the key {shown(key)} stands twice in one object, with different values")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # Python keeps the last of two equal keys: a value would be lost unseen
        for key, value in pairs:
            if found[key] != value:
                raise _Twice(key)
    return found


_FAST = json.JSONDecoder(parse_constant=float)  # NaN and Infinity become floats, and are found with their field
_STRICT = json.JSONDecoder(parse_constant=float, object_pairs_hook=_object)


def loads(text: str) -> Any:
    """A JSON value that is all of a text, such as a row or a call's arguments. Raises NotJson."""
    if len(text) > LONGEST_ROW:
        raise NotJson("the text is too long")
    stripped = text.strip(" \t\r\n")
    value, at = decode_value(stripped, 0, _STRICT)
    if at < len(stripped):
        raise NotJson("more follows after its end", at=at)
    if refused := flaw(value):
        raise NotJson(refused[1], refused[0])
    return value


def loads_lenient(text: str) -> Any:
    """Like `loads`, but the text may also be a Python literal (`{'city': 'Oslo'}`). Raises the NotJson of `loads`."""
    try:
        return loads(text)
    except _Twice:
        raise
    except NotJson as error:
        if "'" not in text or len(text) > _LONGEST_LITERAL or text.strip()[:1] not in ("{", "["):
            raise
        try:
            with warnings.catch_warnings():  # Python warns of escapes that it does not know
                warnings.simplefilter("ignore")
                tree = ast.parse(text.strip(), mode="eval")
                _refuse_twice(tree)
                return loads(json.dumps(ast.literal_eval(tree), allow_nan=False))
        except _Twice:
            raise
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            raise error from None


def _refuse_twice(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            values: dict[object, str] = {}
            for key, value in zip(node.keys, node.values, strict=True):
                written = ast.dump(value)
                if isinstance(key, ast.Constant) and values.setdefault(key.value, written) != written:
                    raise _Twice(key.value)


def decode_value(text: str, at: int, decoder: json.JSONDecoder = _FAST) -> tuple[Any, int]:
    """The value that begins at an offset, and the offset of its end. Raises NotJson."""
    try:
        return decoder.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise NotJson(error.msg, at=error.pos) from error
    except NotJson:
        raise
    except RecursionError as error:
        raise NotJson(f"it is nested too deeply (more than {DEEPEST} levels)", at=at) from error
    except ValueError as error:  # a number of thousands of digits
        raise NotJson("it holds a number that is too long", at=at) from error


def flaw(value: Any) -> tuple[str, str] | None:
    """The field and the reason why a parsed value is refused; None where it is fine."""
    stack: list[tuple[Any, tuple[Any, ...] | None, int]] = [(value, None, 0)]
    while stack:  # not recursive: the value may be deeper than Python's own stack
        entry, path, depth = stack.pop()
        if isinstance(entry, str):
            if not entry.isascii() and any("\ud800" <= c <= "\udfff" for c in entry):
                return _keys(path), "holds half of a surrogate pair, which is no character"
            if "\0" in entry:
                return _keys(path), "holds a NUL character"
        elif isinstance(entry, float):
            if not math.isfinite(entry):
                return _keys(path), "is NaN or infinite, which JSON does not have"
        elif isinstance(entry, dict | list):
            if depth >= DEEPEST:
                return _keys(path), f"is nested too deeply (more than {DEEPEST} levels)"
            pairs = entry.items() if isinstance(entry, dict) else enumerate(entry)
            for key, inner in pairs:
                stack.append((inner, (key, path), depth + 1))
                if (
                    isinstance(key, str) and not key.isprintable()
                ):  # others hold neither a NUL nor half a surrogate pair
                    stack.append((key, (key, path), depth + 1))
    return None


def canonical(value: Any) -> str:
    """The JSON text by which values are compared: keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _keys(path: tuple[Any, ...] | None) -> str:
    keys: list[Any] = []
    while path is not None:
        keys.append(path[0])
        path = path[1]
    return path_of(reversed(keys))
