"""A tool's parameters in whatever spelling, as one JSON Schema of an object.

Spelled as a JSON Schema, as `{name: {"type": "str, optional"}}` (flat, as xLAM has them), as `{name: "string"}`, or as
a list `[{"name": ..., "type": ..., "required": ...}]`. A flat parameter is required only where it says so: many files
leave it open.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.data.notes import TYPES_UNKNOWN
from engine.data.problems import Unusable, shown
from engine.data.row import Row
from engine.data.strict_json import NotJson, loads_lenient
from engine.data.tools.types import described

_OBJECTS = {"object", "dict", "map", "hashmap", "mapping", "struct"}
_KEYWORDS = frozenset(
    "type properties required additionalProperties description title default enum const items anyOf oneOf allOf not "
    "$schema $id $defs definitions $comment examples example minProperties maxProperties patternProperties "
    "propertyNames unevaluatedProperties dependentRequired dependentSchemas dependencies if then else strict nullable "
    "format optional propertyOrdering readOnly writeOnly deprecated $ref".split()
)
_INNER = ("items", "additionalProperties", "anyOf", "oneOf", "allOf", "prefixItems", "not", "if", "then", "else")
_NAMES = ("name", "parameter_name", "param_name", "arg_name")


def read_parameters(value: Any, field: str, row: Row) -> dict[str, Any]:
    """Parameters as `{"type": "object", "properties": ..., "required": ...}`. Raises Unusable.

    No "properties" are in it where the file describes no parameters at all.
    """
    if isinstance(value, str):
        try:
            value = loads_lenient(value) if value.strip() else None
        except NotJson as error:
            raise Unusable(field, f"holds text that is not JSON: {error}") from error
    if value is None:
        return {"type": "object", "required": []}
    if isinstance(value, list):
        return _object(_listed(value, field), [], {}, field, row)
    if not isinstance(value, Mapping):
        raise Unusable(field, "must be an object")
    value = {key: entry for key, entry in value.items() if entry is not None}
    if not value:
        return {"type": "object", "required": []}
    if not _is_schema(value):
        required = value.get("required")
        if isinstance(required, list) and all(isinstance(name, str) for name in required):
            value = {name: entry for name, entry in value.items() if name != "required"}
            return _object(value, required, {}, field, row)
        return _object(value, [], {}, field, row)
    if strange := [k for k, v in value.items() if k not in _KEYWORDS and isinstance(v, dict | list) and v]:
        raise Unusable(f"{field}.{strange[0]}", "is no keyword of JSON Schema; parameters stand in properties")
    properties, required = value.get("properties"), value.get("required")
    if isinstance(properties, list):
        properties = _listed(properties, f"{field}.properties")
    if properties is not None and not isinstance(properties, Mapping):
        raise Unusable(f"{field}.properties", "must be an object (parameter names and their schemas)")
    if isinstance(required, bool):
        required = []
    if required is not None and not (isinstance(required, list) and all(isinstance(n, str) for n in required)):
        raise Unusable(f"{field}.required", "must be a list of parameter names")
    kept = {k: v for k, v in value.items() if k not in ("type", "properties", "required", "$defs", "definitions")}
    return _object(properties, required or [], kept, f"{field}.properties", row)


def _is_schema(value: Mapping[str, Any]) -> bool:
    """Whether this is a JSON Schema, and not parameters by name (of which one may be called "type")."""
    kind, properties = value.get("type"), value.get("properties")
    if isinstance(kind, list) and all(isinstance(entry, str) for entry in kind):
        return True
    if isinstance(kind, str):
        return kind.strip().lower() in _OBJECTS or isinstance(properties, Mapping | list)
    if kind is not None:
        return False
    if isinstance(properties, Mapping):
        return all(entry is None or isinstance(entry, Mapping | bool) for entry in properties.values())
    return isinstance(properties, list) or any(
        isinstance(value.get(key), list | str) for key in ("anyOf", "oneOf", "allOf", "$ref", "$schema")
    )


def _object(
    properties: Mapping[str, Any] | None, required: list[str], kept: Mapping[str, Any], field: str, row: Row
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    needed = list(required)
    for name, entry in (properties or {}).items():
        if entry is None:  # a table with one column for every name any tool has
            continue
        schema, must = _property(entry, f"{field}.{name}", row)
        found[name] = schema
        if must and name not in needed:
            needed.append(name)
    schema = {"type": "object", **({} if properties is None else {"properties": found})}
    schema |= {k: _keyword(k, v, f"{field}.{k}", row) for k, v in kept.items()}
    schema["required"] = [name for name in needed if name in found] if properties is not None else needed
    return schema


def _property(entry: Any, field: str, row: Row) -> tuple[Any, bool]:
    """A parameter's schema, and whether it says itself that it is required."""
    if isinstance(entry, bool):
        return entry, False
    if isinstance(entry, str):  # a type, or what it means
        schema, _, known = described(entry)
        return (schema if known else {"description": entry}), False
    if not isinstance(entry, Mapping):
        raise Unusable(field, "must be an object (the argument's type and description)")
    must, plain = entry.get("required"), dict(entry)
    if isinstance(must, bool) or (isinstance(must, str) and must.strip().lower() in ("true", "false", "yes", "no")):
        del plain["required"]
        must = str(must).strip().lower() in ("true", "yes")
    else:
        must = False
    return json_schema(plain, field, row), must


