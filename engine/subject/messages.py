"""Calls in chat messages: in the form that a chat template wants, or as words where it wants none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from engine.spec.errors import ModelError


class Form(NamedTuple):
    """How a template wants a call: its arguments as JSON text or as an object, and its id short or naming the call."""

    arguments: Literal["object", "text"]
    ids: Literal["short", "named"]


FORMS = (Form("object", "short"), Form("text", "short"), Form("object", "named"), Form("text", "named"))


def with_calls(messages: Sequence[Mapping[str, Any]], form: Form | None) -> list[dict[str, Any]]:
    """Messages whose calls are in the form that a template wants; as words where it wants none.

    Calls get ids of their own, counted through the conversation, so that a model can learn to write them, and results
    the ids of the calls they answer.
    """
    prepared: list[dict[str, Any]] = []
    ids: dict[str, str] = {}
    open_ids: list[str] = []
    numbers = iter(range(10**5))
    for message in messages:
        message = dict(message)
        calls = message.get("tool_calls")
        if calls and form is None:
            words = message.get("content") or ""
            message = {**message, "content": f"{words}\n{calls_text(calls)}".lstrip("\n")}
            del message["tool_calls"]
        elif calls and form is not None:
            written = list(_written(calls, form, numbers))
            ids.update({str(call.get("id")): new["id"] for call, new in zip(calls, written, strict=True)})
            open_ids = [call["id"] for call in written]
            message["tool_calls"] = written
        elif message.get("role") == "tool" and form is not None:
            known = ids.get(str(message.get("tool_call_id")))
            answered = known or (open_ids[0] if open_ids else None)
            open_ids = [other for other in open_ids if other != answered]
            if answered:
                message["tool_call_id"] = answered
        prepared.append(message)
    return prepared


def _written(calls: Sequence[Mapping[str, Any]], form: Form, numbers: Iterator[int]) -> Iterator[dict[str, Any]]:
    for call in calls:
        function = call.get("function", call)
        name, arguments = function.get("name"), function.get("arguments")
        if form.arguments == "text" and not isinstance(arguments, str):
            arguments = json.dumps(arguments or {}, ensure_ascii=False)
        elif form.arguments == "object" and isinstance(arguments, str):
            arguments = _loaded(arguments)
        number = next(numbers)
        key = f"call{number:05d}" if form.ids == "short" else f"functions.{name}:{number}"
        yield {"id": key, "type": "function", "function": {"name": name, "arguments": arguments}}


def _loaded(arguments: str) -> Any:
    try:
        return json.loads(arguments) if arguments.strip() else {}
    except ValueError as error:
        raise ModelError(
            f"The arguments of a call are no JSON: {arguments[:80]!r}.", "Correct the call in the data file."
        ) from error


def calls_text(calls: Sequence[Mapping[str, Any]]) -> str:
    """Calls as text, for a template that knows none."""
    parts = []
    for call in calls:
        function = call.get("function", call)
        arguments = function.get("arguments", {})
        body = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        parts.append(f'<tool_call>{{"name": {json.dumps(function.get("name"))}, "arguments": {body}}}</tool_call>')
    return "".join(parts)
