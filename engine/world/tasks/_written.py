"""What tasks share whose answers can be written out in steps: how steps are asked for, and how an answer concludes."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import ClassVar, Literal, TypeVar

from pydantic import Field, model_validator

from engine.spec.example import Example, Item, Prompt
from engine.subject.calls import apart
from engine.subject.grading import Grade, final_answer, grade
from engine.world.tasks._base import Task, TaskOptions, TaskPayload

STEPS = ("think in steps.", "write the steps.", "think step by step.", "first the steps, then the answer.")
AT_ONCE = ("answer at once.", "only the answer.", "say the answer at once.", "no steps, only the answer.")
IN_A_SENTENCE = ("answer in a sentence.", "say the answer in a sentence.")
"""Asked by the corpus alone: "the answer is 8." without steps, so that a chain cut down to nothing is no surprise."""
COUNTED = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


class WrittenOptions(TaskOptions):
    """Whether answers have written steps, and how many."""

    form: Literal["mixed", "chain", "answer"] = Field(
        default="mixed", description="Answers with written steps (chain), without (answer), or both in turn."
    )
    length: int = Field(default=0, ge=0, le=6, description="Steps of every problem, 2 to 6; 0: several lengths.")

    @model_validator(mode="after")
    def _can_be_held_out(self) -> WrittenOptions:
        if self.length == 1:
            raise ValueError("single steps are in the corpus: nothing would be held out")
        return self

    def written(self, otherwise: bool) -> bool:
        """Whether an answer has its steps written out; `otherwise` where both are asked for."""
        return otherwise if self.form == "mixed" else self.form == "chain"


class Lengths:
    """The splits of a task by length, such as "two steps", and the length that each asks for.

    Args:
        noun: What is held out, e.g. "problem".
        unit: What its length is counted in, e.g. "operations".
        called: The same in the splits' names, e.g. "steps".
    """

    def __init__(self, noun: str, unit: str, called: str) -> None:
        self.noun, self.unit, self.called = noun, unit, called

    def splits(self, options: WrittenOptions) -> dict[str, str]:
        """Split -> what it holds out; a split that would repeat another is left out."""
        how = "asked for with steps" if options.written(True) else "asked for at once"
        lengths = (options.length,) if options.length else (2, 3)
        of = {n: f"the {self.noun}, of {COUNTED[n]} {self.unit}" for n in lengths}
        found = {f"{COUNTED[n]} {self.called}": f"{said}; {how}" for n, said in of.items()}
        found["wording"] = f"{of[lengths[0]]}, and the wording of the question; {how}"
        if options.form == "mixed":
            found["direct"] = f"{of[lengths[0]]}; asked for at once"
        return found

    def of(self, split: str, options: WrittenOptions) -> int:
        """The length that a split asks for."""
        named = {f"{word} {self.called}": length for length, word in COUNTED.items()}
        return named.get(split, options.length or 2)


def conclude(steps: Sequence[str], answer: object) -> str:
    """A whole written chain: the steps, then "the answer is 8."."""
    return " ".join((*steps, f"the answer is {answer}."))


def prompt(order: str, question: str) -> Prompt:
    """How to answer as the system's message, the question as the user's."""
    return Prompt(messages=({"role": "system", "content": order}, {"role": "user", "content": question}))


def concluded(text: str) -> str | None:
    """What an answer comes to, its thought aside: after the last "the answer is", else all of it.

    Returns:
        None where it breaks off within a thought.
    """
    _, answer, unfinished = apart(text)
    return None if unfinished else final_answer(answer)


P = TypeVar("P", bound=TaskPayload)


class Written(Task[WrittenOptions, P]):
    """Base of tasks whose steps are sentences of one form, each of which can be worded in several styles."""

    lengths: ClassVar[Lengths]
    Options = WrittenOptions

    def splits_of(self, options: WrittenOptions) -> dict[str, str]:
        """By length, by wording, and asked for at once."""
        return self.lengths.splits(options)

    def grade(self, text: str, one: Item | Example) -> Grade:
        """What the answer concludes is compared, not its steps."""
        said = concluded(text)
        return grade(text if said is None else said, one.gold)

    @staticmethod
    def chosen(right: int, at: int | None, rng: Random) -> int | None:
        """The step to make wrong, of so many right ones; None where there is no such step."""
        if at is None:
            return rng.randrange(right) if right else None
        return at if 0 <= at < right else None
