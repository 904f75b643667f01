"""Glaive's rows: the tools as words in `system`, the conversation as one text in `chat` (or both in `sample`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.data.conversation import Grader, Turn, examples
from engine.data.forms.offered import described_tools, row_tools
from engine.data.forms.spoken import read_answer, read_calls, without_end
from engine.data.notes import FROM_SYSTEM
from engine.data.problems import Unusable
from engine.data.row import Row
from engine.data.tools.reading import Tools
from engine.spec.example import Example

_SPEAKER = re.compile(
    r"(?:^|(?<=\n)|(?<=<\|endoftext\|>))[ \t]*(SYSTEM|USER|ASSISTANT|FUNCTION RESPONSE|FUNCTION CALL):"
)
_ROLES = {"SYSTEM": "system", "USER": "user", "FUNCTION RESPONSE": "tool"}


def find(value: Mapping[str, Any]) -> str:
    """The form of a row in words; "" where it is not this one."""
    chat, sample = value.get("chat"), value.get("sample")
    if isinstance(chat, str) and "USER:" in chat:
        return "system and chat as text (Glaive)"
    if isinstance(sample, str) and "USER:" in sample and "ASSISTANT:" in sample:
        return "a conversation as one text (Glaive)"
    return ""


def read(key: str, value: Mapping[str, Any], row: Row, grader: Grader) -> list[Example]:
    """The examples of a row; what is wrong with it is noted in the row. Raises Unusable."""
    field = "chat" if isinstance(value.get("chat"), str) else "sample"
    said = _pieces(value[field], field)
    system = value.get("system")
    if system is not None and not isinstance(system, str):
        raise Unusable("system", "must be text")
    first = _pieces(system, "system") if system and _SPEAKER.search(system) else [("SYSTEM", system or "")]
    pieces = [("system", who, text) for who, text in first] + [(field, who, text) for who, text in said]
    tools, turns = row_tools(value, row), []
    for place, who, text in pieces:
        if who == "SYSTEM" and not tools.schemas and not row.failed:
            tools, text = described_tools(text, row, place)
            row.note(FROM_SYSTEM, int(bool(tools.schemas)))
        if row.failed:
            return []
        with row.part():
            if turn := _turn(who, text.strip(), place, len(turns), tools, row):
                turns.append(turn)
    return [] if row.failed else examples(key, turns, tools, row, field, grader)


def _pieces(text: str, field: str) -> list[tuple[str, str]]:
    """Who speaks, and what."""
    marks = list(_SPEAKER.finditer(text))
    if not marks or text[: marks[0].start()].strip():
        raise Unusable(field, "must begin with SYSTEM:, USER: or ASSISTANT:")
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return [(mark[1], text[mark.end() : end]) for mark, end in zip(marks, ends, strict=True)]


def _turn(who: str, text: str, field: str, at: int, tools: Tools, row: Row) -> Turn | None:
    place = f"{field}, turn {at + 1}"
    if who in _ROLES:
        words = without_end(text)
        if who == "USER" and not words.strip():
            raise Unusable(place, "must not be empty")
        return Turn(_ROLES[who], words, place) if words.strip() or who != "SYSTEM" else None
    said = (read_calls if who == "FUNCTION CALL" else read_answer)(text, tools, row, place)
    return Turn("assistant", said.words, place, said.calls)
