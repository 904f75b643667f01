"""`$ref` in a schema, replaced by what it points to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.data.notes import RECURSIVE
from engine.data.problems import Unusable, shown
from engine.data.row import Row

_HOLDERS = ("$defs", "definitions")
_MOST_NODES = 20_000  # of a schema whose references are replaced: each one may stand for many


def resolved(schema: Any, roots: Sequence[Mapping[str, Any]], field: str, row: Row) -> Any:
    """The schema without references.

    Args:
        roots: Where "#/..." may begin: the schema itself, and what holds it.

    Raises:
        Unusable: A reference points nowhere, or the schema would grow too large.
    """
    if not _has(schema):
        return schema
    return _Resolver(roots, field, row).value(schema, ())


def _has(value: Any) -> bool:
    stack = [value]
    while stack:
        entry = stack.pop()
        if isinstance(entry, Mapping):
            if isinstance(entry.get("$ref"), str):
                return True
            stack.extend(entry.values())
        elif isinstance(entry, list):
            stack.extend(entry)
    return False


class _Resolver:
    def __init__(self, roots: Sequence[Mapping[str, Any]], field: str, row: Row) -> None:
        self._roots = roots
        self._field = field
        self._row = row
        self._nodes = 0

    def value(self, value: Any, path: tuple[str, ...]) -> Any:
        """A value without references; `path` holds those that it stands in."""
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise Unusable(self._field, "holds references that make its schema too large")
        if isinstance(value, list):
            return [self.value(entry, path) for entry in value]
        if not isinstance(value, Mapping):
            return value
        ref = value.get("$ref")
        beside = {key: self.value(entry, path) for key, entry in value.items() if key not in ("$ref", *_HOLDERS)}
        if not isinstance(ref, str):
            kept = {key: value[key] for key in _HOLDERS if key in value and not isinstance(value[key], Mapping)}
            return {**beside, **kept}
        if ref in path:
            self._row.note(RECURSIVE)
            return beside
        target = self.value(self._target(ref), (*path, ref))
        return {**target, **beside} if isinstance(target, dict) else target

    def _target(self, ref: str) -> Any:
        if ref.startswith("#"):
            keys = [key.replace("~1", "/").replace("~0", "~") for key in ref[1:].split("/") if key]
            for root in self._roots:
                value: Any = root
                for key in keys:
                    value = value.get(key) if isinstance(value, Mapping) else None
                if isinstance(value, Mapping | bool):
                    return value
        raise Unusable(self._field, f"refers to {shown(ref)}, which is not in the tool")