def json_schema(value: Any, field: str, row: Row) -> Any:
    """A schema with JSON Schema's own type names and without nulls. A type of no such name is left out, and noted."""
    if isinstance(value, list):
        return [json_schema(entry, field, row) for entry in value]
    if not isinstance(value, Mapping):
        return value
    found: dict[str, Any] = {}
    for key, entry in value.items():
        if entry is None and key != "const":
            continue
        if key == "type" and isinstance(entry, str):
            schema, _, known = described(entry)
            found = {**schema, **found}
            if not known:
                row.note(TYPES_UNKNOWN)
        elif key == "type" and isinstance(entry, list):
            kinds = [described(one)[0].get("type") for one in entry if isinstance(one, str)]
            if kinds and all(isinstance(kind, str) for kind in kinds):
                found["type"] = kinds
        else:
            found[key] = _keyword(key, entry, field, row)
    if found.pop("nullable", False) is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found


def _keyword(key: str, entry: Any, field: str, row: Row) -> Any:
    if key == "properties" and isinstance(entry, list) and entry:
        entry = _listed(entry, field)
    if key == "properties" and isinstance(entry, Mapping):  # its keys are names, not keywords
        inner = {name: one for name, one in entry.items() if one is not None}
        return {name: _property(one, f"{field}.{name}", row)[0] for name, one in inner.items()}
    if key in _INNER:
        return json_schema(entry, field, row)
    return entry


def _listed(entries: list[Any], field: str) -> dict[str, Any]:
    """Parameters that are a list of objects with a name each, or of names."""
    found: dict[str, Any] = {}
    for at, entry in enumerate(entries):
        place = f"{field}[{at}]"
        if entry is None:
            continue
        if isinstance(entry, str):
            name, schema = entry, {}
        elif isinstance(entry, Mapping):
            key = next((key for key in _NAMES if isinstance(entry.get(key), str)), None)
            if key is None:
                raise Unusable(place, "must have the parameter's name")
            name, schema = entry[key], {k: v for k, v in entry.items() if k != key}
            if set(schema) - {"required", "description"} == {"schema"} and isinstance(schema["schema"], Mapping):
                schema = {**schema.pop("schema"), **schema}  # as OpenAPI has them
        else:
            raise Unusable(place, "must be an object with a parameter's name and type")
        if name in found and found[name] != schema:
            raise Unusable(place, f"{shown(name)} is the name of another parameter too")
        found[name] = schema
    return found
