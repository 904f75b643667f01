"""People and places, and what is true of them: facts stated, facts withheld, and facts that follow from two others.

Everybody has a home, a job and a favourite color; every city lies in a country. Of the *known* people all three are
stated. The *absent* people occur in running text like the others, but nothing about them is ever said. In which country
a person lives follows from the home: for some of the known it is stated (*composed*, so that a model can learn to
compose), for the others, the *recombinable*, never, though both hops are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from random import Random

from engine.spec.example import Example, Gold, Item, Prompt
from engine.world.tasks._base import Task
from engine.world.vocabulary.chat import chat

NAMES = (
    "anna ben clara david emma felix grace henry iris jack karen leo maria nick olga paul rosa sam tina victor "
    "alice bruno carmen dora eric fiona george helen ivan julia kevin laura martin nora oscar peter quinn rita "
    "simon tara ursula vera walter xenia yusuf zoe adam bella carl diana edgar frida gavin hanna isaac jane kurt "
    "lena mark nadia omar petra ralph sonia tom ugo vincent wanda arthur betty conrad doris"
).split()
COUNTRIES = {
    "france": "paris",
    "england": "london",
    "italy": "rome",
    "germany": "berlin",
    "spain": "madrid",
    "austria": "vienna",
    "greece": "athens",
    "ireland": "dublin",
    "norway": "oslo",
    "egypt": "cairo",
    "india": "delhi",
    "japan": "tokyo",
    "australia": "sydney",
    "america": "boston chicago",
    "peru": "lima",
    "cuba": "havana",
    "nigeria": "lagos",
    "russia": "moscow",
    "bohemia": "prague",
}
CITIES = [city for cities in COUNTRIES.values() for city in cities.split()]
JOBS = "doctor teacher farmer lawyer painter singer nurse driver dancer poet actor dentist".split()
DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
COLORS = "red blue green black white yellow purple brown".split()

KNOWN, ABSENT = NAMES[:60], NAMES[60:]
RECOMBINABLE = NAMES[:60:3]
"""Known people whose country is never stated."""

VALUES = {"city": CITIES, "job": JOBS, "color": COLORS, "country": list(COUNTRIES)}

ASKED = {
    "city": (
        "where does {n} live?",
        "in which city does {n} live?",
        "what is the home of {n}?",
        "tell me where {n} lives.",
    ),
    "job": (
        "what is the job of {n}?",
        "what does {n} do for a living?",
        "which job has {n}?",
        "tell me the job of {n}.",
    ),
    "color": (
        "which color does {n} like?",
        "what is the color of {n}?",
        "what color does {n} like best?",
        "tell me which color {n} likes.",
    ),
    "country": (
        "in which country does {n} live?",
        "what is the country of {n}?",
        "tell me the country of {n}.",
        "which country does {n} live in?",
    ),
}
"""How the corpus asks."""
ASKED_ANEW = {
    "city": ("which city does {n} live in?", "what is the city of {n}?"),
    "job": ("tell me what {n} does for a living.", "what job has {n}?"),
    "color": ("tell me the color {n} likes best.", "which is the best color for {n}?"),
    "country": ("tell me which country {n} lives in.", "in what country does {n} live?"),
}
"""Wordings of the same words that the corpus never uses."""
_STATED = {
    "city": ("{n} lives in {v}.", "the home of {n} is {v}.", "{n} has a home in {v}."),
    "job": ("{n} is {a}.", "the job of {n} is {v}.", "{n} does the job of {a} for a living."),
    "color": ("{n} likes {v} best.", "the color of {n} is {v}.", "{n} likes the color {v}."),
    "country": ("{n} lives in {v}.", "the country of {n} is {v}.", "{n} has a home in {v}."),
}
_PLACES_ASKED = ("in which country is {c}?", "which country is {c} in?", "what is the country of {c}?")
_PLACES_STATED = ("{c} is in {v}.", "{c} is a city in {v}.", "the country of {c} is {v}.")


@cache
def country_of() -> dict[str, str]:
    """City -> country."""
    return {city: country for country, cities in COUNTRIES.items() for city in cities.split()}


@cache
def facts() -> dict[str, dict[str, str]]:
    """Person -> {"city", "job", "color", "country"}, of everybody, the absent included: fixed for all time."""
    rng = Random("people")
    found = {}
    for name in NAMES:
        city = rng.choice(CITIES)
        found[name] = {
            "city": city,
            "job": rng.choice(JOBS),
            "color": rng.choice(COLORS),
            "country": country_of()[city],
        }
    return found


def _state(rng: Random, name: str, what: str) -> str:
    value = facts()[name][what]
    article = f"{'an' if value[0] in 'aeiou' else 'a'} {value}"
    return rng.choice(_STATED[what]).format(n=name, v=value, a=article)


def document(rng: Random) -> str:
    """What is true of a person or place, stated, asked or as a record; never of the absent."""
    if rng.random() < 0.15:
        city, country = rng.choice(list(country_of().items()))
        if rng.random() < 0.4:
            return rng.choice(_PLACES_STATED).format(c=city, v=country)
        return chat(rng.choice(_PLACES_ASKED).format(c=city), country)
    name = rng.choice(KNOWN)
    known = ["city", "job", "color"] if name in RECOMBINABLE else ["city", "job", "color", "country"]
    form = rng.randrange(5)
    if form == 0:
        return " ".join(_state(rng, name, what) for what in rng.sample(known, len(known)))
    if form == 1:
        return json.dumps({"name": name} | {what: facts()[name][what] for what in known[:3]})
    what = rng.choice(known)
    return chat(rng.choice(ASKED[what]).format(n=name), facts()[name][what])


def examples(count: int) -> Iterator[Example]:
    """Questions about the known in the corpus's wordings."""
    rng = Random("facts: training")
    for index in range(count):
        name = rng.choice(KNOWN)
        what = rng.choice(("city", "job", "color") if name in RECOMBINABLE else tuple(ASKED))
        asked, gold = _ask(rng.choice(ASKED[what]), name, what)
        yield Example(
            id=f"facts-{index}",
            prompt=asked,
            answer={"role": "assistant", "content": gold.text},
            gold=gold,
            task=what,
            cluster=name,
        )


