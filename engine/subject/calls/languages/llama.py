"""Llama 3: `<|python_tag|>{"name": "f", "parameters": {...}}`, and `<function=f>{...}</function>`."""

from __future__ import annotations

import re
from typing import ClassVar

from engine.subject.calls import json_text, pythonic
from engine.subject.calls.call import Call, Unreadable
from engine.subject.calls.language import Found, Language, calls_of, json_blocks
from engine.subject.calls.offer import Offer

_TAG = re.compile(r"<\|python_tag\|>\s*")
_FUNCTION = re.compile(r"<function=([^<>{}\n]{1,256})>\s*(?=\{)")


class Llama(Language):
    """JSON after the tag, a built-in tool (`brave_search.call(query="x")`), or a function's own element."""

    name: ClassVar[str] = "llama"
    label: ClassVar[str] = "Llama 3 (<|python_tag|>)"
    opening: ClassVar[re.Pattern[str]] = re.compile(f"{_TAG.pattern}|{_FUNCTION.pattern}")

    def read(self, text: str, offer: Offer) -> Found:
        """Which form it is the opening says."""
        if not (tag := _TAG.search(text)):
            return _functions(text)
        if text[tag.end() : tag.end() + 1] in ("{", "["):
            return calls_of(*json_blocks(text, _TAG))
        calls = pythonic.calls_in(text[tag.end() :], offer)
        calls = [Call(name=call.name.removesuffix(".call"), arguments=call.arguments) for call in calls]
        return Found(calls, [(tag.start(), len(text))])


def _functions(text: str) -> Found:
    calls, parts, at = [], [], 0
    while found := _FUNCTION.search(text, at):
        arguments, at = json_text.decode(text, found.end())
        closing = re.compile(r"\s*</function>").match(text, at)
        if not closing:
            raise Unreadable("no end")
        at = closing.end()
        calls.append(json_text.call(found[1], arguments))
        parts.append((found.start(), at))
    return Found(calls, parts)
