"""The methods, one file each, in the package and in the user's folder. A broken one is listed with its traceback."""

from __future__ import annotations

from engine.methods._base import (
    Answering,
    LoraConfig,
    Method,
    MethodConfig,
    Phase,
    Shown,
    TrainConfig,
    Untrained,
    settings_of,
)
from engine.spec.plugins.discovery import Found, discover

__all__ = [
    "Answering",
    "LoraConfig",
    "Method",
    "MethodConfig",
    "Phase",
    "Shown",
    "TrainConfig",
    "Untrained",
    "found",
    "method_class",
    "settings_of",
]


def found() -> Found[Method]:
    """All methods."""
    return discover("methods", Method)


def method_class(name: str) -> type[Method]:
    """The method of that name. Raises PluginError where there is none."""
    return found().get(name)
