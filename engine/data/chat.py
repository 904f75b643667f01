"""Rows of chat `messages` with `tools`, as OpenAI's fine-tuning files have them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr, ValidationError

from engine.data.conversation import Turn, examples
from engine.data.problems import Problems, shown
from engine.data.schema import Call, Tools, read_call, read_tools
from engine.example import Example

_ROLES = {"developer": "system", "function": "tool"}


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: StrictStr | list[Any] | None = None
    tool_calls: list[Any] | None = None
    function_call: dict[str, Any] | None = None
    name: StrictStr | None = None
    tool_call_id: StrictStr | None = None
    weight: StrictInt | StrictFloat | None = None


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore")

    messages: list[Any] = Field(min_length=1)


def read_row(key: str, value: dict[str, Any], row: int, problems: Problems) -> list[Example]:
    """The examples of a row; what is wrong with it goes to `problems`."""
    before = len(problems.found)
    try:
        messages = _Row.model_validate(value).messages
    except ValidationError as error:
        problems.add_invalid(row, error)
        return []
    if "tools" in value or "functions" not in value:
        tools = read_tools(value.get("tools"), row, "tools", problems)
    else:
        tools = read_tools(value["functions"], row, "functions", problems)
    if len(problems.found) > before:
        return []
    turns = [_turn(message, row, f"messages[{at}]", tools, problems) for at, message in enumerate(messages)]
    if len(problems.found) > before:
        return []
    return examples(key, [turn for turn in turns if turn], tools, row, "messages", problems)


def _turn(value: Any, row: int, field: str, tools: Tools, problems: Problems) -> Turn | None:
    if not isinstance(value, dict):
        problems.add(row, field, 'must be an object with "role" and "content"')
        return None
    try:
        message = _Message.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        for key in dict.fromkeys(str(detail["loc"][0]) for detail in details):
            problems.add(row, f"{field}.{key}", _wanted(key, value))
        return None
    content = _content(message.content, row, f"{field}.content", problems)
    calls = _calls(message, row, field, tools, problems)
    if content is None or calls is None:
        return None
    if message.role == "user" and not content.strip():
        problems.add(row, f"{field}.content", "is missing" if message.content is None else "must not be empty")
        return None
    extra = {"name": message.name, "tool_call_id": message.tool_call_id} if message.role in ("tool", "function") else {}
    return Turn(
        role=_ROLES.get(message.role, message.role),
        content=content,
        field=field,
        calls=calls,
        learn=message.weight is None or message.weight > 0,
        extra={name: text for name, text in extra.items() if text is not None},
    )


def _wanted(key: str, message: dict[str, Any]) -> str:
    if key not in message:
        return "is missing"
    if key == "role":
        return f"{shown(message[key])} is no role: system, developer, user, assistant, tool or function"
    wanted = {"tool_calls": "a list of calls", "function_call": "an object", "weight": "a number"}
    return f"must be {wanted.get(key, 'text')}"


def _content(value: str | list[Any] | None, row: int, field: str, problems: Problems) -> str | None:
    """Text, or the joined text of content parts. None where a part is no text (noted)."""
    if not isinstance(value, list):
        return value or ""
    texts: list[str] = []
    for at, part in enumerate(value):
        text = part.get("text") if isinstance(part, dict) and part.get("type", "text") == "text" else None
        if not isinstance(text, str):
            problems.add(row, f"{field}[{at}]", "must be a text part; images and sound cannot be used")
            return None
        texts.append(text)
    return "".join(texts)


def _calls(message: _Message, row: int, field: str, tools: Tools, problems: Problems) -> tuple[Call, ...] | None:
    entries = [(f"{field}.tool_calls[{at}]", call) for at, call in enumerate(message.tool_calls or [])]
    if message.function_call:
        entries.append((f"{field}.function_call", message.function_call))
    if entries and message.role != "assistant":
        problems.add(row, field, f"only the assistant calls tools, not the {message.role}")
        return None
    found = [read_call(call, row, place, tools, problems) for place, call in entries]
    calls = tuple(call for call in found if call is not None)
    return calls if len(calls) == len(found) else None
