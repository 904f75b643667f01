"""A study's data from a task of the world: a training pool, items, and text of the base's own kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine import world
from engine.spec.example import StudyData
from engine.spec.plugins.discovery import code_of
from engine.spec.run import digest
from engine.world.tasks import found, task
from engine.world.vocabulary.running import own_texts

PREFIX = "world."
_OFFERED_AS = {"calling": "tools"}  # the name in stored references and in studies' files


def source_of(name: str) -> str:
    """The source that a task is offered as, e.g. "world.routes"."""
    return PREFIX + _OFFERED_AS.get(name, name)


def task_of(source: str) -> str | None:
    """The task that a source names, by either of its names; None where it names none."""
    name = source.removeprefix(PREFIX)
    name = next((own for own, offered in _OFFERED_AS.items() if offered == name), name)
    return name if source.startswith(PREFIX) and name in found().classes else None


def identity(name: str, options: Mapping[str, Any]) -> list[Any]:
    """All that decides what a task gives, as plain values.

    Args:
        options: All of them, defaults written out. A task without any gives what it gave before tasks had options,
            so references of that time stay good.
    """
    code = code_of("world.tasks", name)
    return [source_of(name), world.VERSION, *([dict(options)] if options else []), *([code] if code else [])]


def study_data(
    name: str, options: Mapping[str, Any] | None = None, train: int | None = None, per_split: int | None = None
) -> StudyData:
    """Training pool and held-out items of a task, the same for every run.

    Args:
        options: Over the task's defaults.
        train: Examples of the pool; None: as many as the task says.
        per_split: Items of each split; None likewise. The world may have fewer.

    Raises:
        PluginError: There is no such task.
        SpecError: It has no such options.
    """
    chosen = task(name)
    asked = chosen.options(options)
    pool = chosen.train if train is None else train
    each = chosen.per_split if per_split is None else per_split
    examples, items = chosen.drawn(asked, pool, each)
    return StudyData(
        train=examples,
        items=items,
        texts=own_texts(),
        name=f"{chosen.title} ({'your own task' if code_of('world.tasks', name) else 'bundled world'})",
        digest=digest([*identity(name, asked.model_dump(mode="json")), pool, each]),
    )
