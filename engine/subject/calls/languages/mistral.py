"""Mistral: `[TOOL_CALLS] [{...}]`, and since 2025 `[TOOL_CALLS]f[ARGS]{...}`."""

from __future__ import annotations

import re
from typing import ClassVar

from engine.subject.calls import json_text
from engine.subject.calls.call import Unreadable
from engine.subject.calls.language import Found, Language, calls_of, json_blocks
from engine.subject.calls.offer import Offer

_NAMED = re.compile(
    r"\s*(?:\[TOOL_CALLS\])?\s*([^\s\[\]{}]{1,256})\s*(?:\[CALL_ID\][^\[\]{}]{0,64})?(?:\[ARGS\])?\s*(?=\{)"
)


class Mistral(Language):
    """A list of calls, or names with their arguments behind them."""

    name: ClassVar[str] = "mistral"
    label: ClassVar[str] = "Mistral ([TOOL_CALLS])"
    opening: ClassVar[re.Pattern[str]] = re.compile(r"\[TOOL_CALLS\]\s*")

    def read(self, text: str, offer: Offer) -> Found:
        """Both forms; which one the first character says."""
        first = self.opening.search(text)
        if first is None:
            raise Unreadable("no call")
        if text[first.end() : first.end() + 1] in ("{", "["):
            return calls_of(*json_blocks(text, self.opening))
        calls, at = [], first.start()
        while named := _NAMED.match(text, at):
            arguments, at = json_text.decode(text, named.end())
            calls.append(json_text.call(named[1], arguments))
        if not calls or "[TOOL_CALLS]" in text[at:]:
            raise Unreadable("a name without arguments")
        return Found(calls, [(first.start(), at)])
