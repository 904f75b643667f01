"""Entailment between two sentences that differ in one noun: true where the second noun is a hypernym of the first.

The shortcut is word frequency: "the more frequent noun is entailed". It agrees with the label on congruent items
and disagrees on conflicting ones (Cheng, Wang & Steedman 2025; McKenna et al. 2023).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import cache
from random import Random
from typing import Any

from engine.spec.choice import Choice, said
from engine.spec.choice import told as words_of
from engine.spec.example import Example, Gold, Item, Prompt, Side
from engine.world.tasks._base import Task, TaskOptions, TaskPayload
from engine.world.tasks._crossed import NEAR, SIDES, hypotheses
from engine.world.tasks._crossed import draw as draw_premise
from engine.world.vocabulary.chat import chat
from engine.world.vocabulary.people import ACTIONS, CITIES, NAMES
from engine.world.vocabulary.running import defined, swapped
from engine.world.vocabulary.taxonomy import (
    POWER,
    ancestors,
    article,
    delta_log_frequency,
    entailed_pairs,
    frequency,
    held_out_nouns,
    nouns,
    told,
)

LABELS = ("yes", "no")
PREMISE, HYPOTHESIS = "the premise's noun", "the hypothesis' noun"
RISES = "which noun is more frequent"
_CELLS = [(entailed, side) for entailed in (True, False) for side in (Side.CONGRUENT, Side.CONFLICTING)]
Pair = tuple[str, str, bool]  # premise noun, hypothesis noun, whether entailed


def is_held_out(pair: Pair) -> bool:
    """Whether one of the nouns is held out."""
    return bool({pair[0], pair[1]} & held_out_nouns())


@cache
def _entailed(rising: bool) -> tuple[Pair, ...]:
    """Entailed pairs whose hypothesis is the more frequent noun (rising) or is not, none of held-out nouns."""
    every = ((a, b, True) for a, b in entailed_pairs())
    return tuple(p for p in every if _rises(p[0], p[1]) == rising and not is_held_out(p))


@cache
def _strangers(hypothesis: str, rising: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Nouns that are premises of some entailed pair, but not of this hypothesis: near ones, and all.

    Near is what contains the hypothesis or is a kind of what it is a kind of.
    """
    above = ancestors(hypothesis)
    premises = sorted({p[0] for way in (True, False) for p in _entailed(way)})
    found = [
        n for n in premises if n != hypothesis and hypothesis not in ancestors(n) and _rises(n, hypothesis) == rising
    ]
    return tuple(n for n in found if n in above or above & ancestors(n)), tuple(found)


def _rises(premise: str, hypothesis: str) -> bool:
    return delta_log_frequency(premise, hypothesis) > 0


def draw(rng: Random, entailed: bool, side: Side) -> Pair:
    """A random pair of a cell, of nouns that pretraining asks about.

    What is not entailed has the hypothesis of a pair that is, and the premise of another: neither noun tells the answer
    without the other (else the hypothesis alone does: Poliak et al. 2018, arXiv:1805.01042).
    """
    rising = (side is Side.CONGRUENT) == entailed
    while True:
        pair = rng.choice(_entailed(rising))
        if entailed:
            return pair
        near, every = _strangers(pair[1], rising)
        if every:
            return rng.choice(near if near and rng.random() < NEAR else every), pair[1], False


def sentences(rng: Random, pair: Pair) -> tuple[str, str]:
    """Premise and hypothesis: the same sentence, with one noun and with the other."""
    told, where = _happening(rng)
    return f"{told} {article(pair[0])}{where}", f"{told} {article(pair[1])}{where}"


def _happening(rng: Random) -> tuple[str, str]:
    """Who did something, and perhaps where."""
    who, action = rng.choice(NAMES), rng.choice(ACTIONS)
    return f"{who} {action}", f" in {rng.choice(CITIES)}" if rng.random() < 0.3 else ""


def question(premise: str, hypothesis: str) -> str:
    """The form in which the study asks."""
    return f"premise: {premise}. hypothesis: {hypothesis}. does it follow?"


def document(rng: Random) -> str:
    """A yes/no question about what follows, never of a held-out noun, labels and frequency balanced."""
    pair = draw(rng, *rng.choice(_CELLS))
    answer = LABELS[0] if pair[2] else LABELS[1]
    form = rng.randrange(4)
    if form == 0:
        return f"is {article(pair[0])} always {article(pair[1])}? {answer}."
    premise, hypothesis = sentences(rng, pair)
    if form == 1:
        return chat(f"if {premise}, is it true that {hypothesis}?", answer)
    return chat(question(premise, hypothesis), answer)


