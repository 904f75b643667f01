"""LFM2: `<|tool_call_start|>[f(city="Rome")]<|tool_call_end|>`; also Olmo 3 and Llama 4, which mark Python likewise."""

from __future__ import annotations

import re
from typing import ClassVar

from engine.subject.calls import json_text, pythonic
from engine.subject.calls.call import Call, Unreadable
from engine.subject.calls.language import Found, Language
from engine.subject.calls.offer import Offer

_CLOSINGS = re.compile(r"<\|tool_call_end\|>|</function_calls>|<\|python_end\|>")
_TRIES = 8  # ends that are tried: a value may hold one


class Lfm2(Language):
    """Calls as Python, or JSON, between marks."""

    name: ClassVar[str] = "lfm2"
    label: ClassVar[str] = "LFM2 (Python between <|tool_call_start|> marks)"
    opening: ClassVar[re.Pattern[str]] = re.compile(
        r"<\|tool_call_start\|>|<\|python_start\|>|<function_calls>\s*(?=[A-Za-z_]|\[\s*[A-Za-z_])"
    )

    def read(self, text: str, offer: Offer) -> Found:
        """One call or several in each block."""
        calls: list[Call] = []
        parts: list[tuple[int, int]] = []
        at = 0
        while found := self.opening.search(text, at):
            more, at = _block(text, found.end(), offer)
            calls += more
            parts.append((found.start(), at))
        if not calls:
            raise Unreadable("no call")
        return Found(calls, parts)


def _block(text: str, at: int, offer: Offer) -> tuple[list[Call], int]:
    for tried, closing in enumerate(_CLOSINGS.finditer(text, at), start=1):
        try:
            return _calls(text[at : closing.start()].strip(), offer), closing.end()
        except Unreadable:
            if tried == _TRIES:
                raise
    return _calls(text[at:].strip(), offer), len(text)


def _calls(body: str, offer: Offer) -> list[Call]:
    if body[:1] == "{" or re.match(r"\[\s*\{", body):
        return json_text.calls_in(json_text.loose(body))
    return pythonic.calls_in(body, offer)
