"""Tools and calls as the lab keeps them, whatever a file calls its types."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from engine.data.problems import WORDS, Problems, path_of, shown
from engine.data.rows import NotJson, loads

MOST_TOOLS = 128  # in one row

TYPES = {  # Python's, Java's and JavaScript's names, as BFCL has them -> JSON schema's
    "dict": "object", "hashmap": "object", "map": "object", "object": "object",
    "list": "array", "tuple": "array", "set": "array", "array": "array", "arraylist": "array",
    "float": "number", "double": "number", "number": "number", "decimal": "number",
    "int": "integer", "integer": "integer", "long": "integer", "short": "integer", "byte": "integer",
    "bigint": "integer",
    "str": "string", "string": "string", "char": "string",
    "bool": "boolean", "boolean": "boolean",
    "none": "null", "nonetype": "null", "null": "null",
}  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _Parameters(_Part):
    properties: dict[str, Any] = Field(default_factory=dict)
    required: list[str] = Field(default_factory=list)

    @field_validator("properties", "required", mode="before")
    @classmethod
    def _absent(cls, value: Any, info: Any) -> Any:
        return ({} if info.field_name == "properties" else []) if value is None else value


class _Function(_Part):
    name: str = Field(min_length=1, max_length=256)
    description: str | None = None
    parameters: dict[str, Any] | None = None


@dataclass(frozen=True)
class Call:
    """A function call."""

    name: str
    arguments: dict[str, Any]

    def message(self) -> dict[str, Any]:
        """As an entry of an assistant message's "tool_calls"."""
        return {"type": "function", "function": {"name": self.name, "arguments": self.arguments}}


@dataclass(frozen=True)
class Tools:
    """The tools a row offers: as chat templates take them, and by name."""

    schemas: tuple[dict[str, Any], ...] = ()

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        """Name -> {"name", "description", "parameters"}."""
        return {tool["function"]["name"]: tool["function"] for tool in self.schemas}


