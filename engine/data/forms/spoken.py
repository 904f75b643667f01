"""Answers in words: which of them call a tool, and which only quote JSON or code to the user.

What decides is the tools on offer. Between marks that only calls have (such as `<tool_call>`), a text calls, whatever
is on offer; if it cannot be read, or names another tool, the row is refused. Without marks, JSON or code is a call
where it names a tool on offer. An answer that is JSON and cannot be read, or has keys that only calls have, is refused
where there are tools, for grading would take it for a call; otherwise it is words. Words that put the name of a tool
on offer where calls have it (`Action: get_weather`, a block of code with `get_weather(`) are refused too: taken for
words they would teach that no tool was right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from engine.data.notes import NOT_OFFERED, THOUGHTS
from engine.data.problems import Unusable
from engine.data.row import Row
from engine.data.strict_json import NotJson, loads
from engine.data.tools.calls import Call, calls_in, checked
from engine.data.tools.reading import Tools
from engine.subject import calls as texts

UNREADABLE = "holds what looks like a call that cannot be read"
_MARKS = re.compile(
    r"<\|?/?(tool_call|function_?call|toolcall|function=|invoke|tool_code|python_tag|action_start|start_action)"
    r"|\[TOOL_CALLS?\]|<｜tool|```tool_(code|call)|<start_function_call>|<\|tool|to=functions\.",
    re.IGNORECASE,
)
_ENDS = re.compile(r"(?:\s*(?:<\|endoftext\|>|<\|im_end\|>|<\|eot_id\|>|<\|eom_id\|>|<end_of_turn>|</s>))+\s*$")
_UNMARKED = ("", "json", "pythonic")  # languages without marks of their own
_BRACKETS = re.compile(r"\[\s*[A-Za-z_][\w.]*\(.*\)\s*\]", re.DOTALL)  # [f(a=1)], as ToolACE has them
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
    rest = texts.apart(text, tools.schemas).rest
    words = without_end(rest).strip() if rest != text else text
    if not reading.attempted:
        if _hints(rest, tools):
            raise Unusable(field, UNREADABLE)
        return Said(words)
    marked = bool(_MARKS.search(rest)) or reading.language not in _UNMARKED
    if not reading.calls:
        if marked or tools.schemas:  # as grading has it, so that what is right in the data is right there, too
            raise Unusable(field, UNREADABLE)
        return Said(words)
    if not (marked or any(call.name in tools.functions for call in reading.calls) or _only_calls(rest)):
        row.note(NOT_OFFERED, int(bool(tools.schemas)))
        return Said(words)
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
    found: list[Call] = []
    for line in text.splitlines():
        if line.strip():
            try:
                value = loads(line)
            except NotJson as error:
                raise Unusable(field, f"must hold a call, and none can be read (it is not JSON: {error})") from error
            found += calls_in(value, row, field, tools)
    return tuple(found)


def _hints(text: str, tools: Tools) -> bool:
    """Whether words have the name of a tool on offer where ways of calling have it that nothing here reads."""
    return any(_hint(name).search(text) for name in tools.functions if name in text)


@lru_cache(maxsize=1024)
def _hint(name: str) -> re.Pattern[str]:
    """A tool's name after "Action:", in a block of code, as a tag, in a JSON object, or before one."""
    tool = re.escape(name)
    return re.compile(
        rf"^[ \t*]*(?:action|tool|function|call)[ \t*]*:[ \t*]*[`\"']?{tool}\b"
        rf"|```[^`]*(?<![\w.]){tool}\s*\("
        rf"|<{tool}[\s>/]|<[\w:]+\s[^<>]*[\"']{tool}[\"']"
        rf"|\{{[^{{}}]*[\"']{tool}\\?[\"']|(?<![\w.]){tool}\s*:?\s*\{{\s*[\"'}}]",
        re.IGNORECASE | re.MULTILINE,
    )


def _only_calls(text: str) -> bool:
    """Whether a text is nothing but calls, as objects or a list in brackets, though no such tool is on offer."""
    bare = text.strip()
    if _BRACKETS.fullmatch(bare):
        return True
    match = _FENCE.match(bare)
    try:
        value = loads(match[1] if match else bare)
    except NotJson:
        return False
    entries: Sequence[object] = value if isinstance(value, list) else [value]
    return all(isinstance(e, dict) and "name" in e and ({"arguments", "parameters"} & e.keys()) for e in entries)
