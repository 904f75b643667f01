"""The tools on offer: their names, the order of their arguments, and values that are written without a type."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.subject.calls import python_values
from engine.subject.calls.call import Unreadable

_DEEPEST = 8  # schemas within schemas (`anyOf`, `$ref`) that are followed


class Offer:
    """Tools by name.

    Args:
        tools: `{"type": "function", "function": {...}}` each, or the function alone.

    Attributes:
        names: Of the tools on offer.
    """

    def __init__(self, tools: Sequence[Mapping[str, Any]] = ()) -> None:
        functions = [f for t in tools if isinstance(t, Mapping) and isinstance(f := t.get("function", t), Mapping)]
        self._parameters = {f["name"]: f.get("parameters") for f in functions if isinstance(f.get("name"), str)}
        self.names = frozenset(self._parameters)

    def arguments(self, name: str) -> dict[str, Any]:
        """A tool's arguments in the order of its schema, with their own schemas; none where it is not on offer."""
        schema = self._parameters.get(name)
        properties = schema.get("properties") if isinstance(schema, Mapping) else None
        return dict(properties) if isinstance(properties, Mapping) else {}

    def required(self, name: str) -> list[str]:
        """The arguments that a tool's schema requires."""
        schema = self._parameters.get(name)
        found = schema.get("required") if isinstance(schema, Mapping) else None
        return [argument for argument in found if isinstance(argument, str)] if isinstance(found, list) else []

    def value(self, name: str, argument: str, text: str) -> Any:
        """An untyped text (as XML-like call formats write values) converted to a type that the schema allows.

        Text stays text where the schema allows only that, and where no allowed type fits. Without a schema, whatever
        parses as JSON or a Python literal is converted. A number of either kind fits "integer" and "number".
        """
        kinds = set(self._kinds(self.arguments(name).get(argument), self._parameters.get(name)))
        if kinds == {"string"}:
            return text
        found = _parsed(text.strip())
        return next((value for value in found if not kinds or _is_of(value, kinds)), text)

    def _kinds(self, schema: Any, root: Any, depth: int = 0) -> Iterator[str]:
        """The JSON types that a schema allows; none where it does not say."""
        if not isinstance(schema, Mapping) or depth > _DEEPEST:
            return
        said = schema.get("type")
        yield from (kind for kind in (said if isinstance(said, list) else [said]) if isinstance(kind, str))
        if said is None:
            values = schema.get("enum", [schema["const"]] if "const" in schema else [])
            yield from (_kind(value) for value in (values if isinstance(values, list) else []))
        if schema.get("nullable") is True:
            yield "null"
        for union in ("anyOf", "oneOf", "allOf"):
            for choice in schema.get(union) or () if isinstance(schema.get(union), list) else ():
                yield from self._kinds(choice, root, depth + 1)
        if isinstance(schema.get("$ref"), str):
            yield from self._kinds(_referred(schema["$ref"], root), root, depth + 1)


def _referred(path: str, root: Any) -> Any:
    found = root
    for part in path.removeprefix("#").strip("/").split("/"):
        found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found


def _parsed(text: str) -> list[Any]:
    """What a text is as JSON, or as a Python literal: `True` and `['a']` come from templates that print values."""
    try:
        value = json.loads(text, parse_constant=lambda name: float(f"no {name}"))  # NaN and Infinity: ValueError
        return [value] if not python_values.too_deep(text) else []
    except (ValueError, RecursionError):
        try:
            return [python_values.literal(text)] if text else []
        except Unreadable:
            return []


def _kind(value: Any) -> str:
    for kind, known in (("boolean", bool), ("integer", int), ("number", float), ("string", str), ("array", list)):
        if isinstance(value, known):
            return kind
    return "null" if value is None else "object"


def _is_of(value: Any, kinds: set[str]) -> bool:
    kind = _kind(value)
    return kind in kinds or (kind in ("integer", "number") and bool(kinds & {"integer", "number"}))
