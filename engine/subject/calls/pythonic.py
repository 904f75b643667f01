"""Calls written as Python: `[weather(city="Rome", days=3)]`. Parsed, never run; literals only."""

from __future__ import annotations

import ast
import keyword
import re

from engine.subject.calls.call import Call, Unreadable
from engine.subject.calls.offer import Offer
from engine.subject.calls.python_values import expressions, unique, value_of

_PLAIN = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_STAND_IN = "_word{}_of_another_language"  # for names that Python does not allow


def calls_in(text: str, offer: Offer) -> list[Call]:
    """The calls a text is: `f(a=1)`, several on lines of their own or after `;`, or a list of them.

    Values without a name take the names of the tool's arguments in the order of its schema.

    Raises:
        Unreadable: Any part of it is no call of literals.
    """
    text, words = _in_python(text, offer)
    calls: list[Call] = []
    for expression in expressions(text):
        entries = expression.elts if isinstance(expression, ast.List | ast.Tuple) else [expression]
        calls += [_call(entry, words, offer) for entry in entries]
    return calls


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


def _call(node: ast.expr, words: dict[str, str], offer: Offer) -> Call:
    if not isinstance(node, ast.Call):
        raise Unreadable("no call")
    name = _name(node.func, words)
    order = list(offer.arguments(name))
    if len(node.args) > len(order):
        raise Unreadable("a value without a name")
    pairs = list(zip(order, (value_of(value, words) for value in node.args), strict=False))
    for given in node.keywords:
        if given.arg is None:
            raise Unreadable("`**` is no argument")
        pairs.append((words.get(given.arg, given.arg), value_of(given.value, words)))
    return Call(name=name, arguments=unique(pairs))


def _name(node: ast.expr, words: dict[str, str]) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise Unreadable("no function's name")
    return ".".join(words.get(part, part) for part in reversed([*parts, node.id]))
