"""Granite 3 and Phi 4: `<|tool_call|>[{"name": "f", "arguments": {...}}]`; also `functools[...]` and `<TOOLCALL>`."""

from __future__ import annotations

import re
from typing import ClassVar

from engine.subject.calls.language import Found, Language, calls_of, json_blocks
from engine.subject.calls.offer import Offer

_MARKS = re.compile(r"<\|tool_calls?\|>\s*|functools\s*(?=\[)|<TOOLCALL>\s*|<\|action_start\|>\s*<\|plugin\|>\s*")
_ENDS = re.compile(r"<\|/tool_calls?\|>|</TOOLCALL>|<\|action_end\|>|<\|tool_call_end\|>")


class Granite(Language):
    """A list of calls after a mark; also as Nemotron and InternLM have it."""

    name: ClassVar[str] = "granite"
    label: ClassVar[str] = "Granite (a JSON list after <|tool_call|>)"
    opening: ClassVar[re.Pattern[str]] = _MARKS

    def read(self, text: str, offer: Offer) -> Found:
        """The lists behind each mark."""
        values, parts = json_blocks(text, self.opening)
        return calls_of(values, [(start, _end(text, end)) for start, end in parts])


def _end(text: str, at: int) -> int:
    found = _ENDS.match(text, at)
    return found.end() if found else at
