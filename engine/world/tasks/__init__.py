"""The tasks of the world, one file each, in the package and in the user's folder `tasks`. A broken one is listed."""

from __future__ import annotations

from functools import cache
from typing import Any

from engine.spec.plugins.discovery import Found, discover
from engine.world.tasks._base import Corruption, Task, TaskOptions, TaskPayload

__all__ = ["Corruption", "Task", "TaskOptions", "TaskPayload", "found", "task", "tasks"]


def found() -> Found[Task[Any, Any]]:
    """All tasks."""
    return discover("world.tasks", Task)


def task(name: str) -> Task[Any, Any]:
    """The task of that name. Raises PluginError where there is none."""
    return _made(found().get(name))


def tasks() -> dict[str, Task[Any, Any]]:
    """Every task, by name, in order of the alphabet."""
    return {name: task(name) for name in sorted(found().classes)}


@cache
def _made(kind: type[Task[Any, Any]]) -> Task[Any, Any]:
    return kind()
