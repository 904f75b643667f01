r"""Qwen3-Coder: `<tool_call><function=f><parameter=city>\nRome\n</parameter></function></tool_call>`."""

from __future__ import annotations

import re
from typing import ClassVar

from engine.subject.calls import json_text
from engine.subject.calls.call import Call, Unreadable
from engine.subject.calls.elements import arguments, skip
from engine.subject.calls.language import Found, Language
from engine.subject.calls.offer import Offer

_FUNCTION = re.compile(r"<function=([^<>\n]{1,256})>\s*")
_PARAMETER = re.compile(r"<parameter=(?P<key>[^<>\n]{1,256})>")


class QwenCoder(Language):
    """Elements without types; also as Seed-OSS and Nemotron 3 have them."""

    name: ClassVar[str] = "qwen-coder"
    label: ClassVar[str] = "Qwen3-Coder (<function=...> elements)"
    opening: ClassVar[re.Pattern[str]] = re.compile(r"(?:<(?:seed:)?tool_call>\s*)?<function=")

    def read(self, text: str, offer: Offer) -> Found:
        """A function in each block."""
        calls: list[Call] = []
        parts: list[tuple[int, int]] = []
        at = 0
        while found := self.opening.search(text, at):
            function = _FUNCTION.search(text, found.start())
            if function is None or function.start() > found.end():
                raise Unreadable("no function's name")
            name, at = function[1].strip(), function.end()
            if text.startswith("{", at):
                value, at = json_text.decode(text, at)
                at = skip(text, at)
            else:
                value, at = arguments(text, at, name, _PARAMETER, "</parameter>", ("</function>",), offer)
            if not text.startswith("</function>", at):
                raise Unreadable("a function has no end")
            calls.append(json_text.call(name, value))
            at += len("</function>")
            behind = skip(text, at)
            closing = next((c for c in ("</tool_call>", "</seed:tool_call>") if text.startswith(c, behind)), "")
            at = behind + len(closing) if closing else at
            parts.append((found.start(), at))
        return Found(calls, parts)
