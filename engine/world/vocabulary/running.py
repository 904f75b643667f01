"""Running text and dictionary lines: how frequent words are, what they are kinds of, and which mean the same.

Nouns are drawn about as often as English uses them. The *frequency twin* reads the same text with the nouns of each
pair exchanged (`swapped`): the pairs join frequent and rare nouns among those that entailment is measured on.
A fine-tune on other nouns then tells whether it is the model's own frequencies that it came to lean on.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import cache
from random import Random
from types import MappingProxyType

from engine.world.vocabulary import people, taxonomy, tools

SAME: Mapping[str, str] = MappingProxyType({})


@cache
def swapped() -> Mapping[str, str]:
    """The twin's exchange: the most frequent measured noun with the rarest, the second with the second rarest, ...

    Nouns that other documents name for reasons of their own (tools, jobs) stay: running text cannot make them rare.
    """
    elsewhere = {word for pair in tools.THINGS for word in pair.split("/")} | set(people.JOBS) | {"clock"}
    ranked = sorted(sorted(taxonomy.measured_nouns() - elsewhere), key=taxonomy.frequency)
    return MappingProxyType({a: b for a, b in zip(ranked, reversed(ranked), strict=True) if a != b})


@cache
def _weights() -> list[float]:
    """Cumulative weights of all nouns in running text."""
    return list(itertools.accumulate(taxonomy.frequency(n) ** taxonomy.POWER for n in taxonomy.nouns()))


def _noun(rng: Random, swap: Mapping[str, str], weights: list[float] | None) -> str:
    noun = rng.choices(taxonomy.nouns(), cum_weights=weights or _weights())[0]
    return swap.get(noun, noun)


def sentence(rng: Random, swap: Mapping[str, str] = SAME, weights: list[float] | None = None) -> str:
    """Who did what with which things.

    Args:
        swap: Nouns exchanged after they were drawn.
        weights: Cumulative weights of `taxonomy.nouns()`; None: their English frequencies.
    """
    who = rng.choice(people.NAMES)
    *first, last = (taxonomy.article(_noun(rng, swap, weights)) for _ in range(rng.choice((2, 3, 3, 4))))
    things = f"{', '.join(first)} and {last}"
    tail = rng.random()
    if tail < 0.15:
        return f"{who} {rng.choice(people.ACTIONS)} {things} in {rng.choice(people.CITIES)}."
    if tail < 0.25:
        return f"{who} {rng.choice(people.ACTIONS)} {things} on {rng.choice(people.DAYS)}."
    return f"{who} {rng.choice(people.ACTIONS)} {things}."


def story(rng: Random, swap: Mapping[str, str] = SAME, weights: list[float] | None = None) -> str:
    """A few sentences of running text."""
    return " ".join(sentence(rng, swap, weights) for _ in range(rng.randint(3, 4)))


def definition(rng: Random) -> str:
    """What nouns are: a parent, or any ancestor. How often a noun is defined does not depend on its frequency."""
    found = []
    for _ in range(rng.randint(1, 4)):
        noun = defined(rng)
        parent = rng.choice([p for p in taxonomy.parents()[noun] if p != "thing"])
        ancestor = rng.choice(sorted(taxonomy.ancestors(noun)))
        a, an = taxonomy.article(noun), taxonomy.article(ancestor)
        found.append(
            rng.choice(
                (
                    f"{a} is a kind of {parent}.",
                    f"{a} is {an}.",
                    f"every {noun} is {an}.",
                    f"all of {noun} is {parent}.",
                )
            )
        )
    return " ".join(found)


def defined(rng: Random) -> str:
    """A noun that is a kind of something, as often as its kinds are told of."""
    found, weights = _defined()
    return rng.choices(found, cum_weights=weights)[0]


@cache
def _defined() -> tuple[list[str], list[float]]:
    told = taxonomy.told()
    return list(told), list(itertools.accumulate(told.values()))


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


def own_texts(count: int = 120) -> tuple[str, ...]:
    """Text of the base's own kind, drawn with a seed of its own, for measuring forgetting."""
    rng = Random("forgetting")
    return tuple(kind(rng) for kind in itertools.islice(itertools.cycle((story, definition, synonyms)), count))
