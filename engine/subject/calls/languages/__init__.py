"""The languages that calls are written in, one file each. `every()` lists them."""

from __future__ import annotations

from functools import cache

from engine.spec.plugins.discovery import discover
from engine.subject.calls.language import Language


@cache
def every() -> tuple[Language, ...]:
    """All of them. One that does not load is a bug: without it its calls would pass for words."""
    found = discover("subject.calls.languages", Language)
    if found.broken:
        raise ImportError(found.broken[0].traceback)
    return tuple(language() for language in found.classes.values())
