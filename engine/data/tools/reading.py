"""A row's tools in whatever spelling: OpenAI's, Anthropic's, MCP's, Gemini's, xLAM's, BFCL's, or a list by name."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.data.notes import LITERALS, NULLS_IN_TOOLS
from engine.data.problems import Unusable, shown
from engine.data.row import Row
from engine.data.strict_json import SPACE, NotJson, canonical, decode_value, flaw, loads, loads_lenient
from engine.data.tools.parameters import read_parameters
from engine.data.tools.references import resolved

MOST_TOOLS = 128  # in one row
_LONGEST_NAME = 256
_REMEMBERED = 2048  # lists of tools: many rows have the same
_PARAMETERS = (
    "parameters", "input_schema", "inputSchema", "parametersJsonSchema", "parameters_json_schema", "arguments", "args",
    "params", "schema", "json_schema", "input", "inputs", "properties",
)  # fmt: skip
_NAMES = ("name", "tool_name", "function_name", "api_name", "func_name")
_TEXTS = ("description", "desc", "api_description", "tool_description", "summary")
_GROUPS = ("functionDeclarations", "function_declarations", "tools", "functions")
_WRAPPERS = ("function", "toolSpec", "tool_spec", "tool")
_SUSPECT = re.compile(r"param|arg|schema|input|propert|field|signature", re.IGNORECASE)


@dataclass(frozen=True)
class Tools:
    """The tools a row offers: as chat templates take them, and by name."""

    schemas: tuple[dict[str, Any], ...] = ()

    @cached_property
    def functions(self) -> dict[str, dict[str, Any]]:
        """Name -> {"name", "description", "parameters"}."""
        return {tool["function"]["name"]: tool["function"] for tool in self.schemas}


_seen: OrderedDict[str, tuple[Tools, dict[str, int]]] = OrderedDict()


def read_tools(value: Any, row: Row, field: str) -> Tools:
    """A row's tools. What is wrong with any of them is noted in the row, which then has failed."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return Tools()
    key = value if isinstance(value, str) else canonical(value)
    if key in _seen:
        tools, counts = _seen[key]
        _seen.move_to_end(key)
    else:
        inner = row.inner()
        tools = _read(value, inner, field)
        counts = dict(inner.counts)
        if inner.failed:
            row.failed = True
            return Tools()
        _seen[key] = (tools, counts)
        if len(_seen) > _REMEMBERED:
            _seen.popitem(last=False)
    for sentence, count in counts.items():
        row.note(sentence, count)
    return tools


def _read(value: Any, row: Row, field: str) -> Tools:
    entries: list[tuple[str, Any]] = []
    with row.part():
        entries = _entries(value, field, row)
    if len(entries) > MOST_TOOLS:
        row.bad(field, f"has too many tools ({len(entries)}; at most {MOST_TOOLS})")
        return Tools()
    found: dict[str, dict[str, Any]] = {}
    for place, entry in entries:
        with row.part():
            tool = _tool(entry, place, row)
            name = tool["function"]["name"]
            if found.setdefault(name, tool) != tool:
                raise Unusable(f"{place}.name", f"{shown(name)} is the name of another tool too")
    return Tools(tuple(found.values()))


def _entries(value: Any, field: str, row: Row) -> list[tuple[str, Any]]:
    """Each tool with its place, out of a list, an object by name, one tool, or JSON text of any of them."""
    if isinstance(value, str):
        if not value.strip():
            return []
        return _entries(_parsed(value, field, row), field, row)
    if isinstance(value, list):
        return [pair for at, entry in enumerate(value) if entry is not None for pair in _entry(entry, field, at, row)]
    if not isinstance(value, Mapping):
        raise Unusable(field, "must be a list of tools")
    if _group(value) or _is_tool(value):
        return _entry(value, field, None, row)
    by_name = {name: entry for name, entry in value.items() if entry is not None}
    if not all(isinstance(entry, Mapping) for entry in by_name.values()):
        raise Unusable(field, "must be a list of tools, or an object with a tool for each name")
    return [(f"{field}.{name}", {"name": name, **_plain(entry)}) for name, entry in by_name.items()]


def _entry(entry: Any, field: str, at: int | None, row: Row) -> list[tuple[str, Any]]:
    place = field if at is None else f"{field}[{at}]"
    if isinstance(entry, str):
        entry = _parsed(entry, place, row)
    if isinstance(entry, Mapping) and (group := _group(entry)):
        return _entries(entry[group], f"{place}.{group}", row)
    return [(place, entry)]


def _parsed(text: str, field: str, row: Row) -> Any:
    """JSON text of tools, of several one after another, or a Python literal."""
    try:
        return loads(text)
    except NotJson as error:
        several: list[Any] = []
        try:
            at = 0
            while at < len(text) and (match := SPACE.match(text, at)):
                at = match.end()
                if at < len(text):
                    value, at = decode_value(text, at)
                    several.append(value)
        except NotJson:
            several = []
        if several and not flaw(several):
            return several
        try:
            value = loads_lenient(text)
        except NotJson:
            raise Unusable(field, f"holds text that is not JSON: {error}") from error
        row.note(LITERALS)
        return value


