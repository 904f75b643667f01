"""Rows that hold a conversation: OpenAI's `messages`, ShareGPT's `conversations`, Gemini's `contents`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from engine.data.conversation import Grader, Turn, examples
from engine.data.forms.content import read_content
from engine.data.forms.message import read_message
from engine.data.forms.offered import described_tools, message_tools, row_tools
from engine.data.notes import FROM_SYSTEM
from engine.data.problems import Unusable
from engine.data.row import Row
from engine.data.strict_json import NotJson, loads_lenient
from engine.data.tools.reading import Tools
from engine.spec.example import Example

FIELDS = ("messages", "conversations", "conversation", "contents", "dialogue", "dialog", "turns", "chat")
SYSTEMS = ("system", "system_prompt", "systemInstruction", "system_instruction", "instructions")


def find(value: Mapping[str, Any]) -> str:
    """The form of a row in words; "" where it is none of these."""
    field = _field(value)
    if not field:
        return ""
    first = next((message for message in value[field] if isinstance(message, Mapping)), {})
    if field == "messages":
        return "chat messages (OpenAI)" if "role" in first or "from" not in first else "messages with from and value"
    if field == "contents":
        return "contents with parts (Gemini)"
    return "conversations (ShareGPT)" if "from" in first else f"{field} with role and content"


def read(key: str, value: Mapping[str, Any], row: Row, grader: Grader) -> list[Example]:
    """The examples of a row; what is wrong with it is noted in the row. Raises Unusable."""
    field = _field(value) or next(name for name in FIELDS if name in value)
    messages = value[field]
    if isinstance(messages, str):
        try:
            messages = loads_lenient(messages)
        except NotJson as error:
            raise Unusable(field, f"must be a list (it holds text that is not JSON: {error})") from error
    if not isinstance(messages, list):
        raise Unusable(field, "must be a list" if field in value else "is missing")
    if not messages:
        raise Unusable(field, "must not be empty")
    return read_messages(key, value, messages, field, row, grader)


def read_messages(
    key: str, value: Mapping[str, Any], messages: list[Any], field: str, row: Row, grader: Grader
) -> list[Example]:
    """The examples of a row whose messages are at hand. Raises Unusable."""
    tools = row_tools(value, row)
    if not tools.schemas and not row.failed:
        tools = message_tools(messages, field, row)
    if row.failed:
        return []
    first = _system(value, row)
    turns = list(first)
    if not tools.schemas:
        tools, turns, messages = _from_system(turns, messages, field, row)
    for at, message in enumerate(messages):
        with row.part():
            if message is not None:
                turns += read_message(message, row, f"{field}[{at}]", tools)
    return [] if row.failed else examples(key, turns, tools, row, field, grader)


def _field(value: Mapping[str, Any]) -> str:
    """The field that holds the messages: one that is a list, or text of one."""
    for name in FIELDS:
        entry = value.get(name)
        if isinstance(entry, list) or (isinstance(entry, str) and entry.lstrip()[:1] == "["):
            return name
    return ""


def _system(value: Mapping[str, Any], row: Row) -> list[Turn]:
    """What a row says to the system beside its messages."""
    key = next((name for name in SYSTEMS if value.get(name) is not None), None)
    if key is None:
        return []
    said = value[key]
    if isinstance(said, Mapping):
        said = said.get("parts") or said.get("content") or said.get("text") or []
    if not isinstance(said, str | list):
        raise Unusable(key, "must be text")
    text = read_content(said, row, key, Tools()).text
    return [Turn("system", text, key)] if text.strip() else []


def _from_system(turns: list[Turn], messages: list[Any], field: str, row: Row) -> tuple[Tools, list[Turn], list[Any]]:
    """The tools that a system message describes, with the turns and messages without that description."""
    for turn in turns:
        tools, rest = described_tools(turn.content, row, turn.field)
        if tools.schemas:
            row.note(FROM_SYSTEM)
            return tools, [dataclasses.replace(turn, content=rest)] if rest else [], messages
    for at, message in enumerate(messages):
        if not isinstance(message, Mapping) or message.get("role", message.get("from")) not in ("system", "developer"):
            continue
        key = next((k for k in ("content", "value") if isinstance(message.get(k), str)), None)
        if key is None:
            continue
        tools, rest = described_tools(message[key], row, f"{field}[{at}].{key}")
        if tools.schemas:
            row.note(FROM_SYSTEM)
            changed = {**message, key: rest} if rest else None
            return tools, turns, [*messages[:at], changed, *messages[at + 1 :]]
    return Tools(), turns, messages
