"""Gemma 3 as its guide has it: calls as Python in a fenced block marked `tool_code` or `tool_call`."""

from __future__ import annotations

import re
from typing import ClassVar

from engine.subject.calls import json_text, pythonic
from engine.subject.calls.call import Call
from engine.subject.calls.language import Found, Language
from engine.subject.calls.offer import Offer

_PRINTED = re.compile(r"print\((.*)\)", re.DOTALL)


class Gemma(Language):
    """Python, or JSON, between fences."""

    name: ClassVar[str] = "gemma"
    label: ClassVar[str] = "Gemma (```tool_code blocks)"
    opening: ClassVar[re.Pattern[str]] = re.compile(r"```[ \t]*tool_(?:code|calls?)\b[ \t]*\n?")

    def read(self, text: str, offer: Offer) -> Found:
        """One call or several in each block."""
        calls: list[Call] = []
        parts: list[tuple[int, int]] = []
        at = 0
        while found := self.opening.search(text, at):
            end = text.find("\n```", found.end())
            end = end if end >= 0 else text.find("```", found.end())
            body = text[found.end() : end if end >= 0 else len(text)].strip()
            calls += _calls(body, offer)
            at = text.find("```", end) + 3 if end >= 0 else len(text)
            parts.append((found.start(), at))
        return Found(calls, parts)


def _calls(body: str, offer: Offer) -> list[Call]:
    if body[:1] == "{" or body[:2] in ("[{", "[\n"):
        return json_text.calls_in(json_text.loose(body))
    printed = _PRINTED.fullmatch(body)
    found = pythonic.calls_in(printed[1] if printed and "print" not in offer.names else body, offer)
    return [Call(name=call.name.removeprefix("default_api."), arguments=call.arguments) for call in found]
