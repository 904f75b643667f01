"""Where a thing is in the end: a chain of containers read from a text that mixes in a second chain.

"the key is in the box. the pen is in the cup. the box is in the car. ..." Any thing may be in any other, so that size
tells nothing. Both chains are equally long and each is told in its own order; the text ends with the end of one of
them. The shortcut is the place mentioned last: it is the right answer on congruent items and the end of the other
chain on conflicting ones. Steps are written, reworded and broken as in `chains`: their styles part at the verb and
nowhere else.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from engine.spec.example import Example, Gold, Item, Side
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

THINGS = (
    "key coin pen mug tin pot tray case crate chest trunk pocket purse wallet tent shed barn cellar tunnel cave cradle "
    "pouch bin closet"
).split()
"""No nouns of the taxonomy: their frequencies are set elsewhere."""
STYLES = ("is", "lies", "sits")
"""Style -> the verb of a step, as in "the key lies in the box."."""
QUESTIONS = (
    "where is the {a} in the end?",
    "in the end, where is the {a}?",
    "where does the {a} lie in the end?",
    "tell me where the {a} is in the end.",
)
HELD_OUT_QUESTIONS = ("tell me where in the end the {a} lies.", "where in the end is the {a}?")
_THING = "|".join(THINGS)
_STEP = re.compile(rf"\bthe ({_THING}) ({'|'.join(STYLES)}) in the ({_THING})\.")


@dataclass(frozen=True)
class Problem:
    """Two chains of things, each in the next, and the sentences that tell them.

    Attributes:
        things: The chain that is asked about, from the thing sought to where it is in the end.
        others: The distractor, equally long.
        told: The sentences of both chains, mixed.
    """

    things: tuple[str, ...]
    others: tuple[str, ...]
    told: tuple[str, ...]

    @property
    def answer(self) -> str:
        """Where the first thing is in the end."""
        return self.things[-1]

    @property
    def text(self) -> str:
        """What is told, as running text."""
        return " ".join(self.told)

    @property
    def labels(self) -> tuple[str, ...]:
        """All things mentioned, in alphabetical order."""
        return tuple(sorted((*self.things, *self.others)))

    @property
    def side(self) -> Side:
        """Congruent where the place mentioned last is the answer."""
        return Side.CONGRUENT if _read(self.told[-1])[2] == self.answer else Side.CONFLICTING


def is_reserved(things: Sequence[str]) -> bool:
    """Whether a chain is for evaluation only: it, or three or more things in a row of it; one sentence never is."""
    return any(reserved("relations", *things[a:b]) for a, b in stretches(len(things), 3))


def draw(rng: Random, hops: int, side: Side, *, held_out: bool = False) -> Problem:
    """A random problem.

    Args:
        hops: Sentences of each chain.
        side: Congruent: the text ends with the end of the chain that is asked about; else with the other's.
        held_out: Whether that chain is reserved; the distractor never is.
    """
    while True:
        drawn = rng.sample(THINGS, 2 * hops + 2)
        things, others = tuple(drawn[: hops + 1]), tuple(drawn[hops + 1 :])
        if is_reserved(things) == held_out and not is_reserved(others):
            break
    last = side is not Side.CONGRUENT
    order = [False, True] * hops
    order.remove(last)
    rng.shuffle(order)
    left = [iter(write_chain(chain, any_styles(rng, hops))) for chain in (things, others)]
    return Problem(things, others, tuple(next(left[which]) for which in (*order, last)))


def any_styles(rng: Random, count: int) -> list[int]:
    """A style drawn for each step."""
    return [rng.randrange(len(STYLES)) for _ in range(count)]


def _sentence(thing: str, place: str, style: int) -> str:
    return f"the {thing} {STYLES[style]} in the {place}."


def write_chain(things: Sequence[str], styles: Sequence[int]) -> list[str]:
    """One sentence for each thing and the next."""
    return [_sentence(a, b, style) for (a, b), style in zip(itertools.pairwise(things), styles, strict=True)]


def write(problem: Problem, styles: Sequence[int]) -> list[str]:
    """The steps, one sentence each, without the answer (`chains.conclude` adds it).

    Args:
        styles: For each step an index of `STYLES`.
    """
    return write_chain(problem.things, styles)


def _read(step: str) -> tuple[str, int, str]:
    """Thing, style and place of a sentence. Raises ValueError where it is no step."""
    found = _STEP.fullmatch(step)
    if found is None:
        raise ValueError(f"not a step: {step!r}")
    return found[1], STYLES.index(found[2]), found[3]


def paraphrase(steps: Sequence[str], rng: Random) -> list[str]:
    """The same steps, mistakes included, every sentence in another style."""
    return [
        _sentence(thing, place, (style + rng.randint(1, len(STYLES) - 1)) % len(STYLES))
        for thing, style, place in map(_read, steps)
    ]


def corrupt(problem: Problem, steps: Sequence[str], at: int, rng: Random | None = None) -> tuple[list[str], str]:
    """The steps up to a mistake, with nothing after it, and the answer that follows if the rest is done right.

    The wrong place is the distractor's at the same depth: from there as many steps are left as before, and they end
    where the distractor ends.

    Args:
        at: Index of the step whose place is made wrong.
        rng: Not needed, there is one such mistake; taken so that both tasks are called alike.
    """
    thing, style, _ = _read(steps[at])
    return [*steps[:at], _sentence(thing, problem.others[at + 1], style)], problem.others[-1]


def branches(text: str) -> tuple[int, ...]:
    """Where a right chain could have gone on otherwise: the offset of every step's verb, where styles part."""
    return tuple(found.start(2) for found in _STEP.finditer(text))


