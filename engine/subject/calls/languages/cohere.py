"""Command R and Apertus: JSON lists between marks of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from engine.subject.calls.language import Found, Language, calls_of, json_blocks
from engine.subject.calls.offer import Offer


class Cohere(Language):
    """`<|START_ACTION|>[{"tool_name": "f", "parameters": {...}}]`, or `<|tools_prefix|>[{"f": {...}}]`."""

    name: ClassVar[str] = "cohere"
    label: ClassVar[str] = "Command R (<|START_ACTION|>)"
    opening: ClassVar[re.Pattern[str]] = re.compile(r"<\|START_ACTION\|>|<\|tools_prefix\|>")

    def read(self, text: str, offer: Offer) -> Found:
        """The list behind each mark."""
        values, parts = json_blocks(text, self.opening, ("<|END_ACTION|>", "<|tools_suffix|>"))
        return calls_of([_named(value) for value in values], parts)


def _named(value: Any) -> Any:
    """`{"f": {...}}` as `{"name": "f", "arguments": {...}}`."""
    if isinstance(value, list):
        return [_named(entry) for entry in value]
    if isinstance(value, Mapping) and len(value) == 1 and isinstance(arguments := next(iter(value.values())), Mapping):
        return {"name": next(iter(value)), "arguments": dict(arguments)}
    return value
