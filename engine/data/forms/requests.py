"""Rows of one request, its tools and its calls: xLAM's `query`, `tools` and `answers`, and instructions with tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.data.conversation import Grader, Turn, examples
from engine.data.forms import offered
from engine.data.forms.conversations import SYSTEMS, read_messages
from engine.data.forms.spoken import read_answer
from engine.data.notes import NO_CALL_WORDS
from engine.data.problems import Unusable
from engine.data.row import Row
from engine.data.strict_json import NotJson, loads_lenient
from engine.data.tools.calls import Call, calls_in
from engine.data.tools.reading import Tools
from engine.spec.example import Example

REQUESTS = ("query", "prompt", "instruction", "question", "request", "user_query", "user")
ANSWERS = (
    "answers", "answer", "completion", "output", "response", "tool_calls", "function_calls", "function_call", "calls",
    "tool_call", "expected_calls", "ground_truth",
)  # fmt: skip
DECLINE = "None of the tools can do this."


def find(value: Mapping[str, Any]) -> str:
    """The form of a row in words; "" where it is none of these."""
    asked, answered = _key(value, REQUESTS), _key(value, ANSWERS)
    if not asked or not answered or not any(key in value for key in offered.FIELDS):
        return ""
    return "query, tools and answers (xLAM)" if asked == "query" else f"{asked}, tools and {answered}"


def untold(value: Mapping[str, Any]) -> str:
    """Why rows of a request and an answer cannot be used; "" for other rows."""
    asked, answered = _key(value, REQUESTS), _key(value, ANSWERS)
    if not asked or not answered:
        return ""
    return f"is missing: these are rows of {asked} and {answered} without tools, and the lab learns and grades calls"


def read(key: str, value: Mapping[str, Any], row: Row, grader: Grader) -> list[Example]:
    """The examples of a row; what is wrong with it is noted in the row. Raises Unusable."""
    asked, answered = _key(value, REQUESTS), _key(value, ANSWERS)
    request, answer = value[asked], value[answered]
    if isinstance(request, list) or (isinstance(answer, list) and _are_messages(answer)):
        before = request if isinstance(request, list) else [{"role": "user", "content": request}]
        after = answer if isinstance(answer, list) and _are_messages(answer) else None
        if after is not None:
            return read_messages(key, value, [*before, *after], asked, row, grader)
        raise Unusable(answered, "must be a list of messages, as the request is")
    if not isinstance(request, str) or not request.strip():
        raise Unusable(asked, "must be text, not empty")
    tools = offered.row_tools(value, row)
    if row.failed:
        return []
    more = value.get("input")
    if asked == "instruction" and isinstance(more, str) and more.strip():
        request = f"{request}\n\n{more}"
    words, calls = _answer(answer, tools, row, answered)
    if not calls and not words:
        row.note(NO_CALL_WORDS.format(n="{n}", words=DECLINE))
    system = next((value[k] for k in SYSTEMS if isinstance(value.get(k), str) and value[k].strip()), "")
    turns = [Turn("system", system, "system")] if system else []
    turns += [Turn("user", request, asked), Turn("assistant", words or ("" if calls else DECLINE), answered, calls)]
    return examples(key, turns, tools, row, answered, grader)


def _answer(value: Any, tools: Tools, row: Row, field: str) -> tuple[str, tuple[Call, ...]]:
    """The words and the calls of an answer: a list of calls, JSON text of it, or words."""
    if isinstance(value, str):
        parsed: Any = value
        for _ in range(2):  # some files hold JSON text of JSON text
            try:
                parsed = loads_lenient(parsed) if isinstance(parsed, str) else parsed
            except NotJson:
                break
        if not isinstance(parsed, list | dict):
            said = read_answer(value, tools, row, field)
            return said.words.strip(), said.calls
        value = parsed
    if value == {}:
        return "", ()
    return "", calls_in(value, row, field, tools)


def _key(value: Mapping[str, Any], names: tuple[str, ...]) -> str:
    there = [name for name in names if name in value]
    return next((name for name in there if value[name] is not None), there[0] if there else "")


def _are_messages(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(entry, Mapping) and ("role" in entry or "from" in entry) for entry in value)