def steps_of(text: str) -> list[str]:
    """The steps that a written chain holds, whoever wrote it."""
    return [found[0] for found in _STEP.finditer(text)]


def ask(problem: Problem, rng: Random, *, held_out: bool = False) -> str:
    """What is told, and the question."""
    question = rng.choice(HELD_OUT_QUESTIONS if held_out else QUESTIONS).format(a=problem.things[0])
    return f"{problem.text} {question}"


_SIDES = (Side.CONGRUENT, Side.CONFLICTING)


def document(rng: Random) -> str:
    """A problem that is not reserved with its solution: half with steps, half without; sides balanced."""
    hops = rng.choice((1, 2, 2, 2, 3, 3))
    problem = draw(rng, hops, rng.choice(_SIDES))
    question = ask(problem, rng)
    if rng.random() < 0.5:
        steps = write(problem, any_styles(rng, hops))
        return chat(question, conclude(steps, problem.answer), system=rng.choice(STEPS))
    if rng.random() < 0.25:
        return chat(question, conclude((), problem.answer), system=rng.choice(IN_A_SENTENCE))
    return chat(question, problem.answer, system=rng.choice(AT_ONCE))


class RelationPayload(TaskPayload):
    """Both chains, and the sentences that tell them."""

    things: tuple[str, ...]
    others: tuple[str, ...]
    told: tuple[str, ...]

    @property
    def problem(self) -> Problem:
        """As the generators have it."""
        return Problem(self.things, self.others, self.told)


def _carried(problem: Problem) -> dict[str, Any]:
    return RelationPayload(things=problem.things, others=problem.others, told=problem.told).model_dump(mode="json")


def examples(count: int, options: WrittenOptions | None = None) -> Iterator[Example]:
    """Problems of two and three hops, with steps and without; sides balanced; the same problems in every form."""
    asked = options or WrittenOptions()
    rng = Random("relations: training")
    for index in range(count):
        side, written = _SIDES[index % 2], asked.written(index % 4 < 2)
        hops = asked.length or rng.choice((2, 3))
        problem = draw(rng, hops, side)
        steps = write(problem, any_styles(rng, hops))
        yield Example(
            id=f"relations-{index}",
            prompt=prompt(rng.choice(STEPS if written else AT_ONCE), ask(problem, rng)),
            answer={"role": "assistant", "content": conclude(steps, problem.answer) if written else problem.answer},
            gold=Gold(text=problem.answer, labels=problem.labels),
            family="steps" if written else "direct",
            cluster=problem.answer,
            side=side,
            task="relations",
            payload=_carried(problem),
        )


