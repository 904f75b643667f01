"""A call as a file has it, held against the tools on offer: nothing of it is lost, nothing is added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.data.notes import LITERALS, OFF_SCHEMA, UNLISTED
from engine.data.problems import Unusable, shown
from engine.data.row import Row
from engine.data.strict_json import NotJson, canonical, loads, loads_lenient
from engine.data.tools.arguments import Schema, allowed, without_padding
from engine.data.tools.reading import Tools

_NAMES = (
    "name",
    "tool_name",
    "function_name",
    "toolName",
    "func_name",
    "api_name",
    "recipient_name",
    "tool",
    "function",
)
_ARGUMENTS = (
    "arguments", "args", "parameters", "params", "input", "kwargs", "tool_input", "toolInput", "tool_args",
    "action_input",
)  # fmt: skip
_WRAPPERS = ("function", "functionCall", "function_call", "tool_call", "toolCall", "toolUse", "tool_use")
_BESIDE = {
    "id", "type", "index", "call_id", "tool_call_id", "toolCallId", "toolUseId", "tool_use_id", "status",
    "cache_control",
    "thought", "thoughtSignature", "thought_signature", "reasoning", "caller", "description",
}  # fmt: skip


@dataclass(frozen=True)
class Call:
    """A function call."""

    name: str
    arguments: dict[str, Any]

    def message(self) -> dict[str, Any]:
        """As an entry of an assistant message's "tool_calls"."""
        return {"type": "function", "function": {"name": self.name, "arguments": self.arguments}}


def read_call(value: Any, row: Row, field: str, tools: Tools) -> Call:
    """A call in whatever spelling. Raises Unusable where it cannot be used."""
    if isinstance(value, str):
        value = _parsed(value, field, row)
    for wrapper in _WRAPPERS:
        if isinstance(value, Mapping) and isinstance(value.get(wrapper), Mapping) and not _text(value, "name"):
            value, field = value[wrapper], f"{field}.{wrapper}"
    if not isinstance(value, Mapping):
        raise Unusable(field, 'must be an object with "name" and "arguments"')
    value = {key: entry for key, entry in value.items() if entry is not None}
    spelled = next((key for key in _NAMES if _text(value, key)), None)
    if spelled is None:
        if len(value) == 1 and (only := next(iter(value))) in tools.functions:
            return checked(only, read_arguments(value[only], row, f"{field}.{only}"), row, field, tools, only)
        raise Unusable(f"{field}.name", "must be the name of a tool" if "name" in value else "is missing")
    name = value[spelled].strip()
    if name not in tools.functions and name.startswith("functions."):
        name = name.removeprefix("functions.")
    key, arguments = _arguments(value, spelled, row, field)
    return checked(name, arguments, row, field, tools, key)


def _arguments(value: Mapping[str, Any], spelled: str, row: Row, field: str) -> tuple[str, dict[str, Any]]:
    """The key that holds the arguments, and what it holds."""
    there = [key for key in _ARGUMENTS if key in value and key != spelled]
    read = {key: read_arguments(value[key], row, f"{field}.{key}") for key in there}
    full = [key for key in there if read[key]]
    if len({canonical(read[key]) for key in full}) > 1:
        raise Unusable(f"{field}.{full[1]}", f"differs from {full[0]}, and both may be the arguments")
    if not full:
        strange = [key for key in value if key not in (*_BESIDE, *there, *_NAMES)]
        strange += [key for key in _NAMES if key in value and key != spelled and not isinstance(value[key], str)]
        if strange:
            raise Unusable(f"{field}.{strange[0]}", "may hold arguments, but is none of the names they are read under")
    key = (full or there or ["arguments"])[0]
    return key, read.get(key, {})


def read_arguments(value: Any, row: Row, field: str) -> dict[str, Any]:
    """A call's arguments, as an object or as JSON text of one. Raises Unusable where they are neither."""
    if value is None:
        return {}
    for _ in range(2):  # some files hold JSON text of JSON text
        if isinstance(value, str):
            value = _parsed(value, field, row) if value.strip() else {}
    if isinstance(value, list):
        pairs = [
            e for e in value if isinstance(e, Mapping) and set(e) == {"name", "value"} and isinstance(e["name"], str)
        ]
        found = {entry["name"]: entry["value"] for entry in pairs}
        if len(found) == len(value):
            return found
    if not isinstance(value, Mapping):
        raise Unusable(field, "must be an object (argument names and values), or JSON text of one")
    return dict(value)


def checked(name: str, arguments: Mapping[str, Any], row: Row, field: str, tools: Tools, key: str) -> Call:
    """The call without nulls of padding, if the function is on offer, has every required argument and knows the rest.

    Values that the schema does not allow are counted, and kept: what the file says is right is right.

    Args:
        field: Where the call stands.
        key: The field in it that holds the arguments.

    Raises:
        Unusable: The call is none of these.
    """
    function = tools.functions.get(name)
    if function is None:
        offered = ", ".join(shown(n) for n in list(tools.functions)[:5]) or "none"
        raise Unusable(f"{field}.name", f"{shown(name)} is not among the row's tools ({offered})")
    schema = Schema(function["parameters"])
    kept = without_padding(arguments, schema, row)
    place = f"{field}.{key}"
    check_names(name, kept, row, place, schema)
    row.note(OFF_SCHEMA, int(not allowed(kept, function["parameters"])))
    return Call(name, kept)


def check_names(name: str, arguments: Mapping[str, Any], row: Row, field: str, schema: Schema) -> None:
    """Whether every required argument is there, and no other than the schema knows. Raises Unusable."""
    if missing := [n for n in schema.required if n not in arguments]:
        raise Unusable(field, f"the required argument {shown(missing[0])} of {shown(name)} is missing")
    if schema.open:
        if arguments and not schema.listed:
            row.note(UNLISTED)
        return
    if unknown := [n for n in arguments if n not in schema.properties]:
        raise Unusable(field, f"{shown(name)} takes no argument {shown(unknown[0])}")


def calls_in(value: Any, row: Row, field: str, tools: Tools) -> tuple[Call, ...]:
    """The calls of a value that holds nothing else: one, a list, or JSON text of them. Raises Unusable."""
    if isinstance(value, str):
        value = _parsed(value, field, row) if value.strip() else []
    entries: Sequence[Any] = [value] if isinstance(value, Mapping) else value
    if not isinstance(entries, list):
        raise Unusable(field, "must be a list of calls")
    single = isinstance(value, Mapping)
    return tuple(
        read_call(entry, row, field if single else f"{field}[{at}]", tools)
        for at, entry in enumerate(entries)
        if entry is not None
    )


def _parsed(text: str, field: str, row: Row) -> Any:
    try:
        return loads(text)
    except NotJson as error:
        try:
            value = loads_lenient(text)
        except NotJson:
            place = f" at {error.field}" if error.field else ""
            raise Unusable(field, f"holds text that is not JSON: {error}{place}") from error
        row.note(LITERALS)
        return value


def _text(value: Mapping[str, Any], key: str) -> bool:
    entry = value.get(key)
    return isinstance(entry, str) and bool(entry.strip())
