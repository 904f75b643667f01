r"""GLM 4.5 and later: `<tool_call>f\n<arg_key>city</arg_key>\n<arg_value>Rome</arg_value>\n</tool_call>`."""

from __future__ import annotations

import re
from typing import ClassVar

from engine.subject.calls import json_text
from engine.subject.calls.call import Call, Unreadable
from engine.subject.calls.elements import arguments
from engine.subject.calls.language import Found, Language
from engine.subject.calls.offer import Offer

_HEAD = re.compile(r"<tool_call>\s*([^<>{}\[\]\n]{1,256}?)\s*(?:<tool_sep>\s*)?(?=<|$)")
_ARGUMENT = re.compile(r"<arg_key>(?P<key>[^<>\n]{1,256})</arg_key>\s*<arg_value>")


class Glm(Language):
    """Elements of names and values without types; also as Hunyuan has them."""

    name: ClassVar[str] = "glm"
    label: ClassVar[str] = "GLM (<arg_key> and <arg_value> elements)"
    opening: ClassVar[re.Pattern[str]] = re.compile(r"<tool_call>\s*[^\s{\[<]")

    def read(self, text: str, offer: Offer) -> Found:
        """A function in each block. A name alone is a call only of a tool on offer."""
        calls: list[Call] = []
        parts: list[tuple[int, int]] = []
        at = 0
        while found := self.opening.search(text, at):
            head = _HEAD.match(text, found.start())
            if head is None:
                raise Unreadable("no function's name")
            name = head[1].strip()
            after = ("</tool_call>", "<tool_call>")
            value, at = arguments(text, head.end(), name, _ARGUMENT, "</arg_value>", after, offer, breaks=False)
            if not text.startswith("</tool_call>", at) or (not value and name not in offer.names):
                raise Unreadable("a function has no end, or is not on offer")
            at += len("</tool_call>")
            calls.append(json_text.call(name, value))
            parts.append((found.start(), at))
        return Found(calls, parts)
