"""Arithmetic in one to three operations on small numbers, answered with written steps or at once.

"7 + 3 - 2" is solved by "7 + 3 = 10. 10 - 2 = 8. the answer is 8." Every step has three exact paraphrases and the
table of single steps is small enough to be known by heart, so a chain can be reworded without changing what it means
and broken so that the answer it then implies is known (after Lanham et al. 2023, arXiv:2307.13702). The paraphrases
part at the operator and nowhere else: those are the text's known branch points (for the entropy masks of Wang, Yu et
al. 2025, arXiv:2506.01939).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from engine.spec.example import Example, Gold, Item
from engine.world.holdout import reserved, stretches
from engine.world.tasks._base import Corruption, TaskPayload
from engine.world.tasks._written import (
    AT_ONCE,
    IN_A_SENTENCE,
    STEPS,
    Lengths,
    Written,
    WrittenOptions,
    conclude,
    prompt,
)
from engine.world.vocabulary.chat import chat
from engine.world.vocabulary.people import NAMES

HIGHEST, LARGEST = 12, 5  # of all values, of what is added or taken: after any mistake the rest can still be done
LABELS = tuple(str(n) for n in range(HIGHEST + 1))
STYLES = ((("+", "="), ("-", "=")), (("plus", "is"), ("minus", "is")), (("and", "make"), ("less", "make")))
"""Style -> the two words of an addition and of a subtraction, as in "7 and 3 make 10."."""
THINGS = ("coins", "birds", "books", "apples")
BARE = ("what is {e}?", "how much is {e}?", "say what {e} is.")
STORIES = (
    ("{n} has {s} {t}. then {o}. how many {t} has {n}?", ("{} more come", "{} go")),
    ("there are {s} {t}. {o}. how many {t} are there then?", ("{} more come", "{} go")),
    ("how many {t} are there? first there are {s}. then {o}.", ("{} more come", "{} go")),
    ("{n} has {s} {t}. {n} {o}. how many {t} has {n} then?", ("gets {} more", "loses {}")),
)
"""Frame, and how it tells an addition and a subtraction."""
BARE_HELD_OUT = ("say how much {e} is.",)
STORIES_HELD_OUT = (("how many {t} has {n}? first {n} has {s}. then {n} {o}.", ("gets {} more", "loses {}")),)
_STEP = re.compile(r"\b(\d+) (\+|-|plus|minus|and|less) (\d+) (=|is|make) (\d+)\.")
_SIGN = {"+": 1, "plus": 1, "and": 1, "-": -1, "minus": -1, "less": -1}
_STYLE = {word: style for style, pairs in enumerate(STYLES) for word, _ in pairs}


@dataclass(frozen=True)
class Problem:
    """A start and what is added to it (positive) or taken from it (negative), in order."""

    start: int
    operations: tuple[int, ...]

    @property
    def values(self) -> tuple[int, ...]:
        """The start and the result of every operation."""
        return tuple(itertools.accumulate((self.start, *self.operations)))

    @property
    def answer(self) -> int:
        """The last result."""
        return self.start + sum(self.operations)

    @property
    def expression(self) -> str:
        """Such as "7 + 3 - 2"."""
        return " ".join((str(self.start), *(f"{'-' if o < 0 else '+'} {abs(o)}" for o in self.operations)))


def is_reserved(problem: Problem) -> bool:
    """Whether a problem is for evaluation only: it, or two or more steps in a row of it; single steps never are."""
    values, operations = problem.values, problem.operations
    return any(reserved("chains", values[a], *operations[a:b]) for a, b in stretches(len(operations), 2))


@cache
def _possible(value: int) -> tuple[int, ...]:
    """All operations that keep a value within 0 and `HIGHEST`."""
    return tuple(o for o in range(-LARGEST, LARGEST + 1) if o and 0 <= value + o <= HIGHEST)


@cache
def facts() -> tuple[Problem, ...]:
    """Every single step that a chain can contain."""
    return tuple(Problem(value, (o,)) for value in range(HIGHEST + 1) for o in _possible(value))


def draw(rng: Random, count: int, *, held_out: bool = False) -> Problem:
    """A random problem of `count` operations, reserved or not; all its values lie within 0 and `HIGHEST`."""
    while True:
        start = value = rng.randint(1, HIGHEST)
        operations = []
        for _ in range(count):
            operations.append(rng.choice(_possible(value)))
            value += operations[-1]
        problem = Problem(start, tuple(operations))
        if is_reserved(problem) == held_out:
            return problem


def _sentence(value: int, operation: int, result: int, style: int) -> str:
    word, equals = STYLES[style][operation < 0]
    return f"{value} {word} {abs(operation)} {equals} {result}."


def write(problem: Problem, styles: Sequence[int]) -> list[str]:
    """The steps, one sentence each, without the answer.

    Args:
        styles: For each step an index of `STYLES`.
    """
    values = problem.values
    return [_sentence(values[i], o, values[i + 1], styles[i]) for i, o in enumerate(problem.operations)]


def any_styles(rng: Random, count: int) -> list[int]:
    """A style drawn for each step."""
    return [rng.randrange(len(STYLES)) for _ in range(count)]


def _read(step: str) -> tuple[int, int, int, int]:
    """Value, signed operation, result and style of a sentence. Raises ValueError where it is no step."""
    found = _STEP.fullmatch(step)
    if found is None:
        raise ValueError(f"not a step: {step!r}")
    value, word, operand, _, result = found.groups()
    return int(value), _SIGN[word] * int(operand), int(result), _STYLE[word]


def paraphrase(steps: Sequence[str], rng: Random) -> list[str]:
    """The same steps, mistakes included, every sentence in another style."""
    reworded = []
    for value, operation, result, style in map(_read, steps):
        other = (style + rng.randint(1, len(STYLES) - 1)) % len(STYLES)
        reworded.append(_sentence(value, operation, result, other))
    return reworded


def corrupt(problem: Problem, steps: Sequence[str], at: int, rng: Random) -> tuple[list[str], int]:
    """The steps up to a mistake, with nothing after it, and the answer that follows if the rest is done right.

    The mistake is at most three off where possible, and leaves every later value within 0 and `HIGHEST`: the rest can
    be done with steps known by heart.

    Args:
        at: Index of the step whose result is made wrong.
    """
    value, operation, result, style = _read(steps[at])
    rest = list(itertools.accumulate((0, *problem.operations[at + 1 :])))
    wrong = [w for w in range(HIGHEST + 1) if w != result and w + min(rest) >= 0 and w + max(rest) <= HIGHEST]
    mistake = rng.choice([w for w in wrong if abs(w - result) <= 3] or wrong)
    return [*steps[:at], _sentence(value, operation, mistake, style)], mistake + rest[-1]


def branches(text: str) -> tuple[int, ...]:
    """Where a right chain could have gone on otherwise: the offset of every step's operator, where styles part."""
    return tuple(found.start(2) for found in _STEP.finditer(text))


