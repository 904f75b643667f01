"""Every task of the world, by name. A new one is a module that ends in `TASK = Task(...)`, and a line here."""

from __future__ import annotations

from engine.world.tasks import (
    arguments,
    calling,
    chains,
    entailment,
    facts,
    families,
    relations,
    routes,
    steps,
    stories,
)
from engine.world.tasks._base import Task

_MODULES = (entailment, facts, families, calling, steps, chains, relations, routes, arguments, stories)

TASKS: dict[str, Task] = {module.TASK.name: module.TASK for module in _MODULES}