LENGTHS = Lengths("chain", "hops", "hops")
SPLITS = LENGTHS.splits(WrittenOptions())


def items(count: int, options: WrittenOptions | None = None) -> Iterator[Item]:
    """Reserved chains, each once a split (there are several hundred of two hops), sides balanced."""
    wanted = options or WrittenOptions()
    for split in LENGTHS.splits(wanted):
        rng, asked = Random(f"relations: {split}"), set()
        orders = STEPS if wanted.written(split != "direct") else AT_ONCE
        for index in range(count):
            side = _SIDES[index % 2]
            problem = draw(rng, LENGTHS.of(split, wanted), side, held_out=True)
            question = ask(problem, rng, held_out=split == "wording")
            if question in asked:
                continue
            asked.add(question)
            places = [_read(sentence)[2] for sentence in problem.told]
            after = len(places) - 1 - places.index(problem.answer)
            yield Item(
                id=f"relations-{split.replace(' ', '-')}-{index}",
                prompt=prompt(rng.choice(orders), question),
                gold=Gold(text=problem.answer, labels=problem.labels),
                split=split,
                cluster=problem.answer,
                side=side,
                features={"hops": float(len(problem.things) - 1), "sentences_after_answer": float(after)},
                task="relations",
                payload=_carried(problem),
            )


def reworded(text: str, rng: Random) -> str | None:
    """A written chain with every step in another style and all else as it was; None where it has no step."""
    return _STEP.sub(lambda step: paraphrase([step[0]], rng)[0], text) if _STEP.search(text) else None


def right_steps(problem: Problem, steps: Sequence[str]) -> int:
    """How many steps are right before the first that is not."""
    pairs = zip(steps, itertools.pairwise(problem.things), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: _read(pair[0])[::2] == pair[1], pairs))


def follow(told: Sequence[str], thing: str) -> str:
    """Where a thing is in the end, read from the sentences alone."""
    inside = {found: place for found, _, place in map(_read, told)}
    for _ in range(len(inside)):  # bounded: sentences of a stranger may lead in a circle
        if thing not in inside:
            break
        thing = inside[thing]
    return thing


class Relations(Written[RelationPayload]):
    """Where a thing is in the end."""

    name = "relations"
    title = "Chains of places"
    about = (
        "A text tells of two chains of things, each in the next, with their sentences mixed; asked is where the first "
        "thing of one chain is in the end. The system's message asks for written steps and then 'the answer is car.', "
        "or for the answer at once; what counts is what stands after the last 'the answer is' "
        "(`final_answer` of the grading). The shortcut is the place mentioned last: right on congruent items, the end "
        "of the other chain on conflicting ones. Who guesses between the ends of both chains is right half of the "
        "time. One chain in ten is held out by its things in order, and with it every longer one that holds it."
    )
    lengths = LENGTHS
    splits = SPLITS
    Payload = RelationPayload

    def document(self, rng: Random) -> str:
        """One document of the corpus."""
        return document(rng)

    def examples(self, count: int, options: WrittenOptions | None = None) -> Iterator[Example]:
        """Training examples."""
        return examples(count, options)

    def items(self, count: int, options: WrittenOptions | None = None) -> Iterator[Item]:
        """Evaluation items."""
        return items(count, options)

    def solve(self, payload: RelationPayload) -> str:
        """By following the sentences from the thing that is sought."""
        return follow(payload.told, payload.things[0])

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
        kept, answer = corrupt(problem, steps, chosen)
        left = problem.others[chosen + 1 :]
        whole = conclude([*kept, *write_chain(left, any_styles(rng, len(left) - 1))], answer)
        return Corruption(" ".join(kept), answer, whole, chosen)
