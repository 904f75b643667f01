"""One message of a conversation, in OpenAI's, ShareGPT's, Anthropic's, Gemini's spelling or a mixture, as turns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.data.conversation import Turn
from engine.data.forms.content import as_text, read_content
from engine.data.forms.spoken import Said, read_answer, read_calls, without_end
from engine.data.notes import THOUGHTS
from engine.data.problems import Unusable, shown
from engine.data.row import Row
from engine.data.tools.calls import Call, calls_in
from engine.data.tools.reading import Tools

CALLS = "function_call"  # an assistant's message that is nothing but calls
ROLES = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant", "model": "assistant",
    "ai": "assistant", "assistant_message": "assistant",
    "function_call": CALLS, "tool_call": CALLS, "tool_calls": CALLS, "function-call": CALLS, "tool-call": CALLS,
    "functioncall": CALLS, "function_calls": CALLS,
    "tool": "tool", "function": "tool", "observation": "tool", "function_response": "tool", "tool_response": "tool",
    "ipython": "tool", "tool_result": "tool", "function_result": "tool", "tool_results": "tool", "tool_output": "tool",
    "function-response": "tool", "tool-response": "tool", "environment": "tool",
}  # fmt: skip
_ROLE_KEYS = ("role", "from")
_CONTENT_KEYS = ("content", "value", "parts", "text")
_CALL_KEYS = ("tool_calls", "tool_call", "function_call", "function_calls", "toolCalls", "functionCall", "calls")
_THOUGHT_KEYS = ("reasoning_content", "reasoning", "thinking", "thoughts", "reasoning_details")
_KNOWN = {*_ROLE_KEYS, *_CONTENT_KEYS, *_CALL_KEYS, *_THOUGHT_KEYS, "tool_call_id", "tools", "functions"}
_SUSPECT = re.compile(r"call|tool|function|action", re.IGNORECASE)


def read_message(value: Any, row: Row, field: str, tools: Tools) -> list[Turn]:
    """The turns of a message: one, or several where a user's message holds tools' results. Raises Unusable."""
    if not isinstance(value, Mapping):
        raise Unusable(field, 'must be an object with "role" and "content"')
    role, name = _role(value, field)
    key = next((k for k in _CONTENT_KEYS if value.get(k) is not None), None)
    spelled = key or next((k for k in _CONTENT_KEYS if k in value), "value" if "from" in value else "content")
    place = f"{field}.{spelled}"
    held = value.get(key) if key else None
    if role == "tool":
        return [_result(value, held, name, field)]
    if role == CALLS and isinstance(held, Mapping):
        return [Turn("assistant", "", field, calls_in(held, row, place, tools), _learn(value, field))]
    if isinstance(held, Mapping) or not isinstance(held, str | list | type(None)):
        raise Unusable(place, "must be text")
    if role == CALLS and isinstance(held, list) and not _typed(held):
        return [Turn("assistant", "", field, calls_in(held, row, place, tools), _learn(value, field))]
    content = read_content(held, row, place, tools)
    results = [
        Turn("tool", text, field, extra={"tool_call_id": call} if call else {}) for call, text in content.results
    ]
    if role in ("assistant", CALLS):
        if results:
            raise Unusable(place, "holds a tool's result, which is no message of the assistant's")
        return [_answer(value, content.text, content.calls, content.thoughts, role, row, field, place, tools)]
    if content.calls or any(not _nothing(value.get(k)) for k in _CALL_KEYS):
        raise Unusable(field, f"only the assistant calls tools, not the {role}")
    text = without_end(content.text)
    if role == "user" and not text.strip():
        if results:
            return results
        raise Unusable(place, "is missing" if held is None else "must not be empty")
    return [*results, Turn(role, text, field)]


def _role(value: Mapping[str, Any], field: str) -> tuple[str, str]:
    """The role in our words, and as the file has it."""
    key = next((k for k in _ROLE_KEYS if value.get(k) is not None), None)
    if key is None:
        raise Unusable(f"{field}.{'from' if 'value' in value else 'role'}", "is missing")
    name = value[key]
    role = ROLES.get(name.strip().lower()) if isinstance(name, str) else None
    if role is None:
        known = "system, user or human, assistant or gpt, function_call, tool or observation"
        raise Unusable(f"{field}.{key}", f"{shown(name)} is no role: {known}")
    return role, str(name)


def _answer(
    value: Mapping[str, Any], text: str, parts: list[Call], thoughts: int, role: str, row: Row, field: str, place: str,
    tools: Tools,
) -> Turn:  # fmt: skip
    strange = [
        k for k, v in value.items() if k not in _KNOWN and _SUSPECT.search(k) and isinstance(v, dict | list) and v
    ]
    if strange:
        raise Unusable(f"{field}.{strange[0]}", "may hold a call, but is none of the names they are read under")
    fields: list[Call] = []
    for key in _CALL_KEYS:
        if not _nothing(value.get(key)):
            fields += calls_in(value[key], row, f"{field}.{key}", tools)
    known = [*parts, *fields]
    if thoughts or any(not _nothing(value.get(k)) for k in _THOUGHT_KEYS):
        row.note(THOUGHTS)
    if role == CALLS and text.strip():
        said = read_calls(text, tools, row, place)
    elif text.strip():
        said = read_answer(text, tools, row, place)
    else:
        said = Said("")
    if known and said.calls and list(said.calls) != known:
        raise Unusable(place, "holds other calls than the message's list of calls")
    if role == CALLS and not (known or said.calls):
        raise Unusable(place, "holds no call")
    return Turn("assistant", said.words, field, tuple(known) or said.calls, _learn(value, field))


def _result(value: Mapping[str, Any], held: Any, name: str, field: str) -> Turn:
    extra = {k: value[k] for k in ("name", "tool_call_id") if isinstance(value.get(k), str)}
    return Turn("tool", without_end(as_text(held)), field, extra=extra)


def _learn(value: Mapping[str, Any], field: str) -> bool:
    """Whether the file wants the answer learned from: `weight` as OpenAI has it, `train` and `loss` as others have."""
    for key in ("weight", "train", "loss", "trainable"):
        wanted = value.get(key)
        if wanted is None:
            continue
        if isinstance(wanted, bool | int | float):
            return wanted > 0
        if key == "weight":
            raise Unusable(f"{field}.weight", "must be a number")
    return True


def _typed(parts: list[Any]) -> bool:
    return any(isinstance(part, str) or (isinstance(part, Mapping) and "type" in part) for part in parts)


def _nothing(value: Any) -> bool:
    """Whether a field is empty, as tables fill it where a row has none."""
    if isinstance(value, str):
        return value.strip() in ("", "[]", "{}", "null", "None")
    if isinstance(value, Mapping):
        return all(_nothing(entry) for entry in value.values())
    if isinstance(value, list):
        return all(_nothing(entry) for entry in value)
    return value is None