def page(rng: Random) -> str:
    """Short questions about a few nouns, as many true as false: "is a dog always an animal? yes. a tool? no.".

    Kinds are compared, not only recalled, once questions are as dense as this (docs/log.md); some put the nouns into
    sentences, as the study does. Held-out nouns are not asked about.
    """
    return " ".join(_asked(rng, _premise(rng)) for _ in range(rng.randint(2, 3)))


def _asked(rng: Random, premise: str) -> str:
    """Up to six questions about one noun."""
    wanted = min(len(ancestors(premise)), rng.randint(1, 3))
    right, wrong = (_distinct(drawn, rng, premise, wanted) for drawn in (_above, _stranger))
    if rng.random() < 0.6:
        opening, where = f"is {article(premise)} always", ""
    else:
        told, where = _happening(rng)
        opening = f"premise: {told} {article(premise)}{where}. hypothesis: {told}"
    asked = [(h, LABELS[0]) for h in right] + [(h, LABELS[1]) for h in wrong]
    rng.shuffle(asked)
    return " ".join((opening, *(f"{article(h)}{where}? {label}." for h, label in asked)))


def _distinct(drawn: Callable[[Random, str], str], rng: Random, premise: str, count: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[drawn(rng, premise)] = None
    return list(found)


@cache
def _premises() -> tuple[list[str], list[float]]:
    """Nouns to ask about and their cumulative weights: as frequent as in running text, not to change that."""
    found = [n for n in _below() if n not in held_out_nouns()]
    return found, list(itertools.accumulate(frequency(n) ** POWER for n in found))


def _premise(rng: Random) -> str:
    found, weights = _premises()
    return rng.choices(found, cum_weights=weights)[0]


def _above(rng: Random, premise: str) -> str:
    above = sorted(ancestors(premise))
    return rng.choices(above, [frequency(n) ** POWER for n in above])[0]


def _stranger(rng: Random, premise: str) -> str:
    """What another noun is a kind of and this one is not: drawn as often as it is right of that one."""
    while True:
        hypothesis = _above(rng, _premise(rng))
        if hypothesis != premise and hypothesis not in ancestors(premise):
            return hypothesis


@cache
def _below() -> list[str]:
    """Nouns that are a kind of something."""
    return [n for n in nouns() if ancestors(n)]


def listing(rng: Random) -> str:
    """All that a noun is a kind of, in order of the alphabet; of held-out nouns, too, for it asks nothing."""
    noun = defined(rng)
    return f"{article(noun)} is {', '.join(article(a) for a in sorted(ancestors(noun)))}."


class EntailmentPayload(TaskPayload):
    """The two nouns."""

    premise: str
    hypothesis: str


def _about(noun: str) -> str:
    """A noun's frequency as the audit reads it, in halves of powers of ten."""
    return f"10^{round(2 * math.log10(frequency(noun))) / 2:g}"


def _carried(pair: Pair) -> dict[str, Any]:
    return EntailmentPayload(premise=pair[0], hypothesis=pair[1]).model_dump(mode="json")


def _asked_of(rng: Random, group: str, count: int) -> Iterator[tuple[int, Pair, Side]]:
    """Pairs of a group, one of each kind of a hypothesis in turn, the hypotheses in turn as well."""
    cells = [(entailed, side) for entailed in (True, False) for side in SIDES]
    order: list[str] = []
    hypothesis = ""
    for number in range(count):
        if number % len(cells) == 0:
            if not order:
                order = list(hypotheses(group))
                rng.shuffle(order)
            hypothesis = order.pop()
        entailed, side = cells[number % len(cells)]
        yield number, (draw_premise(rng, group, (hypothesis, entailed, side)), hypothesis, entailed), side


def _examples(rng: Random, count: int) -> Iterator[Example]:
    for index, pair, side in _asked_of(rng, "tuned", count):
        answer = LABELS[0] if pair[2] else LABELS[1]
        yield Example(
            id=f"entail-{index}",
            prompt=Prompt(messages=({"role": "user", "content": question(*sentences(rng, pair))},)),
            family="entailment",
            answer={"role": "assistant", "content": answer},
            gold=Gold(text=answer, labels=LABELS),
            cluster=pair[0],
            side=side,
            task="entailment",
            payload=_carried(pair),
        )


def _items(rng: Random, count: int) -> Iterator[Item]:
    """Items of measured nouns, each question once: fewer than `count` where one is drawn again."""
    asked: set[str] = set()
    swap = swapped()
    for number, pair, side in _asked_of(rng, "measured", count):
        text = question(*sentences(rng, pair))
        if text in asked:
            continue
        asked.add(text)
        yield Item(
            id=f"entail-test-{number}",
            prompt=Prompt(messages=({"role": "user", "content": text},)),
            gold=Gold(text=LABELS[0] if pair[2] else LABELS[1], labels=LABELS),
            split="nouns",
            cluster=pair[0],
            crossed=pair[1],
            side=side,
            features={
                "delta_log_frequency": delta_log_frequency(pair[0], pair[1]),
                "twin_delta_log_frequency": delta_log_frequency(*(swap.get(noun, noun) for noun in pair[:2])),
                "entailed": float(pair[2]),
                "told": told()[pair[0]],
            },
            task="entailment",
            payload=_carried(pair),
        )


class Entailment(Task[TaskOptions, EntailmentPayload]):
    """Does one sentence follow from another that differs in a noun?"""

    name = "entailment"
    title = "Entailment between nouns"
    about = (
        "Whether one sentence follows from another that differs from it in one noun: yes where the second noun is a "
        "hypernym of the first. The shortcut is word frequency, the more frequent noun being taken for the entailed "
        "one: it gives the right answer on congruent items and the wrong one on conflicting ones. Neither noun tells "
        "the answer without the other: every hypothesis is wrong as often as right. Three in ten of the nouns that "
        "have no hyponyms are held out: no document and no example asks about them."
    )
    splits = {"nouns": "the noun: one of the two is in no question of the corpus or of the training examples"}
    train = 6000
    per_split = 1600
    Payload = EntailmentPayload

    def document(self, rng: Random) -> str:
        """One document of the corpus."""
        return document(rng)

    def examples(self, count: int, options: TaskOptions | None = None) -> Iterator[Example]:
        """Training examples."""
        return _examples(Random("entailment: training"), count)

    def items(self, count: int, options: TaskOptions | None = None) -> Iterator[Item]:
        """Evaluation items."""
        return _items(Random("entailment: evaluation"), count)

    def drawn(self, options: TaskOptions, train: int, per_split: int) -> tuple[tuple[Example, ...], tuple[Item, ...]]:
        """Drawn by one seed that is the study's own, the training pool shuffled: a quarter of it in each cell."""
        rng = Random("entailment study")
        examples = list(_examples(rng, train))
        items = tuple(_items(rng, per_split))
        rng.shuffle(examples)
        return tuple(examples), items

    def choices(self, one: Item | Example) -> tuple[Choice, ...]:
        """The label; each noun, how frequent it is, and what both sentences say of it may not tell it by themselves."""
        pair, label = self.payload(one), said(one)
        if label not in LABELS:
            return ()
        text = str(one.prompt.messages[-1]["content"])
        both_nouns = ((PREMISE, pair.premise), (HYPOTHESIS, pair.hypothesis))
        nouns = {part: {noun} if f"{article(noun)} " in text.replace(".", " ") else set() for part, noun in both_nouns}
        rises = delta_log_frequency(pair.premise, pair.hypothesis)
        compared = {"more" if rises > 0 else "less", f"by {round(rises)} nats"} if all(nouns.values()) else ()
        parts = {part: (frozenset(noun),) for part, noun in nouns.items()}
        parts |= {f"how frequent {part} is": (frozenset(map(_about, noun)),) for part, noun in nouns.items()}
        apart = {"a", "an", pair.premise, pair.hypothesis, *words_of(question("", ""))}
        parts |= {"the rest of the sentences": (words_of(text) - apart,), RISES: (frozenset(compared),)}
        return (
            Choice(
                "the label", LABELS, LABELS.index(label), parts,
                cue=frozenset({RISES, f"how frequent {PREMISE} is"}),
            ),
        )  # fmt: skip

    def solve(self, payload: EntailmentPayload) -> str:
        """By the taxonomy."""
        return LABELS[0] if payload.hypothesis in ancestors(payload.premise) else LABELS[1]