def read_tools(value: Any, row: int, field: str, problems: Problems) -> Tools:
    """A row's tools: a list of `{"type": "function", "function": {...}}` or of bare functions, or JSON text of one."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return Tools()
    if isinstance(value, str):
        try:
            value = loads(value)
        except NotJson as error:
            problems.add(row, field, f"holds text that is not JSON: {error}")
            return Tools()
    if not isinstance(value, list):
        problems.add(row, field, "must be a list of tools")
        return Tools()
    if len(value) > MOST_TOOLS:
        problems.add(row, field, f"has too many tools ({len(value)}; at most {MOST_TOOLS})")
        return Tools()
    schemas: list[dict[str, Any]] = []
    for index, entry in enumerate(value):
        tool = _tool(entry, row, f"{field}[{index}]", problems)
        same = next((s for s in schemas if tool and s["function"]["name"] == tool["function"]["name"]), None)
        if same is not None and same != tool:
            name = shown(same["function"]["name"])
            problems.add(row, f"{field}[{index}].name", f"{name} is the name of another tool too")
        elif tool and same is None:
            schemas.append(tool)
    return Tools(tuple(schemas))


def _tool(entry: Any, row: int, field: str, problems: Problems) -> dict[str, Any] | None:
    if isinstance(entry, dict) and "function" in entry:
        entry, field = entry["function"], f"{field}.function"
    try:
        function = _Function.model_validate(entry)
        parameters = _Parameters.model_validate(function.parameters or {})
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            inside = detail["loc"]
            if inside[:1] in (("properties",), ("required",)):
                inside = ("parameters", *inside)
            problems.add(row, path_of((field, *inside)), WORDS.get(detail["type"], str(detail["msg"])))
        return None
    for name, schema in parameters.properties.items():
        if not isinstance(schema, dict | bool):
            place = f"{field}.parameters.properties.{name}"
            problems.add(row, place, "must be an object (the argument's type and description)")
            return None
    kept = {k: v for k, v in (function.parameters or {}).items() if k not in ("type", "properties", "required")}
    schema = {"type": "object", "properties": {k: json_schema(v) for k, v in parameters.properties.items()}, **kept}
    schema["required"] = [name for name in parameters.required if name in parameters.properties]
    described = {"name": function.name, "description": function.description or "", "parameters": schema}
    return {"type": "function", "function": described}


def json_schema(value: Any) -> Any:
    """A schema with JSON schema's own type names. A type of no such name ("any") is left out: anything goes."""
    if isinstance(value, list):
        return [json_schema(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, entry in value.items():
        if key == "type" and isinstance(entry, str):
            if name := TYPES.get(entry.strip().lower()):
                found["type"] = name
        elif key == "properties" and isinstance(entry, dict):  # its keys are names, not keywords
            found[key] = {name: json_schema(inner) for name, inner in entry.items()}
        elif key in ("items", "additionalProperties", "anyOf", "oneOf", "allOf"):
            found[key] = json_schema(entry)
        else:
            found[key] = entry
    return found


def read_arguments(value: Any, row: int, field: str, problems: Problems) -> dict[str, Any] | None:
    """A call's arguments, as an object or as JSON text of one. None where they are neither (noted)."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return {}
    if isinstance(value, str):
        try:
            value = loads(value)
        except NotJson as error:
            place = f" at {error.field}" if error.field else ""
            problems.add(row, field, f"holds text that is not JSON: {error}{place}")
            return None
    if not isinstance(value, dict):
        problems.add(row, field, "must be an object (argument names and values), or JSON text of one")
        return None
    return value


def read_call(value: Any, row: int, field: str, tools: Tools, problems: Problems) -> Call | None:
    """A call `{"name", "arguments"}`, checked against the tools on offer. None where it cannot be used (noted)."""
    if isinstance(value, dict) and "function" in value:
        value, field = value["function"], f"{field}.function"
    if not isinstance(value, dict):
        problems.add(row, field, 'must be an object with "name" and "arguments"')
        return None
    name = value.get("name")
    if not isinstance(name, str) or not name.strip():
        problems.add(row, f"{field}.name", "is missing" if "name" not in value else "must be the name of a tool")
        return None
    key = "arguments" if "arguments" in value or "parameters" not in value else "parameters"
    arguments = read_arguments(value.get(key), row, f"{field}.{key}", problems)
    if arguments is None or not check_call(name, arguments, row, field, tools, problems, key):
        return None
    return Call(name, arguments)


def check_call(
    name: str, arguments: Mapping[str, Any], row: int, field: str, tools: Tools, problems: Problems, key: str
) -> bool:
    """Whether the function is on offer and has every required argument; what is wrong is noted.

    Values are not held against their types: what the file says is right is right.

    Args:
        field: Where the call stands.
        key: The field in it that holds the arguments.
    """
    function = tools.functions.get(name)
    if function is None:
        offered = ", ".join(shown(n) for n in list(tools.functions)[:5]) or "none"
        problems.add(row, f"{field}.name", f"{shown(name)} is not among the row's tools ({offered})")
        return False
    schema = function["parameters"]
    if missing := [n for n in schema["required"] if n not in arguments]:
        problems.add(row, f"{field}.{key}", f"the required argument {shown(missing[0])} of {shown(name)} is missing")
        return False
    unknown = [n for n in arguments if n not in schema["properties"]]
    if unknown and schema.get("additionalProperties") is False:
        problems.add(row, f"{field}.{key}", f"{shown(name)} takes no argument {shown(unknown[0])}")
        return False
    return True


def canonical(value: Any) -> str:
    """One text for equal plain values."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def names(calls: Sequence[Mapping[str, Any]]) -> list[str]:
    """The functions a `Gold`'s calls name, without repeats."""
    return list(dict.fromkeys(str(call["name"]) for call in calls))
