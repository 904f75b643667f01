"""What a schema says about a call's arguments: which there are, and which may be null."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from engine.data.notes import NULLS_ALLOWED, NULLS_IN_CALLS
from engine.data.row import Row
from engine.data.strict_json import canonical

_PARTS = ("allOf", "anyOf", "oneOf")
_CONDITIONS = ("if", "then", "else")


class Schema:
    """An object's schema, as far as the names of its fields go.

    Attributes:
        properties: Schemas by name, those of its alternatives too.
        required: Names that must be there whatever alternative holds.
        listed: Whether it names any field or says that there is none.
        open: Whether it allows fields that it does not name, by saying so or by naming none.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.properties: dict[str, Any] = {}
        self.required: list[str] = []
        self.listed = False
        extra = [False]
        self._take(schema, extra, True)
        self.open = not self.listed or extra[0]

    def _take(self, schema: Mapping[str, Any], extra: list[bool], always: bool) -> None:
        if isinstance(schema.get("properties"), Mapping):
            self.listed = True
            for name, entry in schema["properties"].items():
                self.properties.setdefault(name, entry)
        if always and isinstance(schema.get("required"), list):
            self.required += [n for n in schema["required"] if isinstance(n, str) and n not in self.required]
        if isinstance(schema.get("patternProperties"), Mapping):
            self.listed = extra[0] = True  # patterns of a file are not tried: one may take for ever
        more = schema.get("additionalProperties")
        if more is True or isinstance(more, Mapping):
            extra[0] = True
        for key in _PARTS:
            for part in schema[key] if isinstance(schema.get(key), list) else []:
                if isinstance(part, Mapping):
                    self._take(part, extra, always and key == "allOf")
        for key in _CONDITIONS:
            if isinstance(schema.get(key), Mapping):
                self._take(schema[key], extra, False)


def without_padding(arguments: Mapping[str, Any], schema: Schema, row: Row) -> dict[str, Any]:
    """The arguments without the nulls that their schema does not allow; both kinds of null are counted."""
    return _object(arguments, schema, row, top=True)


def _object(value: Mapping[str, Any], schema: Schema, row: Row, top: bool = False) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, entry in value.items():
        inner = schema.properties.get(name)
        if entry is None:
            known = name in schema.properties
            allowed = allows_null(inner) if known else schema.open and (schema.listed or not top)
            row.note(NULLS_ALLOWED if allowed else NULLS_IN_CALLS)
            if not allowed:
                continue
        kept[name] = _inside(entry, inner, row)
    return kept


def _inside(value: Any, schema: Any, row: Row) -> Any:
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, Mapping):
        return _object(value, Schema(schema), row)
    if isinstance(value, list):
        items = schema.get("items")
        if items is None:
            items = next((p.get("items") for k in _PARTS for p in _mappings(schema.get(k)) if "items" in p), None)
        return [_inside(entry, items, row) for entry in value]
    return value


def allows_null(schema: Any) -> bool:
    """Whether null is a value that a schema allows."""
    if not isinstance(schema, Mapping):
        return schema is not False
    kind = schema.get("type")
    if schema.get("nullable") is True or kind == "null" or (isinstance(kind, list) and "null" in kind):
        return True
    if "const" in schema:
        return schema["const"] is None
    if isinstance(schema.get("enum"), list):
        return None in schema["enum"]
    if kind is not None:
        return False
    for key in ("anyOf", "oneOf"):
        if parts := _mappings(schema.get(key)):
            return any(allows_null(part) for part in parts)
    return all(allows_null(part) for part in _mappings(schema.get("allOf")))


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []


def allowed(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    """Whether values are what a tool's schema allows; True where the schema itself cannot be used."""
    from jsonschema.exceptions import SchemaError, UnknownType
    from referencing.exceptions import Unresolvable

    try:
        return _validator(canonical(schema)).is_valid(dict(arguments))
    except (SchemaError, UnknownType, Unresolvable, RecursionError, re.error, TypeError, AttributeError):
        return True  # what else is wrong with a schema is said where it is read


@lru_cache(maxsize=1024)  # the same tools come in many rows
def _validator(schema: str) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(schema))