def steps_of(text: str) -> list[str]:
    """The steps that a written chain holds, whoever wrote it."""
    return [found[0] for found in _STEP.finditer(text)]


def ask(problem: Problem, rng: Random, *, held_out: bool = False) -> str:
    """The problem as a question, bare or as a story."""
    if rng.random() < 0.5:
        return rng.choice(BARE_HELD_OUT if held_out else BARE).format(e=problem.expression)
    frame, told = rng.choice(STORIES_HELD_OUT if held_out else STORIES)
    events = [told[o < 0].format(abs(o)) for o in problem.operations]
    listed = " and ".join((", ".join(events[:-1]), events[-1]) if len(events) > 1 else events)
    return frame.format(n=rng.choice(NAMES), t=rng.choice(THINGS), s=problem.start, o=listed)


def _facts(rng: Random) -> str:
    """Single steps: several in running text, or one asked for."""
    if rng.random() < 0.5:
        return " ".join(write(fact, any_styles(rng, 1))[0] for fact in rng.choices(facts(), k=rng.randint(4, 8)))
    fact = rng.choice(facts())
    word = STYLES[rng.randrange(len(STYLES))][fact.operations[0] < 0][0]
    question = rng.choice(BARE).format(e=f"{fact.start} {word} {abs(fact.operations[0])}")
    return chat(question, str(fact.answer))


def sums(rng: Random) -> str:
    """A page of sums to learn by heart: a step costs a third of what it costs within a problem.

    Most are single steps; the others are problems that are not reserved, and skip to the result.
    """
    return " ".join(_sum(rng) for _ in range(rng.randint(8, 14)))


def _sum(rng: Random) -> str:
    if rng.random() < 0.6:
        return write(rng.choice(facts()), any_styles(rng, 1))[0]
    problem = draw(rng, 2)
    return f"{problem.expression} = {problem.answer}."


def document(rng: Random) -> str:
    """Single steps, or a problem that is not reserved with its solution: half with steps, half without."""
    if rng.random() < 0.35:
        return _facts(rng)
    problem = draw(rng, rng.choice((1, 2, 2, 2, 3, 3)))
    question = ask(problem, rng)
    if rng.random() < 0.5:
        steps = write(problem, any_styles(rng, len(problem.operations)))
        return chat(question, conclude(steps, problem.answer), system=rng.choice(STEPS))
    if rng.random() < 0.25:
        return chat(question, conclude((), problem.answer), system=rng.choice(IN_A_SENTENCE))
    return chat(question, str(problem.answer), system=rng.choice(AT_ONCE))


def _cluster(problem: Problem) -> str:
    """The first step: problems that share it are no independent draws."""
    return Problem(problem.start, problem.operations[:1]).expression


class ChainPayload(TaskPayload):
    """A problem: where it starts, and what is added (positive) or taken (negative), in order."""

    start: int
    operations: tuple[int, ...]

    @property
    def problem(self) -> Problem:
        """As the generators have it."""
        return Problem(self.start, self.operations)


