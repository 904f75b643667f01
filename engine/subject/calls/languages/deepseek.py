"""DeepSeek V3, R1 and V3.1: `<｜tool▁call▁begin｜>function<｜tool▁sep｜>f`, with JSON in a fence or bare."""

from __future__ import annotations

import re
from typing import ClassVar

from engine.subject.calls import json_text
from engine.subject.calls.call import Call, Unreadable
from engine.subject.calls.language import Found, Language
from engine.subject.calls.offer import Offer

_HEAD = re.compile(
    r"<｜tool▁call▁begin｜>\s*(?:function\s*<｜tool▁sep｜>\s*([^\s<{`]{1,256})|([^\s<{`]{1,256})\s*<｜tool▁sep｜>)"
    r"\s*(?:```(?:json)?)?\s*(?=\{)"
)
_TAIL = re.compile(r"\s*(?:```)?\s*<｜tool▁call▁end｜>\s*")
_SECTION = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"


class Deepseek(Language):
    """A section of calls, each with its name and its arguments as JSON."""

    name: ClassVar[str] = "deepseek"
    label: ClassVar[str] = "DeepSeek (<｜tool▁calls▁begin｜>)"
    opening: ClassVar[re.Pattern[str]] = re.compile(r"<｜tool▁calls▁begin｜>|<｜tool▁call▁begin｜>")

    def read(self, text: str, offer: Offer) -> Found:
        """Every call of the section."""
        calls: list[Call] = []
        first = self.opening.search(text)
        start = at = first.start() if first else 0
        at = at + len(_SECTION[0]) if text.startswith(_SECTION[0], at) else at
        while (begin := text.find("<｜tool▁call▁begin｜>", at)) >= 0:
            head = _HEAD.match(text, begin)
            if head is None or text[at:begin].strip():
                raise Unreadable("no function's name")
            arguments, at = json_text.decode(text, head.end())
            tail = _TAIL.match(text, at)
            if tail is None:
                raise Unreadable("a call has no end")
            calls.append(json_text.call(head[1] or head[2], arguments))
            at = tail.end()
        if not calls:
            raise Unreadable("no call")
        at = at + len(_SECTION[1]) if text.startswith(_SECTION[1], at) else at
        return Found(calls, [(start, at)])
