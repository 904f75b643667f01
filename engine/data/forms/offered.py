"""The tools that a row offers: in a field of its own, on a message, or described in the system message's words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.data.problems import Unusable
from engine.data.row import Row
from engine.data.strict_json import NotJson, decode_value, flaw
from engine.data.tools.reading import Tools, read_tools

FIELDS = (
    "tools", "functions", "function", "available_tools", "tool_list", "tools_list", "function_list", "tool_schemas",
    "apis", "api_list",
)  # fmt: skip
_SUSPECT = re.compile(r"tool|function|\bapis?\b", re.IGNORECASE)
_NOT_TOOLS = re.compile(r"call|choice|answer|result|response|output|parallel|count|num|id$|_id|used", re.IGNORECASE)
_SAYS_TOOLS = re.compile(r"<tools>|access to the following functions|\[AVAILABLE_TOOLS\]", re.IGNORECASE)
_MOST_STARTS = 200  # places in a system message where JSON may begin that are tried
_MARKS = re.compile(r"</?tools>|\[/?AVAILABLE_TOOLS\]")


def row_tools(value: Mapping[str, Any], row: Row) -> Tools:
    """The tools in a row's own field.

    Raises:
        Unusable: It has none, but a field that may hold them under another name; or two that differ.
    """
    there = [key for key in FIELDS if not _empty(value.get(key)) and (key in FIELDS[:2] or _may_hold(value[key]))]
    if not there:
        for key, entry in value.items():
            if _SUSPECT.search(key) and not _NOT_TOOLS.search(key) and _may_hold(entry):
                raise Unusable(key, "may hold tools, but is none of the names they are read under; call it tools")
        return Tools()
    found = [(key, read_tools(value[key], row, key)) for key in there]
    for key, tools in found[1:]:
        if tools != found[0][1] and not row.failed:
            raise Unusable(key, f"holds other tools than {found[0][0]}")
    return found[0][1]


def message_tools(messages: Sequence[Any], field: str, row: Row) -> Tools:
    """The tools that a message carries, as some files have them on the system message."""
    for at, message in enumerate(messages):
        for key in ("tools", "functions"):
            if isinstance(message, Mapping) and not _empty(message.get(key)):
                return read_tools(message[key], row, f"{field}[{at}].{key}")
    return Tools()


def described_tools(text: str, row: Row, field: str) -> tuple[Tools, str]:
    """The tools that a system message describes as JSON, and the message without them.

    Raises:
        Unusable: It says that it lists tools, and none can be read.
    """
    entries: list[Any] = []
    kept, start = [], 0
    tried = 0
    for match in re.finditer(r"[\[{]", text):
        at = match.start()
        if at < start:
            continue
        tried += 1
        if tried > _MOST_STARTS:
            break
        try:
            value, end = decode_value(text, at)
        except NotJson:
            continue
        if flaw(value) is not None or not _are_tools(value):
            continue
        entries += value if isinstance(value, list) else [value]
        kept.append(text[start:at])
        start = end
    if not entries:
        if _SAYS_TOOLS.search(text) and re.search(r"\{.*\}", text, re.DOTALL):
            raise Unusable(field, "describes tools that cannot be read; put them into a field tools")
        return Tools(), text
    rest = _MARKS.sub("", "".join([*kept, text[start:]]))
    return read_tools(entries, row, field), re.sub(r"\s*\n\s*\n\s*", "\n\n", rest).strip()


def _are_tools(value: Any) -> bool:
    entries = value if isinstance(value, list) else [value]
    return bool(entries) and all(_is_tool(entry) for entry in entries)


def _is_tool(entry: Any) -> bool:
    if not isinstance(entry, Mapping):
        return False
    inner = entry["function"] if isinstance(entry.get("function"), Mapping) else entry
    named = isinstance(inner.get("name"), str)
    return named and any(k in inner for k in ("parameters", "description", "input_schema", "inputSchema", "properties"))


def _empty(value: Any) -> bool:
    return (
        value is None
        or (isinstance(value, str) and not value.strip())
        or (isinstance(value, list | dict) and not value)
    )


def _may_hold(value: Any) -> bool:
    if isinstance(value, str):
        return value.lstrip()[:1] in ("[", "{") and len(value) > 10
    if isinstance(value, list):
        return any(isinstance(entry, dict | str) for entry in value)
    return isinstance(value, dict) and any(isinstance(entry, dict | str) for entry in value.values())
