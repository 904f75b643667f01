"""Values written as Python literals of JSON's types, read without running them."""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.subject.calls.call import Unreadable

DEEPEST = 64  # nested brackets
_JSON = {"true": True, "false": False, "null": None}


def too_deep(text: str, at: int = 0, *, one: bool = False) -> bool:
    """Whether brackets nest deeper than any honest value's, from a place on; those within strings do not count.

    Args:
        one: A single value is meant, which begins at `at`: what follows it does not count.
    """
    for depth, _ in _depths(text, at):
        if depth > DEEPEST:
            return True
        if one and depth <= 0:
            return False
    return False


def literal(text: str) -> Any:
    """A Python literal of JSON's types, tuples as lists. Raises Unreadable."""
    found = expressions(text)
    if len(found) != 1:
        raise Unreadable("not one value")
    return value_of(found[0], {})


def end_of(text: str, at: int) -> int:
    """Where the bracket that opens at `at` has closed, strings passed over; -1 where it does not."""
    return next((end for depth, end in _depths(text, at) if depth == 0), -1)


_MARKS = re.compile(r"\\.|[\[\](){}'\"]", re.DOTALL)


def _depths(text: str, at: int) -> Iterator[tuple[int, int]]:
    """How deep brackets nest after each one outside of strings, and where that one ends."""
    depth, quote = 0, ""
    for match in _MARKS.finditer(text, at):
        mark = match[0]
        if quote:
            quote = "" if mark == quote else quote
        elif mark in "'\"":
            quote = mark
        elif len(mark) == 1:
            depth += 1 if mark in "[{(" else -1
            yield depth, match.end()


def expressions(text: str) -> list[ast.expr]:
    """The expressions that a text consists of. Raises Unreadable."""
    text = text.strip()
    try:
        tree = _parsed(text)
    except Unreadable:
        if "\n" not in text:
            raise
        tree = _parsed(_without_breaks(text))
    found = [statement.value for statement in tree.body if isinstance(statement, ast.Expr)]
    if not found or len(found) != len(tree.body):
        raise Unreadable("not only calls")
    return found


def _parsed(text: str) -> ast.Module:
    if too_deep(text):
        raise Unreadable("too deep")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a model's backslashes are no concern of the user's
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(str(error)) from error


def _without_breaks(text: str) -> str:
    """Line breaks within strings escaped: templates put strings between quotes as they are."""
    found: list[str] = []
    quote, last = "", 0
    for match in re.finditer(r"\\.|['\"\n]", text, re.DOTALL):
        mark = match[0]
        if mark == "\n" and quote:
            found += [text[last : match.start()], "\\n"]
            last = match.end()
        elif mark in "'\"" and quote in ("", mark):
            quote = "" if quote else mark
    return "".join([*found, text[last:]])


def value_of(node: ast.expr | None, words: Mapping[str, str]) -> Any:
    """A literal's value. Raises Unreadable.

    Args:
        words: What parts of its texts stand for.
    """
    match node:
        case ast.Constant(value=str() as text):
            for word, meant in words.items():
                text = text.replace(word, meant)
            return text
        case ast.Constant(value=bool() | int() | None as value):
            return value
        case ast.Constant(value=float() as value) if math.isfinite(value):
            return value
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=ast.Constant(value=int() | float() as value)):
            if not isinstance(value, bool) and math.isfinite(value):
                return -value if isinstance(sign, ast.USub) else value
        case ast.List(elts=entries) | ast.Tuple(elts=entries):
            return [value_of(entry, words) for entry in entries]
        case ast.Dict(keys=keys, values=values):
            return unique((value_of(k, words), value_of(v, words)) for k, v in zip(keys, values, strict=True))
        case ast.Name(id=name) if name in _JSON:
            return _JSON[name]
    raise Unreadable("no literal")


def unique(pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    """Names and values as an object. Raises Unreadable where a name is no text, or given twice."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if not isinstance(key, str) or key in found:
            raise Unreadable("a name that is no text, or stands twice")
        found[key] = value
    return found
