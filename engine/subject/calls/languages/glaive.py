"""Glaive: `<functioncall> {"name": "f", "arguments": '{"city": "Rome"}'}`."""

from __future__ import annotations

import re
from typing import ClassVar

from engine.subject.calls.language import Found, Language, calls_of, json_blocks
from engine.subject.calls.offer import Offer


class Glaive(Language):
    """JSON after a tag, its arguments as text between single quotes."""

    name: ClassVar[str] = "glaive"
    label: ClassVar[str] = "Glaive (<functioncall>)"
    opening: ClassVar[re.Pattern[str]] = re.compile(r"<functioncall>")

    def read(self, text: str, offer: Offer) -> Found:
        """One call in each block."""
        return calls_of(*json_blocks(text, self.opening, ("</functioncall>", "<|endoftext|>")))
