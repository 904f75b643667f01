"""Rows of ShareGPT-style `conversations` with `tools` as JSON text, as LLaMA-Factory's users have them."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.calls import CLOSE, OPEN
from engine.data.conversation import Turn, examples
from engine.data.problems import Problems, shown
from engine.data.rows import NotJson, loads
from engine.data.schema import Call, Tools, read_call, read_tools
from engine.example import Example

_ROLES = {
    "system": "system", "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant",
    "function_call": "assistant", "observation": "tool", "tool": "tool", "function_response": "tool",
}  # fmt: skip


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore")

    conversations: list[Any] = Field(min_length=1)


def read_row(key: str, value: dict[str, Any], row: int, problems: Problems) -> list[Example]:
    """The examples of a row; what is wrong with it goes to `problems`."""
    before = len(problems.found)
    try:
        messages = _Row.model_validate(value).conversations
    except ValidationError as error:
        problems.add_invalid(row, error)
        return []
    tools = read_tools(value.get("tools"), row, "tools", problems)
    system = value.get("system")
    if system is not None and not isinstance(system, str):
        problems.add(row, "system", "must be text")
    if len(problems.found) > before:
        return []
    turns = [_turn(message, row, f"conversations[{at}]", tools, problems) for at, message in enumerate(messages)]
    if len(problems.found) > before:
        return []
    first = [Turn("system", system, "system")] if system else []
    return examples(key, first + [turn for turn in turns if turn], tools, row, "conversations", problems)


def _turn(value: Any, row: int, field: str, tools: Tools, problems: Problems) -> Turn | None:
    if not isinstance(value, dict):
        problems.add(row, field, 'must be an object with "from" and "value"')
        return None
    said_by, said = value.get("from"), value.get("value")
    role = _ROLES.get(said_by) if isinstance(said_by, str) else None
    if role is None:
        known = "human, gpt, function_call, observation or system"
        problems.add(row, f"{field}.from", f"{shown(said_by)} is no role: {known}" if "from" in value else "is missing")
        return None
    if "value" not in value:
        problems.add(row, f"{field}.value", "is missing")
        return None
    if not isinstance(said, str):
        if role != "tool" and said_by != "function_call":
            problems.add(row, f"{field}.value", "must be text")
            return None
        said = json.dumps(said, ensure_ascii=False)
    if role == "user" and not said.strip():
        problems.add(row, f"{field}.value", "must not be empty")
        return None
    if said_by == "function_call":
        calls = _calls([said], row, f"{field}.value", tools, problems)
        return None if calls is None else Turn(role, "", field, calls)
    if role == "assistant" and said.lstrip().startswith(OPEN):  # calls between tags, as Hermes has them
        blocks = [block.partition(CLOSE)[0] for block in said.split(OPEN)[1:]]
        calls = _calls(blocks, row, f"{field}.value", tools, problems)
        return None if calls is None else Turn(role, "", field, calls)
    return Turn(role, said, field)


def _calls(texts: list[str], row: int, field: str, tools: Tools, problems: Problems) -> tuple[Call, ...] | None:
    """The calls that JSON texts hold, one or a list each. None where any cannot be used (noted)."""
    found: list[Call | None] = []
    for text in texts:
        try:
            value = loads(text)
        except NotJson as error:
            problems.add(row, field, f"the call is not JSON: {error}")
            return None
        entries = value if isinstance(value, list) else [value]
        found += [read_call(entry, row, field, tools, problems) for entry in entries]
    if not found:
        problems.add(row, field, "holds no call")
    calls = tuple(call for call in found if call is not None)
    return calls if found and len(calls) == len(found) else None
