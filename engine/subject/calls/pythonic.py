"""Calls written as Python: `[weather(city="Rome", days=3)]`. Parsed, never run; literals only."""

from __future__ import annotations

import ast
import keyword
import math
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from engine.subject.calls.call import Call, Unreadable

if TYPE_CHECKING:
    from engine.subject.calls.offer import Offer

DEEPEST = 64  # nested brackets
_JSON = {"true": True, "false": False, "null": None}
_PLAIN = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_STAND_IN = "_word{}_of_another_language"  # for names that Python does not allow


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
    found = _expressions(text)
    if len(found) != 1:
        raise Unreadable("not one value")
    return _value(found[0], {})


def calls_in(text: str, offer: Offer) -> list[Call]:
    """The calls a text is: `f(a=1)`, several on lines of their own or after `;`, or a list of them.

    Values without a name take the names of the tool's arguments in the order of its schema.

    Raises:
        Unreadable: Any part of it is no call of literals.
    """
    text, words = _in_python(text, offer)
    calls: list[Call] = []
    for expression in _expressions(text):
        entries = expression.elts if isinstance(expression, ast.List | ast.Tuple) else [expression]
        calls += [_call(entry, words, offer) for entry in entries]
    return calls


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


def _in_python(text: str, offer: Offer) -> tuple[str, dict[str, str]]:
    """The text with stand-ins for names that are no Python (`get-news`, `from`), and what they stand for."""
    known = {*offer.names, *(argument for name in offer.names for argument in offer.arguments(name))}
    odd = {*(set(keyword.kwlist) - {"True", "False", "None"}), *(w for w in known if w and not _is_python(w))}
    longest_first = sorted(odd, key=lambda word: (-len(word), word))
    pattern = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, longest_first))})(?=\s*(?:\(|=(?!=)))")
    words: dict[str, str] = {}

    def stand_in(match: re.Match[str]) -> str:
        word = next((key for key, value in words.items() if value == match[0]), "")
        word = word or _STAND_IN.format(len(words))
        words[word] = match[0]
        return word

    return pattern.sub(stand_in, text), words


def _is_python(word: str) -> bool:
    return bool(_PLAIN.fullmatch(word)) and not any(keyword.iskeyword(part) for part in word.split("."))


def _expressions(text: str) -> list[ast.expr]:
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


def _call(node: ast.expr, words: dict[str, str], offer: Offer) -> Call:
    if not isinstance(node, ast.Call):
        raise Unreadable("no call")
    name = _name(node.func, words)
    order = list(offer.arguments(name))
    if len(node.args) > len(order):
        raise Unreadable("a value without a name")
    pairs = list(zip(order, (_value(value, words) for value in node.args), strict=False))
    for given in node.keywords:
        if given.arg is None:
            raise Unreadable("`**` is no argument")
        pairs.append((words.get(given.arg, given.arg), _value(given.value, words)))
    return Call(name=name, arguments=_unique(pairs))


def _name(node: ast.expr, words: dict[str, str]) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise Unreadable("no function's name")
    return ".".join(words.get(part, part) for part in reversed([*parts, node.id]))


def _value(node: ast.expr | None, words: dict[str, str]) -> Any:
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
            return [_value(entry, words) for entry in entries]
        case ast.Dict(keys=keys, values=values):
            return _unique((_value(k, words), _value(v, words)) for k, v in zip(keys, values, strict=True))
        case ast.Name(id=name) if name in _JSON:
            return _JSON[name]
    raise Unreadable("no literal")


def _unique(pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if not isinstance(key, str) or key in found:
            raise Unreadable("a name that is no text, or stands twice")
        found[key] = value
    return found
