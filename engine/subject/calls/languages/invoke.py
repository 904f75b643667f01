"""MiniMax M2, Anthropic and DeepSeek V4: `<invoke name="f"><parameter name="city">Rome</parameter></invoke>`."""

from __future__ import annotations

import re
from typing import ClassVar

from engine.subject.calls import json_text
from engine.subject.calls.call import Call, Unreadable
from engine.subject.calls.elements import arguments
from engine.subject.calls.language import Found, Language
from engine.subject.calls.offer import Offer

_MARK = "(?:｜DSML｜|antml:)?"
_HEAD = re.compile(rf'<{_MARK}invoke name="([^"<>\n]{{1,256}})">\s*')
_PARAMETER = re.compile(rf'<{_MARK}parameter name="(?P<key>[^"<>\n]{{1,256}})"(?: string="(?P<string>true|false)")?>')
_OUTSIDE = re.compile(
    r"\s*</?(?:minimax:tool_call|function_calls|｜DSML｜(?:function_calls|tool_calls)|antml:function_calls)>\s*"
)


class Invoke(Language):
    """Elements with the names as attributes."""

    name: ClassVar[str] = "invoke"
    label: ClassVar[str] = "MiniMax (<invoke name=...> elements)"
    opening: ClassVar[re.Pattern[str]] = re.compile(
        rf"<{_MARK}invoke name=|<minimax:tool_call>|<(?:｜DSML｜|antml:)(?:function_calls|tool_calls)>"
        r"|<function_calls>(?=\s*<)"
    )

    def read(self, text: str, offer: Offer) -> Found:
        """Every function that is invoked."""
        calls: list[Call] = []
        first = self.opening.search(text)
        start = at = first.start() if first else 0
        while True:
            while outside := _OUTSIDE.match(text, at):
                at = outside.end()
            head = _HEAD.match(text, at)
            if head is None:
                break
            mark = next((m for m in ("｜DSML｜", "antml:") if m in head[0]), "")
            end = f"</{mark}invoke>"
            value, at = arguments(text, head.end(), head[1], _PARAMETER, f"</{mark}parameter>", (end,), offer)
            if not text.startswith(end, at):
                raise Unreadable("a function has no end")
            calls.append(json_text.call(head[1], value))
            at = re.compile(r"\s*").match(text, at + len(end)).end()  # type: ignore[union-attr]
        if not calls or self.opening.search(text, at):
            raise Unreadable("no call")
        return Found(calls, [(start, at)])
