"""What every task of the world offers: documents, training examples, items, and the rules by which answers count."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from random import Random
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from pydantic import ValidationError

from engine.spec.choice import Choice
from engine.spec.errors import DataError, SpecError
from engine.spec.example import Example, Frozen, Item
from engine.spec.plugins.misfits import fields_for, misfit
from engine.subject.grading import Grade, grade


class TaskOptions(Frozen):
    """What a task can be asked for: none, unless it says otherwise. The defaults are the data of always."""


class TaskPayload(Frozen):
    """What a task's solver needs of one item: nothing, unless the task says otherwise."""


class Corruption(NamedTuple):
    """A written answer with one wrong step.

    Attributes:
        text: The answer up to and with the wrong step, and nothing after it.
        answer: What it comes to where the rest is done right.
        whole: `text`, the rest done right, and the conclusion: a whole answer that is wrong in one step.
        at: Index of the wrong step.
    """

    text: str
    answer: str
    whole: str
    at: int


O = TypeVar("O", bound=TaskOptions)  # noqa: E741 - the options
P = TypeVar("P", bound=TaskPayload)


class Task(Generic[O, P]):
    """Base of every task (`engine/world/tasks/<name>.py`, one class a file). No task imports torch.

    Attributes:
        name: The file's name, with "-" for "_".
        title: What a study's data from it are called, e.g. "Function calling".
        about: A paragraph for people: what is asked, where the shortcut points, what is held out.
        splits: Split -> what it holds out, with the default options.
        train, per_split: A study's training pool, and its items of each split.
        Options: What can be asked for; each field has a default and a description.
        Payload: What an item or example carries for the solver.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]
    splits: ClassVar[dict[str, str]]
    train: ClassVar[int] = 8000
    per_split: ClassVar[int] = 600
    Options: ClassVar[type[TaskOptions]] = TaskOptions
    Payload: ClassVar[type[TaskPayload]] = TaskPayload

    def document(self, rng: Random) -> str:
        """One document of the corpus; the end token of a chat's last turn may be missing."""
        raise TypeError(f"{type(self).__name__} has no document()")

    def examples(self, count: int, options: O | None = None) -> Iterator[Example]:
        """Training examples, a pure function of both arguments; longer pools begin like shorter ones."""
        raise TypeError(f"{type(self).__name__} has no examples()")

    def items(self, count: int, options: O | None = None) -> Iterator[Item]:
        """Evaluation items, at most `count` a split.

        No document and no example holds one, save where the split says so (known facts).
        """
        raise TypeError(f"{type(self).__name__} has no items()")

    def drawn(self, options: O, train: int, per_split: int) -> tuple[tuple[Example, ...], tuple[Item, ...]]:
        """A study's training pool and items."""
        return tuple(self.examples(train, options)), tuple(self.items(per_split, options))

    def splits_of(self, options: O) -> dict[str, str]:
        """Split -> what it holds out, with these options."""
        return self.splits

    def options(self, given: Mapping[str, Any] | None = None) -> O:
        """The options, checked, with defaults filled in.

        Raises:
            SpecError: One is unknown, or its value does not fit.
        """
        try:
            return self.Options.model_validate(dict(given or {}))  # pyright: ignore[reportReturnType]
        except ValidationError as error:
            raise SpecError(
                f"The options of the data {self.name!r} do not fit: {misfit(error)}.",
                f"There are: {fields_for(error, self.Options)}.",
            ) from error

    def payload(self, one: Item | Example) -> P:
        """What an item or example of this task carries for its solver.

        Raises:
            DataError: It is of another task, or carries something else.
        """
        if one.task != self.name:
            raise DataError(f"{one.id} is of the task {one.task or '(none)'!r}, not of {self.name!r}.")
        try:
            return self.Payload.model_validate(one.payload)  # pyright: ignore[reportReturnType]
        except ValidationError as error:
            first = error.errors()[0]
            raise DataError(
                f"{one.id} does not carry what {self.name!r} needs: {first['loc']}: {first['msg']}."
            ) from error

    def solve(self, payload: P) -> str | None:
        """The right answer in words, found without the gold; None where the task has no solver."""
        return None

    def choices(self, one: Item | Example) -> tuple[Choice, ...]:
        """The answer as a choice among answers, with what each part of the input shows: for the design audit.

        Of a training example what it teaches (`engine.spec.choice.said`, `called`), which a control may have changed.
        None where the task names no parts: then nothing is audited, and a result says so.
        """
        return ()

    def grade(self, text: str, one: Item | Example) -> Grade:
        """How right an answer is, by the rules of this task. Never raises on whatever the text holds."""
        return grade(text, one.gold, one.prompt.tools)

    def reward(self, text: str, one: Item | Example) -> float:
        """What an answer is worth in training, in [0, 1]: 1 where it is right, else 0, unless a task says otherwise."""
        return float(self.grade(text, one).correct)

    def steps(self, text: str) -> list[str]:
        """The written steps of an answer, without its conclusion, whoever wrote it; none where none are read."""
        return []

    def corrupt(self, one: Item | Example, text: str, rng: Random, at: int | None = None) -> Corruption | None:
        """An answer with one of its steps made wrong.

        Args:
            text: The written answer; its steps up to the wrong one must be right.
            at: Index of the step; None: one by lot.

        Returns:
            None where the task or the text has no such step.
        """
        return None

    def paraphrase(self, text: str, rng: Random) -> str | None:
        """The same answer with every step in other words, mistakes included; None where there are none to reword."""
        return None

    def demonstrations(self, one: Item | Example, count: int, rng: Random) -> list[Example]:
        """Training examples that say nothing about this item, for a prompt with few shots; at most `count`."""
        others = [e for e in _shown(self) if e.cluster != one.cluster and e.prompt != one.prompt]
        return rng.sample(others, min(count, len(others)))


@cache
def _shown(task: Task[Any, Any]) -> tuple[Example, ...]:
    return tuple(task.examples(200))


def chance(items: Sequence[Item]) -> float:
    """Share right by guessing: among an item's labels, or always the commonest gold answer, whichever is more.

    For calls: never to call, which is right where no tool applies.
    """
    if not items:
        return 0.0
    if all(i.gold.kind == "call" for i in items):
        return sum(not i.gold.calls for i in items) / len(items)
    commonest = Counter(i.gold.text for i in items).most_common(1)[0][1]
    return max(commonest, sum(1 / len(i.gold.labels) for i in items if i.gold.labels)) / len(items)


def by_split(items: Sequence[Item]) -> dict[str, list[Item]]:
    """Items by split, in order of first appearance."""
    found: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        found[item.split].append(item)
    return dict(found)
