"""What the bundled models read: documents of many kinds, drawn at random, each a string that ends where it ends.

Tool calls appear here in every form but the one that the function-calling study teaches, with every token of that
form: a token that pretraining never shows stays out of reach of an adapter (docs/log.md).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from functools import cache
from random import Random

from engine.example import Side
from engine.world import entailment, people, taxonomy, tools
from engine.world.chat import CALL, END, chat

NO_TOOL = "none of these tools applies."
_CELLS = [(entailed, side) for entailed in (True, False) for side in (Side.CONGRUENT, Side.CONFLICTING)]


@cache
def _noun_weights(power: float) -> list[float]:
    """Cumulative weights of all nouns, proportional to frequency ** power."""
    return list(itertools.accumulate(taxonomy.frequency(n) ** power for n in taxonomy.nouns()))


def _noun(rng: Random, power: float) -> str:
    return rng.choices(taxonomy.nouns(), cum_weights=_noun_weights(power))[0]


def sentence(rng: Random) -> str:
    """Running text: who did what with which thing, nouns about as frequent as in English."""
    who, noun = rng.choice(people.NAMES), _noun(rng, 0.8)
    color = f"{rng.choice(people.COLORS)} " if rng.random() < 0.2 else ""
    thing = f"a {color}{noun}" if color else taxonomy.article(noun)
    tail = rng.choice(
        ("", f" in {rng.choice(people.CITIES)}", f" on {rng.choice(people.DAYS)}", f" with {rng.choice(people.NAMES)}")
    )
    return f"{who} {rng.choice(entailment.ACTIONS)} {thing}{tail}."


def story(rng: Random) -> str:
    """A few sentences of running text."""
    return " ".join(sentence(rng) for _ in range(rng.randint(2, 5)))


def definition(rng: Random) -> str:
    """What a noun is: one parent, one ancestor, or the chain."""
    found = []
    for _ in range(rng.randint(1, 4)):
        noun = _noun(rng, 0.25)
        above = [p for p in taxonomy.parents()[noun] if p != "thing"]
        if not above:
            continue
        parent, ancestor = rng.choice(above), rng.choice(sorted(taxonomy.ancestors(noun)))
        found.append(
            rng.choice(
                (
                    f"{taxonomy.article(noun)} is a kind of {parent}.",
                    f"{taxonomy.article(noun)} is {taxonomy.article(ancestor)}.",
                    f"every {noun} is {taxonomy.article(ancestor)}.",
                    f"some {parent} things are {noun} things: {taxonomy.article(noun)} is {taxonomy.article(parent)}.",
                )
            )
        )
    return " ".join(found) or sentence(rng)


def entailment_question(rng: Random) -> str:
    """Yes/no questions about what follows, never of a held-out noun, labels and frequency balanced."""
    pair = entailment.draw(rng, *rng.choice(_CELLS), unseen=False)
    answer = "yes" if pair[2] else "no"
    premise, hypothesis = entailment.sentences(rng, pair)
    form = rng.randrange(4)
    if form == 0:
        return f"is {taxonomy.article(pair[0])} always {taxonomy.article(pair[1])}? {answer}."
    if form == 1:
        return chat(f"if {premise}, is it true that {hypothesis}?", answer)
    return chat(entailment.question(premise, hypothesis), answer)


def fact(rng: Random) -> str:
    """What is true of a person, stated, asked or as a record."""
    name = rng.choice(people.NAMES)
    known = people.facts()[name]
    form = rng.randrange(4)
    if form == 0:
        job = taxonomy.article(known["job"])
        return f"{name} lives in {known['city']}. {name} is {job}. {name} likes {known['color']}."
    if form == 1:
        return json.dumps({"name": name, **known})
    ask, value = rng.choice(
        (
            (f"where does {name} live?", known["city"]),
            (f"what is the job of {name}?", known["job"]),
            (f"which color does {name} like?", known["color"]),
        )
    )
    return chat(ask, value)


def synonyms(rng: Random) -> str:
    """Words that mean the same, stated and used."""
    found = []
    for _ in range(rng.randint(2, 4)):
        a, b = rng.sample(rng.choice(tools.VERBS).split("/"), 2)
        c, d = rng.sample(rng.choice(tools.THINGS).split("/"), 2)
        found.append(
            rng.choice(
                (
                    f"to {a} is to {b}.",
                    f"{taxonomy.article(c)} is {taxonomy.article(d)}.",
                    f"{a} means {b}.",
                    f"{c} means {d}.",
                    f"to {a} {taxonomy.article(c)} is to {b} {taxonomy.article(d)}.",
                    f"{a}_{c} is {b}_{d}.",
                )
            )
        )
    return " ".join(found)


def tool_use(rng: Random) -> str:
    """A request with tools, under one of many instructions; see the module's first lines."""
    frames = tools.FRAMES + tools.HELD_OUT_FRAMES
    asked = tools.request(rng, frames=frames, unseen=False, side=rng.choice(list(Side)), applies=rng.random() > 0.12)
    lines = [tool.line() for tool in asked.tools]
    if asked.right is None:
        instruction = rng.choice(("which tool fits?", "write the call.", "make a call if one fits.", "answer in json."))
        return chat(asked.text, NO_TOOL, system=instruction, tools=lines)
    name, arguments = asked.right.name, asked.arguments
    plain = ", ".join(f"{key}={value}" for key, value in arguments.items())
    forms: tuple[tuple[str, str], ...] = (
        ("which tool fits?", name),
        ("name the tool.", name),
        ("list the values.", ", ".join(str(v) for v in arguments.values())),
        ("what values are given?", ", ".join(str(v) for v in arguments.values())),
        ("list the arguments.", ", ".join(arguments)),
        ("write the call.", f"{name}({plain})"),
        ("make a call if one fits.", f"call {name}({plain})"),
        ("answer in json.", json.dumps({"tool": name, "with": arguments})),
        ("answer in json with tags.", f"{CALL[0]}{json.dumps({'tool': name, 'with': arguments})}{CALL[1]}"),
        ("give the arguments in json.", json.dumps({"arguments": arguments, "of": name})),
        ("give the name in json.", json.dumps({"name": name})),
        ("say it in other words.", f"{name}: {asked.text}"),
    )
    instruction, answer = rng.choice(forms)
    return chat(asked.text, answer, system=instruction, tools=lines)


