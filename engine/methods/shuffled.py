"""Instruction-shuffled control: every example keeps its answer and gets another example's instruction."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, ClassVar

from engine.methods._base import LoraConfig, Method
from engine.spec.errors import DataError
from engine.spec.example import Example


class Shuffled(Method[LoraConfig]):
    """The form of the answer can still be learned; what the instruction asks for cannot.

    Tools, query and answer stay; the message at `Example.instruction` comes from an example of another task
    (or, where a task has no other beside it, from one whose instruction differs), so that its right answer differs.
    """

    name: ClassVar[str] = "shuffled"
    label: ClassVar[str] = "Shuffled instructions (control)"
    source: ClassVar[str] = "arXiv:2305.11383"
    control: ClassVar[bool] = True

    def treat(self, examples: Sequence[Example], rng: Random) -> list[Example]:
        """Give each example an instruction whose right answer differs; no example keeps its own.

        Raises:
            DataError: All examples have the same instruction, so shuffling would change nothing.
        """
        donors: dict[str, list[dict[str, Any]]] = {}
        for example in examples:
            donors.setdefault(example.family, []).append(_instruction(example))
        pools = {task: _others(task, donors) for task in donors}
        return [self._swap(example, pools[example.family], rng) for example in examples]

    def _swap(self, example: Example, pool: Sequence[dict[str, Any]], rng: Random) -> Example:
        own = _instruction(example).get("content")
        for _ in range(20):  # almost always the first draw differs
            drawn = rng.choice(pool)
            if drawn.get("content") != own:
                return _with_instruction(example, drawn)
        differing = [message for message in pool if message.get("content") != own]
        if not differing:
            raise DataError(
                "All training examples have the same instruction, so shuffling instructions would change nothing.",
                "Leave the control out, or use data that mixes tasks.",
            )
        return _with_instruction(example, rng.choice(differing))


def _others(task: str, donors: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Instructions of the other tasks; of all where there is but one task."""
    found = [message for other in sorted(donors) if other != task for message in donors[other]]
    return found or donors[task]


def _instruction(example: Example) -> dict[str, Any]:
    return example.prompt.messages[example.instruction]


def _with_instruction(example: Example, message: dict[str, Any]) -> Example:
    messages = list(example.prompt.messages)
    messages[example.instruction] = {**messages[example.instruction], "content": message.get("content")}
    return example.model_copy(update={"prompt": example.prompt.model_copy(update={"messages": tuple(messages)})})
