"""People and places, and what is true of them: facts stated, facts withheld, and facts that follow from two others.

Everybody has a home, a job and a favourite color; every city lies in a country. Of the *known* people all three are
stated. The *absent* people occur in running text like the others, but nothing about them is ever said. In which country
a person lives follows from the home: for some of the known it is stated (*composed*, so that a model can learn to
compose), for the others, the *recombinable*, never, though both hops are.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from random import Random
from typing import Any, Literal

from pydantic import Field, model_validator

from engine.spec.choice import Choice, said, told
from engine.spec.example import Example, Gold, Item, Prompt
from engine.world.tasks import _ceiling
from engine.world.tasks._base import Task, TaskOptions, TaskPayload
from engine.world.vocabulary.chat import chat
from engine.world.vocabulary.people import ABSENT, ASKED, ASKED_ANEW, KNOWN, RECOMBINABLE, VALUES, country_of, facts

PERSON = "the person"
_STATED = {
    "city": ("{n} lives in {v}.", "the home of {n} is {v}.", "{n} has a home in {v}."),
    "job": ("{n} is {a}.", "the job of {n} is {v}.", "{n} does the job of {a} for a living."),
    "color": ("{n} likes {v} best.", "the color of {n} is {v}.", "{n} likes the color {v}."),
    "country": ("{n} lives in {v}.", "the country of {n} is {v}.", "{n} has a home in {v}."),
}
_PLACES_ASKED = ("in which country is {c}?", "which country is {c} in?", "what is the country of {c}?")
_PLACES_STATED = ("{c} is in {v}.", "{c} is a city in {v}.", "the country of {c} is {v}.")


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


class FactOptions(TaskOptions):
    """Which facts are asked for."""

    form: Literal["corpus", "ceiling"] = Field(
        default="corpus",
        description="The corpus's facts; or three sets of facts with four options each, in parts to develop and test.",
    )
    newcomers: int = Field(
        default=96,
        ge=4,
        le=_ceiling.MOST_NEWCOMERS,
        multiple_of=4,
        description="People of the absent test set (ceiling), three facts each.",
    )
    teach_absent: bool = Field(
        default=False,
        description="Whether training states the absent test facts, in other wordings, and no other facts (ceiling).",
    )

    @model_validator(mode="after")
    def _fits(self) -> FactOptions:
        if self.teach_absent and self.form != "ceiling":
            raise ValueError("teach_absent goes with the form 'ceiling'")
        return self


class FactPayload(TaskPayload):
    """A fact.

    Attributes:
        attribute: A key of `VALUES`.
        set: "known" (stated in pretraining), "absent" (never), "recombinable" (follows from two that were stated).
        part: "dev" or "test"; "" where facts are not parted.
        context: The sentences that state it, for a prompt that gives it away.
    """

    person: str
    attribute: str
    value: str
    set: Literal["known", "absent", "recombinable"]
    part: str = ""
    context: str


def _carried(name: str, what: str, kind: str, part: str = "") -> dict[str, Any]:
    value, context = _ceiling.value_of(name, what), _ceiling.context(name, what)
    return {"person": name, "attribute": what, "value": value, "set": kind, "part": part, "context": context}


def _example(key: str, wording: str, name: str, what: str, kind: str, part: str = "") -> Example:
    carried = _carried(name, what, kind, part)
    return Example(
        id=key,
        prompt=Prompt(messages=({"role": "user", "content": wording.format(n=name)},)),
        answer={"role": "assistant", "content": carried["value"]},
        gold=Gold(text=carried["value"], labels=tuple(VALUES[what])),
        family=what,
        cluster=name,
        task="facts",
        payload=carried,
    )


def examples(count: int, options: FactOptions | None = None) -> Iterator[Example]:
    """Questions about the known in the corpus's wordings; or about the facts to develop on, the three sets in turn."""
    wanted = options or FactOptions()
    if wanted.form == "ceiling":
        yield from _to_develop(count, wanted)
        return
    rng = Random("facts: training")
    for index in range(count):
        name = rng.choice(KNOWN)
        what = rng.choice(("city", "job", "color") if name in RECOMBINABLE else tuple(ASKED))
        yield _example(f"facts-{index}", rng.choice(ASKED[what]), name, what, "known")


def _to_develop(count: int, options: FactOptions) -> Iterator[Example]:
    """The sets to develop on in turn, or nothing but the absent test facts."""
    rng = Random("facts: ceiling")
    told = ["absent"] if options.teach_absent else ["known", "recombinable", "absent"]
    pools = [_ceiling.facts_of(name, "test" if options.teach_absent else "dev", options.newcomers) for name in told]
    for index in range(count):
        fact = rng.choice(pools[index % len(pools)])
        wording = rng.choice(ASKED[fact.what])
        yield _example(f"facts-{index}", wording, fact.person, fact.what, fact.set, fact.part)


