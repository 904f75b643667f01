"""Hermes, Qwen 2.5 and 3, and most others: `<tool_call>{"name": "f", "arguments": {...}}</tool_call>`."""

from __future__ import annotations

import re
from typing import ClassVar

from engine.subject.calls.language import Found, Language, calls_of, json_blocks
from engine.subject.calls.offer import Offer

OPEN, CLOSE = "<tool_call>", "</tool_call>"


class Hermes(Language):
    """JSON between tags; also as Jamba and MiniMax M1 spell the tag."""

    name: ClassVar[str] = "hermes"
    label: ClassVar[str] = "Hermes (JSON between <tool_call> tags)"
    opening: ClassVar[re.Pattern[str]] = re.compile(
        r"<tool_calls?>|<function_call>|<function_calls>(?=\s*(?:\{|\[\s*[{\]]))"
    )

    def read(self, text: str, offer: Offer) -> Found:
        """A value or several in each block."""
        closings = (CLOSE, "</tool_calls>", "</function_call>", "</function_calls>")
        return calls_of(*json_blocks(text, self.opening, closings))