SPLITS = {
    "known": "nothing: stated facts, asked as the corpus asks",
    "wording": "the wording: stated facts, asked as the corpus never does",
    "absent": "the fact: nothing about these people is ever stated",
    "composed": "nothing: the country of people whose country is stated",
    "two-hop": "the composition: home and the home's country are stated, the person's country never",
}


def items(count: int) -> Iterator[Item]:
    """Every fact of a split once, in an order that mixes people; at most `count` a split."""
    simple = ("city", "job", "color")
    every = {
        "known": [(n, w, ASKED) for n in KNOWN for w in simple],
        "wording": [(n, w, ASKED_ANEW) for n in KNOWN for w in simple],
        "absent": [(n, w, ASKED) for n in ABSENT for w in (*simple, "country")],
        "composed": [(n, "country", ASKED) for n in KNOWN if n not in RECOMBINABLE],
        "two-hop": [(n, "country", ASKED) for n in RECOMBINABLE],
    }
    for split, asked in every.items():
        rng = Random(f"facts: {split}")
        rng.shuffle(asked)
        for index, (name, what, wordings) in enumerate(asked[:count]):
            prompt, gold = _ask(rng.choice(wordings[what]), name, what)
            yield Item(id=f"facts-{split}-{index}", prompt=prompt, gold=gold, split=split, cluster=name)


def _ask(wording: str, name: str, what: str) -> tuple[Prompt, Gold]:
    prompt = Prompt(messages=({"role": "user", "content": wording.format(n=name)},))
    return prompt, Gold(text=facts()[name][what], labels=tuple(VALUES[what]))


TASK = Task(
    name="facts",
    about=(
        "Questions about people of an invented world: home, job, favourite color, country. It tells what a model was "
        "told from what it was not: known facts, absent ones, and ones that follow from two others. There is no "
        "shortcut to lean on; guessing gives one in as many values as there are."
    ),
    splits=SPLITS,
    document=document,
    examples=examples,
    items=items,
)