def _group(value: Mapping[str, Any]) -> str:
    """The key of a list of tools that this is, as Gemini has them; "" where it is none."""
    if any(isinstance(value.get(key), str) for key in _NAMES):
        return ""
    return next((key for key in _GROUPS if isinstance(value.get(key), list | str) and value[key]), "")


def _is_tool(value: Mapping[str, Any]) -> bool:
    if any(isinstance(value.get(key), str) for key in _NAMES):
        return True
    return isinstance(value.get("type"), str) or isinstance(value.get("function"), Mapping | str)


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entry for key, entry in value.items() if entry is not None}


def _tool(entry: Any, field: str, row: Row) -> dict[str, Any]:
    outer = entry
    for wrapper in _WRAPPERS:
        if isinstance(entry, Mapping) and isinstance(entry.get(wrapper), Mapping | str) and not _named(entry):
            entry, field = entry[wrapper], f"{field}.{wrapper}"
            if isinstance(entry, str):
                entry = _parsed(entry, field, row)
    if not isinstance(entry, Mapping):
        raise Unusable(field, "must be an object with a tool's name, description and parameters")
    if _nulls(entry):
        row.note(NULLS_IN_TOOLS, 0 if NULLS_IN_TOOLS in row.counts else 1)
    entry = _plain(entry)
    name = _named(entry)
    if not name:
        spelled = next((key for key in _NAMES if key in entry), None)
        raise Unusable(f"{field}.{spelled or 'name'}", "must be text, not empty" if spelled else "is missing")
    if len(name) > _LONGEST_NAME:
        raise Unusable(f"{field}.name", f"is too long ({len(name):,} characters; at most {_LONGEST_NAME})")
    description = next((entry[key] for key in _TEXTS if isinstance(entry.get(key), str)), "")
    schema = _schema(entry, outer, field, row)
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


def _schema(entry: dict[str, Any], outer: Any, field: str, row: Row) -> dict[str, Any]:
    """The parameters of a tool. Raises Unusable where they may stand under a name that is not read."""
    there = {key: entry[key] for key in _PARAMETERS if key in entry and not _empty(entry[key])}
    there = {k: v["json"] if isinstance(v, Mapping) and set(v) == {"json"} else v for k, v in there.items()}
    lists = {k: entry[k] for k in ("required_parameters", "optional_parameters") if isinstance(entry.get(k), list)}
    if lists and not there:
        return _two_lists(lists, field, row)
    if "properties" in there:
        there = {"parameters": {"type": "object", "properties": entry["properties"]}}
    if len({canonical(value) for value in there.values()}) > 1:
        raise Unusable(f"{field}.{list(there)[1]}", f"differs from {next(iter(there))}, and both may be the parameters")
    known = (*_PARAMETERS, *_NAMES, *_TEXTS, "type", "function", "required", "response", "responses", "outputSchema")
    for key, value in entry.items():
        if key in known or not isinstance(value, dict | list) or not value or key.startswith("output"):
            continue
        if not there or _SUSPECT.search(key):
            raise Unusable(f"{field}.{key}", "may hold parameters, but is none of the names they are read under")
    if not there:
        return read_parameters({"type": "object", "properties": {}} if _says_none(entry) else None, field, row)
    key, value = next(iter(there.items()))
    roots = [root for root in (value, entry, outer) if isinstance(root, Mapping)]
    schema = read_parameters(resolved(value, roots, f"{field}.{key}", row), f"{field}.{key}", row)
    required = entry.get("required")
    if isinstance(required, list) and not schema["required"]:
        schema["required"] = [name for name in required if name in schema.get("properties", {})]
    return schema


def _two_lists(lists: dict[str, Any], field: str, row: Row) -> dict[str, Any]:
    """Required and optional parameters apart, as ToolBench has them."""
    needed = read_parameters(lists.get("required_parameters", []), f"{field}.required_parameters", row)
    may = read_parameters(lists.get("optional_parameters", []), f"{field}.optional_parameters", row)
    first, second = needed.get("properties", {}), may.get("properties", {})
    if both := sorted(first.keys() & second.keys()):
        raise Unusable(f"{field}.optional_parameters", f"{shown(both[0])} is among the required ones too")
    return {"type": "object", "properties": {**first, **second}, "required": list(first)}


def _says_none(entry: Mapping[str, Any]) -> bool:
    """Whether a tool says that it has no parameters, and does not merely leave them out."""
    return any(isinstance(entry.get(key), dict | list) for key in _PARAMETERS if key in entry)


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | dict | list) and not value)


def _named(entry: Mapping[str, Any]) -> str:
    name = next((entry[key] for key in _NAMES if isinstance(entry.get(key), str)), "")
    return name if name.strip() else ""


def _nulls(value: Any) -> bool:
    """Whether any schema in a tool holds nulls that fill up a table."""
    text = json.dumps(value, ensure_ascii=False)
    return ": null" in text
