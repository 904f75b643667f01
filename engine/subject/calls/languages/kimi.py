"""Kimi K2: `<|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{...}<|tool_call_end|>` in a section."""

from __future__ import annotations

import re
from typing import ClassVar

from engine.subject.calls import json_text
from engine.subject.calls.call import Call, Unreadable
from engine.subject.calls.language import Found, Language
from engine.subject.calls.offer import Offer

_CALL = re.compile(
    r"\s*(?:<\|tool_calls_section_begin\|>)?\s*<\|tool_call_begin\|>\s*(?:functions\.)?([^\s<>{}:]{1,256})(?::\d{1,6})?"
    r"\s*<\|tool_call_argument_begin\|>\s*"
)
_END = re.compile(r"\s*<\|tool_call_end\|>(?:\s*<\|tool_calls_section_end\|>)?")


class Kimi(Language):
    """A section of calls, each named by its id."""

    name: ClassVar[str] = "kimi"
    label: ClassVar[str] = "Kimi K2 (<|tool_calls_section_begin|>)"
    opening: ClassVar[re.Pattern[str]] = re.compile(r"<\|tool_calls_section_begin\|>|<\|tool_call_begin\|>")

    def read(self, text: str, offer: Offer) -> Found:
        """Every call of the section."""
        calls: list[Call] = []
        first = self.opening.search(text)
        start = at = first.start() if first else 0
        while head := _CALL.match(text, at):
            arguments, at = json_text.decode(text, head.end())
            end = _END.match(text, at)
            if end is None:
                raise Unreadable("a call has no end")
            calls.append(json_text.call(head[1], arguments))
            at = end.end()
        if not calls or self.opening.search(text, at):
            raise Unreadable("no call")
        return Found(calls, [(start, at)])
