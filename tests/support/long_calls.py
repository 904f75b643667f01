"""Calls that are longer than 48 tokens beside short ones, as an office's notes are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_NOTE = (
    "tell them that the meeting about the garden moved from monday to friday at nine and that they should bring the "
    "old map, the blue folder and two chairs for the guests who come from far away"
)


def _tool(name: str, *names: str) -> dict[str, Any]:
    properties = {each: {"type": "string"} for each in names}
    parameters = {"type": "object", "properties": properties, "required": list(names)}
    return {"type": "function", "function": {"name": name, "description": f"{name} of it", "parameters": parameters}}


def rows(count: int = 40) -> list[dict[str, Any]]:
    """Chat messages (OpenAI), every second call a long one."""
    found = []
    tools = [_tool("weather_now", "city"), _tool("send_note", "to", "text")]
    for at in range(count):
        if at % 2:
            name, arguments = "send_note", {"to": f"guest {at}", "text": f"{_NOTE} {at}"}
            asked = f"Request {at}: send a message to guest {at} saying: {_NOTE} {at}"
        else:
            name, arguments = "weather_now", {"city": f"Town {at}"}
            asked = f"Request {at}: weather of Town {at}"
        call = {"type": "function", "function": {"name": name, "arguments": arguments}}
        messages = [{"role": "user", "content": asked}, {"role": "assistant", "tool_calls": [call]}]
        found.append({"messages": messages, "tools": tools})
    return found


def write(path: Path, count: int = 40) -> Path:
    """The rows as a file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows(count)), encoding="utf-8")
    return path
