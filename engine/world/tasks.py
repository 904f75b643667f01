"""Every task of the world, by name. A new one is a module that ends in `TASK = Task(...)`, and a line here."""

from __future__ import annotations

from engine.world import (
    arguments,
    calling,
    chains,
    entailment,
    families,
    people,
    relations,
    routes,
    steps,
    stories,
)
from engine.world.task import Task

_MODULES = (entailment, people, families, calling, steps, chains, relations, routes, arguments, stories)

TASKS: dict[str, Task] = {module.TASK.name: module.TASK for module in _MODULES}
