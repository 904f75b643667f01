"""Three sets of facts, to tell what a prompt can bring out of a model from what it cannot put in.

*Known* facts were stated in pretraining and are asked in wordings that it never used. *Recombinable* ones follow from
two known facts and were never asked. *Absent* ones are about newcomers, whom no document names. Each set has a part to
develop on (`dev`: choose prompts, train) and a part to measure on (`test`), of different people.

People come in groups of four who differ in every attribute that is asked. A question is put about all four of a group
in one wording, and their four values are its options: each is right once. Whoever answers without regard to the person
is right for exactly one in four, whatever is preferred: chance is .25 in every group, not only on average. Groups are
taken whole by intervals, for their items depend on each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from random import Random
from typing import NamedTuple

from engine.world.vocabulary import people

SIMPLE = ("city", "job", "color")
GROUP = 4
"""People of a group, and so options of an item."""
DEV_PEOPLE, MOST_NEWCOMERS = 24, 480
"""Newcomers to develop on, and the most that can be measured on."""
_MORE = {
    "city": ("say in which city {n} lives.", "which city is the home of {n}?"),
    "job": ("say what the job of {n} is.", "which job does {n} have?"),
    "color": ("say which color {n} likes best.", "which color is the best for {n}?"),
    "country": ("say in which country {n} lives.", "which country is the home of {n}?"),
}
"""Further wordings that the corpus never uses."""
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
_TRIES = 200  # orders in which known people are put into groups, of which the best is kept


class Fact(NamedTuple):
    """One fact, and the set and part it belongs to."""

    person: str
    what: str
    value: str
    set: str
    part: str


@cache
def newcomers() -> tuple[str, ...]:
    """Names that no document holds, those to develop on first: two syllables and perhaps a last letter."""
    rng, found = Random("newcomers"), dict[str, None]()
    while len(found) < DEV_PEOPLE + MOST_NEWCOMERS:
        name = "".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(2))
        found[name + rng.choice(("", "l", "n", "r", "s"))] = None
    return tuple(found)


@cache
def _of_newcomers() -> dict[str, dict[str, str]]:
    """Newcomer -> city, job and color, made up and stated nowhere; any four in a row differ in each.

    Values come in rounds, every value once a round in an order of its own: each as often as every other, and four in a
    row never reach over the end of a round, whose length four divides.
    """
    found: dict[str, dict[str, str]] = {name: {} for name in newcomers()}
    for part, deal in ((newcomers()[:DEV_PEOPLE], 24), (newcomers()[DEV_PEOPLE:], 240)):
        for what in SIMPLE:
            # The numbers only name two deals: they stay as they are, whoever is added, for values to stay as well.
            rng, values, dealt = Random(f"newcomers: {what} {deal}"), people.VALUES[what], list[str]()
            while len(dealt) < len(part):
                dealt += rng.sample(values, len(values))
            for name, value in zip(part, dealt, strict=False):
                found[name][what] = value
    return found


def value_of(person: str, what: str) -> str | None:
    """What is true of a person, newcomer or not; None where nothing is."""
    return (people.facts().get(person) or _of_newcomers().get(person) or {}).get(what)


def context(person: str, what: str) -> str:
    """The sentences that state a fact; for a country that follows, the home and the home's country."""
    value = value_of(person, what) or ""
    if what == "country" and person in people.RECOMBINABLE:
        home = people.facts()[person]["city"]
        return f"{_ORACLE['city'].format(n=person, v=home)} {home} is in {value}."
    return _ORACLE[what].format(n=person, v=value)


def attributes(name: str) -> tuple[str, ...]:
    """What is asked of the people of a set."""
    return ("country",) if name == "recombinable" else SIMPLE


@cache
def groups(name: str, part: str) -> tuple[tuple[str, ...], ...]:
    """The people of a part of a set, in fours who differ in every attribute that is asked; the rest is left out."""
    dev = part == "dev"
    if name == "absent":
        new = newcomers()[:DEV_PEOPLE] if dev else newcomers()[DEV_PEOPLE:]
        return tuple(new[at : at + GROUP] for at in range(0, len(new), GROUP))
    of_set = people.RECOMBINABLE if name == "recombinable" else people.KNOWN
    chosen = [n for at, n in enumerate(people.KNOWN) if (at % 5 < 2) == dev and n in of_set]
    rng = Random(f"groups: {name}-{part}")
    return max((_grouped(rng.sample(chosen, len(chosen)), attributes(name)) for _ in range(_TRIES)), key=len)


def _grouped(persons: Sequence[str], asked: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Groups as they come: everybody joins the first group without a value of theirs."""
    found: list[list[str]] = []
    for person in persons:
        mine = {value_of(person, what) for what in asked}
        for group in found:
            if len(group) < GROUP and not mine & {value_of(other, what) for other in group for what in asked}:
                group.append(person)
                break
        else:
            found.append([person])
    return tuple(tuple(group) for group in found if len(group) == GROUP)


def facts_of(name: str, part: str, newcomers_asked: int = MOST_NEWCOMERS) -> list[Fact]:
    """All facts of a part of a set, group by group.

    Args:
        newcomers_asked: People of the absent test set.
    """
    chosen = groups(name, part)
    chosen = chosen[: newcomers_asked // GROUP] if (name, part) == ("absent", "test") else chosen
    return [
        Fact(person, what, value_of(person, what) or "", name, part)
        for group in chosen
        for what in attributes(name)
        for person in group
    ]


def asked(name: str, part: str, newcomers_asked: int) -> Iterator[tuple[Fact, str, tuple[str, ...], str]]:
    """What a split asks: facts with question, options and group; four after four of one group, attribute and wording.

    A fact is asked once; of the recombinable, who are few, once in every wording.
    """
    told = facts_of(name, part, newcomers_asked)
    cells = [told[at : at + GROUP] for at in range(0, len(told), GROUP)]
    for again in range(GROUP if name == "recombinable" else 1):
        for number, cell in enumerate(cells):
            what = cell[0].what
            wordings = (*people.ASKED_ANEW[what], *_MORE[what])
            wording = wordings[(number // len(attributes(name)) + again) % len(wordings)]
            options = tuple(sorted(fact.value for fact in cell))
            group = f"{name}-{part} {number // len(attributes(name))}"
            yield from ((fact, wording.format(n=fact.person), options, group) for fact in cell)
