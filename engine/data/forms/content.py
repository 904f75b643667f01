"""A message's content: text, or a list of typed parts (text, thought, call, result) as the various APIs spell them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.data.problems import Unusable
from engine.data.row import Row
from engine.data.tools.calls import Call, calls_in, read_call
from engine.data.tools.reading import Tools

_TEXTS = ("text", "input_text", "output_text")
_THOUGHTS = ("reasoning", "thinking", "redacted_thinking", "thought", "reasoning_content", "think")
_CALLS = ("tool_call", "tool_use", "tool-call", "toolUse", "function_call", "functionCall", "toolCall", "function")
_RESULTS = ("tool_result", "tool-result", "toolResult", "function_response", "functionResponse", "tool_response")
_HELD = ("text", "value", "content")


@dataclass
class Content:
    """What a message holds.

    Attributes:
        texts: Pieces of text, in which calls and thoughts may still be written.
        thoughts: Number of parts that are thoughts.
        calls: Calls given as typed parts.
        results: (id of the call or "", the tool's result as text).
    """

    texts: list[str] = field(default_factory=list)
    thoughts: int = 0
    calls: list[Call] = field(default_factory=list)
    results: list[tuple[str, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text as one."""
        return "".join(self.texts)


def read_content(value: Any, row: Row, place: str, tools: Tools) -> Content:
    """A message's content. Raises Unusable for a part of any other type, such as an image."""
    found = Content()
    if value is None:
        return found
    parts = value if isinstance(value, list) else [value]
    for at, part in enumerate(parts):
        if part is not None:
            _take(part, found, row, f"{place}[{at}]" if isinstance(value, list) else place, tools)
    return found


def _take(part: Any, found: Content, row: Row, place: str, tools: Tools) -> None:
    if isinstance(part, str):
        found.texts.append(part)
        return
    if not isinstance(part, Mapping):
        raise Unusable(place, "must be text, or a part with a type")
    part = {key: entry for key, entry in part.items() if entry is not None}
    kind = part.get("type")
    if kind is None:  # Bedrock and Gemini name the kind by the key
        kind = next((key for key in (*_CALLS, *_RESULTS, *_THOUGHTS) if key in part), "text" if "text" in part else "")
        if kind == "thought" and isinstance(part.get("text"), str):  # Gemini: {"text": ..., "thought": true}
            kind = "thought" if part["thought"] is True else "text"
    if kind in _THOUGHTS:
        found.thoughts += 1
    elif kind in _CALLS:
        found.calls += _calls(part, str(kind), row, place, tools)
    elif kind in _RESULTS:
        found.results.append(_result(part, str(kind), place))
    elif kind in _TEXTS:
        key = next((key for key in _HELD if key in part), "text")
        if not isinstance(part.get(key), str):
            raise Unusable(f"{place}.{key}", "must be text" if key in part else "is missing")
        found.texts.append(part[key])
    else:
        raise Unusable(place, "must be a part of text, thought, call or result; images and sound cannot be used")


def _calls(part: Mapping[str, Any], kind: str, row: Row, place: str, tools: Tools) -> list[Call]:
    """The calls of a part; the call is the part itself, or stands in one of its fields."""
    for key in ("value", "content", "text", kind.replace("-", "_"), kind):
        if key in part and not (key == "function" and isinstance(part[key], str)):  # a text there is the call's name
            return list(calls_in(part[key], row, f"{place}.{key}", tools))
    return [read_call(part, row, place, tools)]


def _result(part: Mapping[str, Any], kind: str, place: str) -> tuple[str, str]:
    inner = part.get(kind) if isinstance(part.get(kind), Mapping) else part
    assert isinstance(inner, Mapping)
    key = next((k for k in ("content", "value", "output", "response", "result", "text") if k in inner), None)
    call = next((inner[k] for k in ("tool_use_id", "toolUseId", "tool_call_id", "toolCallId", "id") if k in inner), "")
    return str(call), as_text(inner[key]) if key else ""


def as_text(value: Any) -> str:
    """A tool's result as text: joined, where it is parts of text, and as JSON where it is no text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value:
        texts = [_part_text(part) for part in value]
        if all(text is not None for text in texts):
            return "".join(text or "" for text in texts)
    return json.dumps(value, ensure_ascii=False) if value is not None else ""


def _part_text(part: Any) -> str | None:
    if not isinstance(part, Mapping) or part.get("type", "text") != "text":
        return None
    text = next((part[key] for key in ("text", "value") if key in part), None)
    return text if isinstance(text, str) else None
