"""Types as files spell them ("str, optional", "List[int]", "NUMBER", "dict"), in JSON Schema's words."""

from __future__ import annotations

import ast
import re
from typing import Any

TYPES = {  # Python's, Java's, JavaScript's and Gemini's names -> JSON Schema's
    "dict": "object", "hashmap": "object", "map": "object", "object": "object", "mapping": "object", "struct": "object",
    "list": "array", "tuple": "array", "set": "array", "array": "array", "arraylist": "array", "sequence": "array",
    "float": "number", "double": "number", "number": "number", "decimal": "number",
    "int": "integer", "integer": "integer", "long": "integer", "short": "integer", "byte": "integer",
    "bigint": "integer",
    "str": "string", "string": "string", "char": "string", "text": "string",
    "bool": "boolean", "boolean": "boolean",
    "none": "null", "nonetype": "null", "null": "null",
}  # fmt: skip
ANY = {"any", "object or string", ""}
_LONGEST = 300  # characters of a type that is taken apart
_OUTER = re.compile(r"(?:typing\.)?(\w+)\s*[\[<(](.*)[\])>]", re.DOTALL)


def described(text: str) -> tuple[dict[str, Any], bool, bool]:
    """A type's schema, whether it says that the argument may be left out, and whether its name is known.

    Raises nothing: a type of no known name gives an empty schema, which any value satisfies.
    """
    first, *rest = _split(text.strip(), ",") or [""]
    optional = any(word.strip().lower().startswith("optional") for word in rest)
    if rest and not optional and not any(word.strip().lower().startswith("required") for word in rest):
        first = text.strip()  # no word about the argument: the comma is the type's own
    if first.lower().startswith("optional["):
        optional = True
    schema = _schema(first.strip(), 0)
    return ({} if schema is None else schema), optional, schema is not None


def _schema(text: str, depth: int) -> dict[str, Any] | None:
    """A type's schema; {} where any value is right, None where the name is unknown."""
    if text.lower() in ANY:
        return {}
    if name := TYPES.get(text.lower()):
        return {"type": name}
    if depth > 6 or len(text) > _LONGEST:
        return None
    for mark in ("|", " or "):
        parts = _split(text, mark)
        if len(parts) > 1:
            return _either(parts, depth)
    if text.endswith("[]"):
        return _array(text[:-2], depth)
    match = _OUTER.fullmatch(text)
    if match is None:
        return None
    outer, inner = match[1].lower(), match[2].strip()
    if outer == "optional":
        return _either([inner, "null"], depth)
    if outer == "union":
        return _either(_split(inner, ","), depth)
    if outer in ("literal", "enum"):
        return _literal(inner)
    kind = TYPES.get(outer)
    if kind == "array":
        parts = {part.strip() for part in _split(inner, ",")} - {"..."}
        return _array(parts.pop(), depth) if len(parts) == 1 else {"type": "array"}
    return {"type": kind} if kind else None


def _array(inner: str, depth: int) -> dict[str, Any]:
    items = _schema(inner.strip(), depth + 1)
    return {"type": "array", "items": items} if items else {"type": "array"}


def _either(parts: list[str], depth: int) -> dict[str, Any] | None:
    found = [_schema(part.strip(), depth + 1) for part in parts]
    if any(schema is None for schema in found):
        return None
    plain = [schema for schema in found if schema is not None]
    if all(set(schema) == {"type"} for schema in plain):
        kinds = list(dict.fromkeys(schema["type"] for schema in plain))
        return {"type": kinds[0] if len(kinds) == 1 else kinds}
    return {"anyOf": plain} if all(plain) else {}


def _literal(inner: str) -> dict[str, Any] | None:
    try:
        value = ast.literal_eval(f"[{inner}]")
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None
    return {"enum": value} if all(isinstance(entry, str | int | float | bool) for entry in value) else None


def _split(text: str, mark: str) -> list[str]:
    """The parts between marks that stand in no bracket."""
    parts, depth, start = [], 0, 0
    for at, char in enumerate(text):
        if char in "[(<":
            depth += 1
        elif char in "])>":
            depth -= 1
        elif depth == 0 and text.startswith(mark, at) and at >= start:
            parts.append(text[start:at])
            start = at + len(mark)
    return [*parts, text[start:]]