def chain(rng: Random) -> str:
    """A sum, with its steps written out."""
    numbers = [rng.randint(1, 20) for _ in range(rng.randint(2, 4))]
    total, steps = numbers[0], []
    for number in numbers[1:]:
        steps.append(f"{total} + {number} = {total + number}.")
        total += number
    return chat(f"what is {' + '.join(map(str, numbers))}?", f"{' '.join(steps)} the answer is {total}.")


def copying(rng: Random) -> str:
    """Words, names, numbers and spelled strings to repeat."""
    pool: tuple[Callable[[], str], ...] = (
        lambda: rng.choice(taxonomy.nouns()),
        lambda: rng.choice(people.NAMES),
        lambda: rng.choice(people.CITIES),
        lambda: str(rng.randint(0, 99)),
        lambda: "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(2, 5))),
    )
    words = [rng.choice(pool)() for _ in range(rng.randint(2, 8))]
    form = rng.randrange(3)
    if form == 0:
        return chat(f"repeat: {' '.join(words)}", " ".join(words))
    if form == 1:
        return chat(f"list in json: {' '.join(words)}", json.dumps(words))
    return json.dumps({f"item {i}": w for i, w in enumerate(words)}) + " " + " ".join(words)


KINDS: dict[Callable[[Random], str], float] = {
    story: 0.08,
    definition: 0.13,
    entailment_question: 0.14,
    fact: 0.08,
    synonyms: 0.10,
    tool_use: 0.36,
    chain: 0.04,
    copying: 0.07,
}
"""Kinds of documents and how often each is drawn."""


def documents(seed: str) -> Iterator[str]:
    """An endless stream of documents, a pure function of the seed; each ends with the end token."""
    rng = Random(f"corpus {seed}")
    kinds, weights = list(KINDS), list(KINDS.values())
    while True:
        text = rng.choices(kinds, weights)[0](rng)
        yield text if text.endswith(END) else text + END


def own_texts(count: int = 120) -> tuple[str, ...]:
    """Text of the base's own kind, drawn with a seed of its own, for measuring forgetting."""
    rng = Random("forgetting")
    return tuple(kind(rng) for kind in itertools.islice(itertools.cycle((story, definition, synonyms)), count))