SPLITS = {
    "known": "nothing: stated facts, asked as the corpus asks",
    "wording": "the wording: stated facts, asked as the corpus never does",
    "absent": "the fact: nothing about these people is ever stated",
    "composed": "nothing: the country of people whose country is stated",
    "two-hop": "the composition: home and the home's country are stated, the person's country never",
}


_SETS = {"known": "known", "wording": "known", "absent": "absent", "composed": "known", "two-hop": "recombinable"}


def items(count: int, options: FactOptions | None = None) -> Iterator[Item]:
    """Every fact of a split once, in an order that mixes people; at most `count` a split.

    Of the form "ceiling" people come in groups of four, each a cluster (see `_ceiling`).
    """
    wanted = options or FactOptions()
    if wanted.form == "ceiling":
        yield from _to_measure(count, wanted)
        return
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
            yield Item(
                id=f"facts-{split}-{index}",
                prompt=prompt,
                gold=gold,
                split=split,
                cluster=name,
                task="facts",
                payload=_carried(name, what, _SETS[split]),
            )


def _to_measure(count: int, options: FactOptions) -> Iterator[Item]:
    for split in _ceiling.SPLITS:
        name, part = split.split("-")
        asked = itertools.islice(_ceiling.asked(name, part, options.newcomers), count - count % _ceiling.GROUP)
        for index, (fact, question, labels, group) in enumerate(asked):
            carried = _carried(fact.person, fact.what, name, part)
            yield Item(
                id=f"facts-{split}-{index}",
                prompt=Prompt(messages=({"role": "user", "content": question},), evidence=carried["context"]),
                gold=Gold(text=fact.value, labels=labels),
                split=split,
                cluster=group,
                task="facts",
                payload=carried,
            )


def _ask(wording: str, name: str, what: str) -> tuple[Prompt, Gold]:
    prompt = Prompt(messages=({"role": "user", "content": wording.format(n=name)},))
    return prompt, Gold(text=facts()[name][what], labels=tuple(VALUES[what]))


class Facts(Task[FactOptions, FactPayload]):
    """Home, job, color and country of a person."""

    name = "facts"
    title = "People and places"
    about = (
        "Questions about people of an invented world: home, job, favourite color, country. It tells what a model was "
        "told from what it was not: known facts, absent ones, and ones that follow from two others. There is no "
        "shortcut to lean on; guessing gives one in as many values as there are."
    )
    splits = SPLITS
    per_split = 3 * _ceiling.MOST_NEWCOMERS  # as many facts as there are about all newcomers
    Options = FactOptions
    Payload = FactPayload

    def document(self, rng: Random) -> str:
        """One document of the corpus."""
        return document(rng)

    def examples(self, count: int, options: FactOptions | None = None) -> Iterator[Example]:
        """Training examples."""
        return examples(count, options)

    def items(self, count: int, options: FactOptions | None = None) -> Iterator[Item]:
        """Evaluation items."""
        return items(count, options)

    def choices(self, one: Item | Example) -> tuple[Choice, ...]:
        """Which value: the wording alone may not tell it, and no person may be both taught and measured."""
        payload, answer, labels = self.payload(one), said(one), one.gold.labels
        if answer not in labels or len(labels) < 2:
            return ()
        asked = told(str(one.prompt.messages[-1]["content"])) - {payload.person}
        parts = {PERSON: (frozenset({payload.person}),), "the wording of the question": (asked,)}
        return (Choice("the value", labels, labels.index(answer), parts, deciding=frozenset({PERSON})),)

    def splits_of(self, options: FactOptions) -> dict[str, str]:
        """Splits with these options."""
        return _ceiling.SPLITS if options.form == "ceiling" else SPLITS

    def solve(self, payload: FactPayload) -> str | None:
        """By what is true in the world."""
        return _ceiling.value_of(payload.person, payload.attribute)

    def demonstrations(self, one: Item | Example, count: int, rng: Random) -> list[Example]:
        """Known facts of other people to develop on, as the corpus asks; drawn without regard to the right answer.

        Leaving out demonstrations that show the right answer would tell which one it is not.
        """
        person = self.payload(one).person
        told = [fact for fact in _ceiling.facts_of("known", "dev") if fact.person != person]
        return [
            _example(f"facts-shown-{at}", rng.choice(ASKED[f.what]), f.person, f.what, "known", "dev")
            for at, f in enumerate(rng.sample(told, min(count, len(told))))
        ]
