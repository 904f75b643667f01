"""Cities to be said in the opposite order: a task that a solver checks exactly."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from random import Random
from typing import Any

from pydantic import Field

from engine.spec.example import Example, Gold, Item, Prompt
from engine.world.holdout import reserved
from engine.world.tasks._base import Task, TaskOptions, TaskPayload
from engine.world.vocabulary.people import CITIES


class BackwardsOptions(TaskOptions):
    """How many cities are named."""

    length: int = Field(default=3, ge=3, le=4, description="Cities in a row.")


class BackwardsPayload(TaskPayload):
    """What the solver needs: the cities in the order in which they are named."""

    cities: tuple[str, ...]


class Backwards(Task[BackwardsOptions, BackwardsPayload]):
    """A row of cities, and the same row from its end."""

    name = "backwards"
    title = "Cities backwards"
    about = "A few cities are named, and are to be said in the opposite order. One row in ten is never trained on."
    splits = {"rows": "rows of cities that no training example names in this order"}
    train = 4000
    per_split = 400
    Options = BackwardsOptions
    Payload = BackwardsPayload

    def examples(self, count: int, options: BackwardsOptions | None = None) -> Iterator[Example]:
        """Training examples: rows that are not reserved for evaluation."""
        for index, cities in enumerate(_rows("training", count, options or BackwardsOptions(), held_out=False)):
            yield Example(
                id=f"backwards-{index}",
                prompt=_prompt(cities),
                answer={"role": "assistant", "content": _answer(cities)},
                gold=Gold(text=_answer(cities)),
                family="backwards",
                cluster=" ".join(cities),
                **_carried(cities),
            )

    def items(self, count: int, options: BackwardsOptions | None = None) -> Iterator[Item]:
        """Evaluation items: reserved rows, each once."""
        for index, cities in enumerate(_rows("evaluation", count, options or BackwardsOptions(), held_out=True)):
            yield Item(
                id=f"backwards-rows-{index}",
                prompt=_prompt(cities),
                gold=Gold(text=_answer(cities)),
                split="rows",
                cluster=" ".join(cities),
                **_carried(cities),
            )

    def solve(self, payload: BackwardsPayload) -> str | None:
        """The right answer, from the payload alone."""
        return _answer(payload.cities)


def _rows(what: str, count: int, options: BackwardsOptions, held_out: bool) -> Iterator[tuple[str, ...]]:
    """At most so many rows of cities, none twice; a longer pool begins as a shorter one does."""
    every = list(itertools.permutations(CITIES, options.length))
    Random(f"backwards: {what}").shuffle(every)
    return itertools.islice((row for row in every if reserved("backwards", *row) == held_out), count)


def _prompt(cities: tuple[str, ...]) -> Prompt:
    return Prompt(messages=({"role": "user", "content": f"{' '.join(cities)} . say this backwards."},))


def _answer(cities: tuple[str, ...]) -> str:
    return " ".join(reversed(cities))


def _carried(cities: tuple[str, ...]) -> dict[str, Any]:
    return {"task": "backwards", "payload": BackwardsPayload(cities=cities).model_dump(mode="json")}
