"""gpt-oss (Harmony): `<|channel|>commentary to=functions.f <|constrain|>json<|message|>{...}<|call|>`."""

from __future__ import annotations

import re
from typing import ClassVar

from engine.subject.calls import json_text
from engine.subject.calls.call import Call, Unreadable
from engine.subject.calls.language import Found, Language
from engine.subject.calls.offer import Offer

_HEAD = re.compile(
    r"(?:<\|start\|>\s*assistant\s*|<\|channel\|>\s*[a-z]{1,16}\s*)?to=functions\.([^\s<>{}]{1,256})[^<>{}]{0,64}"
    r"(?:<\|channel\|>[^<>{}]{0,64})?(?:<\|constrain\|>[^<>{}]{0,64})?<\|message\|>\s*"
)
_END = re.compile(r"\s*(?:<\|call\|>)?\s*")


class Harmony(Language):
    """A message on a channel, addressed to a function."""

    name: ClassVar[str] = "harmony"
    label: ClassVar[str] = "Harmony (messages to functions)"
    opening: ClassVar[re.Pattern[str]] = re.compile(
        r"(?:<\|start\|>\s*assistant\s*|<\|channel\|>\s*[a-z]{1,16}\s*)?to=functions\."
    )

    def read(self, text: str, offer: Offer) -> Found:
        """Every message to a function."""
        calls: list[Call] = []
        parts: list[tuple[int, int]] = []
        at = 0
        while found := self.opening.search(text, at):
            head = _HEAD.match(text, found.start())
            if head is None:
                raise Unreadable("no function's name")
            arguments, at = json_text.decode(text, head.end())
            calls.append(json_text.call(head[1], arguments))
            end = _END.match(text, at)
            at = end.end() if end else at
            parts.append((found.start(), at))
        return Found(calls, parts)
