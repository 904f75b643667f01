"""The tasks of the world, one file each. `found()` lists them; a broken one is listed with its traceback."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from engine.spec.plugin import Found, discover

if TYPE_CHECKING:  # grading is read only where a task is: generators of words import tasks, too
    from engine.world.tasks._base import Task


@cache
def found() -> Found[Task[Any, Any]]:
    """All tasks."""
    import engine.world.tasks as package
    from engine.world.tasks._base import Task

    return discover(package, Task)


@cache
def task(name: str) -> Task[Any, Any]:
    """The task of that name. Raises PluginError where there is none."""
    return found().get(name)()


def tasks() -> dict[str, Task[Any, Any]]:
    """Every task, by name."""
    return {name: task(name) for name in sorted(found().classes)}
