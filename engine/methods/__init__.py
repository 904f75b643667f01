"""The methods, one file each. `found()` lists them; a broken one is listed with its traceback."""

from __future__ import annotations

from functools import cache

from engine.methods._base import Method
from engine.spec.plugin import Found, discover


@cache
def found() -> Found[Method]:
    """All methods."""
    import engine.methods as package

    return discover(package, Method)


def method_class(name: str) -> type[Method]:
    """The method of that name. Raises PluginError where there is none."""
    return found().get(name)
