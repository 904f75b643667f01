"""Three sets of facts, to tell what a prompt can bring out of a model from what it cannot put in.

*Known* facts were stated in pretraining and are asked in wordings that it never used. *Recombinable* ones follow from
two known facts and were never asked. *Absent* ones are about newcomers, whom no document names. Each set has a part to
develop on (`dev`: choose prompts, train) and a part to measure on (`test`), of different people.

An item has four options, and every four items share them: the same attribute in the same wording, each of the options
right for one of the four people. Whoever answers without regard to the person is right for exactly one in four,
whatever is preferred: chance is .25 by construction, not on average.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from random import Random
from typing import NamedTuple

from engine.world.tasks import facts

SIMPLE = ("city", "job", "color")
OPTIONS = 4
"""Options of an item."""
DEV_PEOPLE, MOST_NEWCOMERS = 24, 240
"""Newcomers to develop on, and the most that can be measured on."""
_MORE = {
    "city": ("say in which city {n} lives.", "which city is the home of {n}?"),
    "job": ("say what the job of {n} is.", "which job does {n} have?"),
    "color": ("say which color {n} likes best.", "which color is the best for {n}?"),
    "country": ("say in which country {n} lives.", "which country is the home of {n}?"),
}
_ORACLE = {
    "city": "the home of {n} is {v}.",
    "job": "the job of {n} is {v}.",
    "color": "{n} likes the color {v}.",
    "country": "the country of {n} is {v}.",
}
"""How a context states a fact: wordings of the corpus."""
SPLITS = {
    f"{name}-{part}": f"{said}; {of}"
    for part, of in (("dev", "to choose and train on"), ("test", "of people who are in no training example"))
    for name, said in (
        ("known", "the wording: stated facts, asked as the corpus never does"),
        ("absent", "the fact: no document names these people"),
        ("recombinable", "the composition, and the wording: both hops are stated, the person's country never"),
    )
}


class Fact(NamedTuple):
    """One fact, and the set and part it belongs to."""

    person: str
    what: str
    value: str
    set: str
    part: str


@cache
def newcomers() -> tuple[str, ...]:
    """Names that no document holds, those to develop on first: two or three syllables' worth of letters."""
    rng, found = Random("newcomers"), dict[str, None]()
    while len(found) < DEV_PEOPLE + MOST_NEWCOMERS:
        name = "".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(2))
        found[name + rng.choice(("", "l", "n", "r", "s"))] = None
    return tuple(found)


@cache
def _of_newcomers() -> dict[str, dict[str, str]]:
    """Newcomer -> city, job and color, every value as often as every other; made up, and stated nowhere."""
    found: dict[str, dict[str, str]] = {name: {} for name in newcomers()}
    for part in (newcomers()[:DEV_PEOPLE], newcomers()[DEV_PEOPLE:]):
        for what in SIMPLE:
            values = list(facts.VALUES[what])
            Random(f"newcomers: {what}").shuffle(values)
            for at, name in enumerate(Random(f"newcomers: {what} {len(part)}").sample(part, len(part))):
                found[name][what] = values[at % len(values)]
    return found


def value_of(person: str, what: str) -> str | None:
    """What is true of a person, newcomer or not; None where nothing is."""
    return (facts.facts().get(person) or _of_newcomers().get(person) or {}).get(what)


def context(person: str, what: str) -> str:
    """The sentences that state a fact; for a country the home and the home's country, where both are known."""
    value = value_of(person, what) or ""
    if what == "country" and person in facts.RECOMBINABLE:
        home = facts.facts()[person]["city"]
        return f"{_ORACLE['city'].format(n=person, v=home)} {home} is in {value}."
    return _ORACLE[what].format(n=person, v=value)


def facts_of(name: str, part: str, newcomers_asked: int) -> list[Fact]:
    """All facts of a part of a set."""
    dev = part == "dev"
    if name == "absent":
        asked = newcomers()[:DEV_PEOPLE] if dev else newcomers()[DEV_PEOPLE : DEV_PEOPLE + newcomers_asked]
        return [Fact(n, what, _of_newcomers()[n][what], name, part) for n in asked for what in SIMPLE]
    people = [n for at, n in enumerate(facts.KNOWN) if (at % 5 < 2) == dev]  # some of both kinds in either part
    if name == "recombinable":
        return [Fact(n, "country", facts.facts()[n]["country"], name, part) for n in people if n in facts.RECOMBINABLE]
    return [Fact(n, what, facts.facts()[n][what], name, part) for n in people for what in SIMPLE]


def groups(told: Sequence[Fact], rng: Random) -> list[list[Fact]]:
    """Facts of one attribute in fours with four different values, as many as there are; the rest is left over."""
    of: dict[str, list[Fact]] = defaultdict(list)
    for fact in rng.sample(told, len(told)):
        of[fact.value].append(fact)
    found: list[list[Fact]] = []
    while len(fullest := sorted((v for v in of if of[v]), key=lambda v: -len(of[v]))[:OPTIONS]) == OPTIONS:
        found.append([of[value].pop() for value in fullest])
    return found


def asked(name: str, part: str, newcomers_asked: int) -> Iterator[tuple[Fact, str, tuple[str, ...]]]:
    """What a split asks: facts with question and options, four by four; every fact once before any comes again."""
    told = facts_of(name, part, newcomers_asked)
    for again in range(OPTIONS):
        rng = Random(f"ceiling: {name}-{part} {again}")
        found = [g for what in facts.VALUES for g in groups([f for f in told if f.what == what], rng)]
        rng.shuffle(found)
        for group in found:
            what = group[0].what
            question = (*facts.ASKED_ANEW[what], *_MORE[what])[again]
            options = tuple(sorted(fact.value for fact in group))
            yield from ((fact, question.format(n=fact.person), options) for fact in group)
