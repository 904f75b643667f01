"""FunctionGemma: `<start_function_call>call:f{city:<escape>Rome<escape>,days:3}<end_function_call>`, and Gemma 4."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from engine.subject.calls import json_text
from engine.subject.calls.call import Call, Unreadable
from engine.subject.calls.elements import skip
from engine.subject.calls.language import Found, Language
from engine.subject.calls.offer import Offer
from engine.subject.calls.python_values import DEEPEST

_NAME = re.compile(r"\s*call:\s*([^\s{}<>]{1,256})\s*")
_KEY = re.compile(r"\s*([^\s{}\[\]<>:,\"|][^{}\[\]<>:,\"|\n]{0,255}?)\s*:")
_QUOTES = ("<escape>", '<|"|>')
_ENDS = ("<end_function_call>", "<tool_call|>")
_PLAIN = re.compile(r"-?\d[\d.eE+-]*|true|false|null|True|False|None")
_WORDS = {"True": True, "False": False, "None": None}


class FunctionGemma(Language):
    """Objects whose names are bare and whose texts stand between marks of their own."""

    name: ClassVar[str] = "function-gemma"
    label: ClassVar[str] = "FunctionGemma (<start_function_call>)"
    opening: ClassVar[re.Pattern[str]] = re.compile(r"<start_function_call>|<\|tool_call>")

    def read(self, text: str, offer: Offer) -> Found:
        """A function in each block."""
        calls: list[Call] = []
        parts: list[tuple[int, int]] = []
        at = 0
        while found := self.opening.search(text, at):
            name = _NAME.match(text, found.end())
            if name is None:
                raise Unreadable("no function's name")
            value, at = _value(text, name.end(), 0)
            end = next((e for e in _ENDS if text.startswith(e, skip(text, at))), None)
            if end is None:
                raise Unreadable("a function has no end")
            at = skip(text, at) + len(end)
            calls.append(json_text.call(name[1], value))
            parts.append((found.start(), at))
        return Found(calls, parts)


def _value(text: str, at: int, depth: int) -> tuple[Any, int]:
    """The value that begins at a place, and where it ends."""
    at = skip(text, at)
    if depth > DEEPEST:
        raise Unreadable("too deep")
    for quote in _QUOTES:
        if text.startswith(quote, at):
            end = text.find(quote, at + len(quote))
            if end < 0:
                raise Unreadable("a text has no end")
            return text[at + len(quote) : end], end + len(quote)
    if text.startswith("{", at):
        return _object(text, at + 1, depth)
    if text.startswith("[", at):
        return _list(text, at + 1, depth)
    if plain := _PLAIN.match(text, at):
        word = plain[0]
        return (_WORDS[word] if word in _WORDS else json_text.loads(word)), plain.end()
    if text.startswith('"', at):
        return json_text.decode(text, at)
    raise Unreadable("no value")


def _object(text: str, at: int, depth: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    at = skip(text, at)
    while not text.startswith("}", at):
        key, at = _key(text, at)
        if key in found:
            raise Unreadable("an argument stands twice")
        found[key], at = _value(text, at, depth + 1)
        at = _separator(text, at, "}")
    return found, at + 1


def _key(text: str, at: int) -> tuple[str, int]:
    quote = next((q for q in _QUOTES if text.startswith(q, at)), "")
    if quote:
        key, at = _value(text, at, 0)
        at = skip(text, at)
        if not text.startswith(":", at):
            raise Unreadable("no value")
        return key, at + 1
    match = _KEY.match(text, at)
    if match is None:
        raise Unreadable("no name")
    return match[1], match.end()


def _list(text: str, at: int, depth: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    at = skip(text, at)
    while not text.startswith("]", at):
        value, at = _value(text, at, depth + 1)
        found.append(value)
        at = _separator(text, at, "]")
    return found, at + 1


def _separator(text: str, at: int, end: str) -> int:
    at = skip(text, at)
    if text.startswith(",", at):
        return skip(text, at + 1)
    if text.startswith(end, at):
        return at
    raise Unreadable("no comma")
