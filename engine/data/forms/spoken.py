"""Answers in words: which of them call a tool, and which only quote JSON or code to the user.

What decides is the tools on offer. Between marks that only calls have (such as `<tool_call>`), a text calls, whatever
is on offer; if it cannot be read, or names another tool, the row is refused. Without marks, JSON or code is a call
where it names a tool on offer; otherwise it is words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine import calls as texts
from engine.data.notes import NOT_OFFERED, THOUGHTS
from engine.data.problems import Unusable
from engine.data.row import Row
from engine.data.strict_json import NotJson, loads
from engine.data.tools.calls import Call, calls_in, checked
from engine.data.tools.reading import Tools

UNREADABLE = "holds what looks like a call that cannot be read"
_MARKS = re.compile(
    r"<\|?/?(tool_call|function_?call|toolcall|function=|invoke|tool_code|python_tag|action_start|start_action)"
    r"|\[TOOL_CALLS?\]|<｜tool|```tool_(code|call)|<start_function_call>|<\|tool|to=functions\.",
    re.IGNORECASE,
)
_ENDS = re.compile(r"(?:\s*(?:<\|endoftext\|>|<\|im_end\|>|<\|eot_id\|>|<\|eom_id\|>|<end_of_turn>|</s>))+\s*$")
_UNMARKED = ("", "json", "pythonic")  # languages without marks of their own
_FENCE = re.compile(r"^```\w*\s*(.*?)\s*```$", re.DOTALL)


@dataclass(frozen=True)
class Said:
    """What an answer says: its words, without thoughts and marks, and its calls."""

    words: str
    calls: tuple[Call, ...] = ()


def without_end(text: str) -> str:
    """A message without tokens that end it, which some files keep."""
    return _ENDS.sub("", text)


def read_answer(text: str, tools: Tools, row: Row, field: str) -> Said:
    """An answer in words. Raises Unusable where it holds what looks like a call and none can be read."""
    reading = texts.read(text, tools.schemas)
    if reading.thought:
        row.note(THOUGHTS)
    rest = texts.apart(text).rest
    if not reading.attempted:
        return Said(without_end(rest))
    marked = bool(_MARKS.search(rest)) or reading.language not in _UNMARKED
    if not reading.calls:
        if marked or _names_one(rest, tools):
            raise Unusable(field, UNREADABLE)
        row.note(NOT_OFFERED, int(bool(tools.schemas)))
        return Said(without_end(rest))
    if not (marked or any(call.name in tools.functions for call in reading.calls) or _only_calls(rest)):
        row.note(NOT_OFFERED, int(bool(tools.schemas)))
        return Said(without_end(rest))
    found = tuple(checked(call.name, call.arguments, row, field, tools, "") for call in reading.calls)
    return Said(without_end(reading.said).strip(), found)


def read_calls(text: str, tools: Tools, row: Row, field: str) -> Said:
    """A message that must be calls and nothing but words and thoughts beside. Raises Unusable where it is none."""
    try:
        value = loads(text)
    except NotJson:
        value = None
    if isinstance(value, dict | list):
        found = Said("", calls_in(value, row, field, tools))
    else:
        said = read_answer(text, tools, row, field)
        found = said if said.calls else Said("", _several(said.words, tools, row, field))
    if not found.calls:
        raise Unusable(field, "holds no call")
    return found


def _several(text: str, tools: Tools, row: Row, field: str) -> tuple[Call, ...]:
    """Calls that stand one under another, a line each."""
    lines = [line for line in text.splitlines() if line.strip()]
    return tuple(call for line in lines for call in calls_in(line, row, field, tools))


def _names_one(text: str, tools: Tools) -> bool:
    """Whether a text names a tool on offer as calls do."""
    return any(f'"{name}"' in text or f"'{name}'" in text or _called(name, text) for name in tools.functions)


def _called(name: str, text: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}\s*\(", text) is not None


def _only_calls(text: str) -> bool:
    """Whether a text is nothing but objects with a name and arguments: a call, though no such tool is on offer."""
    bare = text.strip()
    match = _FENCE.match(bare)
    try:
        value = loads(match[1] if match else bare)
    except NotJson:
        return False
    entries: Sequence[object] = value if isinstance(value, list) else [value]
    return all(isinstance(e, dict) and "name" in e and ({"arguments", "parameters"} & e.keys()) for e in entries)