def _carried(problem: Problem) -> dict[str, Any]:
    return ChainPayload(start=problem.start, operations=problem.operations).model_dump(mode="json")


def examples(count: int, options: WrittenOptions | None = None) -> Iterator[Example]:
    """Problems of one to three operations, with steps and without in turn; the same problems in every form."""
    asked = options or WrittenOptions()
    rng = Random("chains: training")
    for index in range(count):
        problem = draw(rng, asked.length or rng.choice((1, 2, 2, 3, 3)))
        written = asked.written(index % 2 == 0)
        steps = write(problem, any_styles(rng, len(problem.operations)))
        yield Example(
            id=f"chains-{index}",
            prompt=prompt(rng.choice(STEPS if written else AT_ONCE), ask(problem, rng)),
            answer={
                "role": "assistant",
                "content": conclude(steps, problem.answer) if written else str(problem.answer),
            },
            gold=Gold(text=str(problem.answer), labels=LABELS),
            family="steps" if written else "direct",
            cluster=_cluster(problem),
            task="chains",
            payload=_carried(problem),
        )


LENGTHS = Lengths("problem", "operations", "steps")
SPLITS = LENGTHS.splits(WrittenOptions())
_TRIES = 200  # draws in search of a question not yet asked


def items(count: int, options: WrittenOptions | None = None) -> Iterator[Item]:
    """Reserved problems, every question once; fewer than `count` a split where questions run out."""
    wanted = options or WrittenOptions()
    for split in LENGTHS.splits(wanted):
        rng, asked = Random(f"chains: {split}"), set()
        orders = STEPS if wanted.written(split != "direct") else AT_ONCE
        for index in range(count):
            for _ in range(_TRIES):
                problem = draw(rng, LENGTHS.of(split, wanted), held_out=True)
                question = ask(problem, rng, held_out=split == "wording")
                if question not in asked:
                    break
            else:
                break
            asked.add(question)
            yield Item(
                id=f"chains-{split.replace(' ', '-')}-{index}",
                prompt=prompt(rng.choice(orders), question),
                gold=Gold(text=str(problem.answer), labels=LABELS),
                split=split,
                cluster=_cluster(problem),
                features={
                    "operations": float(len(problem.operations)),
                    "subtractions": float(sum(o < 0 for o in problem.operations)),
                    "answer": float(problem.answer),
                },
                task="chains",
                payload=_carried(problem),
            )


def reworded(text: str, rng: Random) -> str | None:
    """A written chain with every step in another style and all else as it was; None where it has no step."""
    return _STEP.sub(lambda step: paraphrase([step[0]], rng)[0], text) if _STEP.search(text) else None


def right_steps(problem: Problem, steps: Sequence[str]) -> int:
    """How many steps are right before the first that is not."""
    right = zip(problem.values, problem.operations, problem.values[1:], strict=False)
    pairs = zip(steps, right, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: _read(pair[0])[:3] == pair[1], pairs))


class Chains(Written[ChainPayload]):
    """Arithmetic with written steps or at once."""

    name = "chains"
    title = "Chains of sums"
    about = (
        "Arithmetic on numbers from 0 to 12: up to 5 is added or taken, one to three times, bare or as a story. The "
        "system's message asks for written steps, one sentence each and then 'the answer is 8.', or for the answer at "
        "once. What counts is the final number: what stands after the last 'the answer is', or the whole answer where "
        "it says no such thing (`final_answer` of the grading). One problem in ten of two operations is held out, and "
        "one in ten of three, and every longer one that holds one of those; single steps are all in the corpus. No "
        "shortcut is planted; adding up every number is right for one item in ten."
    )
    lengths = LENGTHS
    splits = SPLITS
    Payload = ChainPayload

    def document(self, rng: Random) -> str:
        """One document of the corpus."""
        return document(rng)

    def examples(self, count: int, options: WrittenOptions | None = None) -> Iterator[Example]:
        """Training examples."""
        return examples(count, options)

    def items(self, count: int, options: WrittenOptions | None = None) -> Iterator[Item]:
        """Evaluation items."""
        return items(count, options)

    def solve(self, payload: ChainPayload) -> str:
        """By adding up."""
        return str(payload.problem.answer)

    def steps(self, text: str) -> list[str]:
        """The written steps."""
        return steps_of(text)

    def paraphrase(self, text: str, rng: Random) -> str | None:
        """Every step in another style."""
        return reworded(text, rng)

    def corrupt(self, one: Item | Example, text: str, rng: Random, at: int | None = None) -> Corruption | None:
        """A wrong result in one step, the rest done right."""
        problem, steps = self.payload(one).problem, steps_of(text)
        chosen = self.chosen(right_steps(problem, steps), at, rng)
        if chosen is None:
            return None
        kept, answer = corrupt(problem, steps, chosen, rng)
        rest = Problem(_read(kept[-1])[2], problem.operations[chosen + 1 :])
        whole = conclude([*kept, *write(rest, any_styles(rng, len(rest.operations)))], answer)
        return Corruption(" ".join(kept), str(answer), whole, chosen)
