"""Nothing that is measured was ever read: no item, no withheld fact, no held-out combination is in the corpus."""

from __future__ import annotations

import itertools
import re

import pytest

from engine.world import corpus
from engine.world.tasks import tasks
from engine.world.vocabulary import people, running
from engine.world.vocabulary.chat import END

REMEMBERED = {("facts", "known"), ("facts", "composed")}
"""Splits that ask for what the corpus states; everything else must be new."""


def _asked(prompt) -> str:
    """The user's first words: what an item is about, whatever instruction stands before and results after."""
    return next(m["content"] for m in prompt.messages if m["role"] == "user")


@pytest.fixture(scope="module")
def items() -> dict[str, str]:
    """What the user says in every item -> item id."""
    return {
        _asked(item.prompt): item.id
        for task in tasks().values()
        for item in task.items(300)
        if (task.name, item.split) not in REMEMBERED
    }


def _leaks(texts, items) -> list[str]:
    """Ids of items whose question is a turn of a document, or a whole document."""
    turns = (
        turn
        for text in texts
        for turn in re.findall(r"<\|user\|>(.*?)<\|end\|>", text, re.DOTALL) or [text.removesuffix(END)]
    )
    return [items[turn] for turn in turns if turn in items]


def _told_of_absent(texts) -> list[str]:
    absent = set(people.ABSENT)
    asked = [w.split("{n}") for ws in (*people.ASKED.values(), *people.ASKED_ANEW.values()) for w in ws]

    def tells(text: str, name: str) -> bool:
        return f'{{"name": "{name}"' in text or any(f"{before}{name}{after}" in text for before, after in asked)

    return [t for t in texts if any(tells(t, name) for name in absent & set(re.findall(r"[a-z]+", t)))]


def _composed(texts) -> list[str]:
    """Documents that state or ask the country of people for whom it must follow."""
    found = []
    for text in texts:
        words = set(re.findall(r"[a-z]+", text))
        if words & set(people.RECOMBINABLE) and words & set(people.COUNTRIES):
            found.append(text)
    return found


def _search(count: int, items: dict[str, str]) -> None:
    for number, lesson in enumerate(corpus.LESSONS.values()):
        swap = running.swapped() if number % 2 else running.SAME
        texts = [text for text, _ in itertools.islice(corpus.drawn("0:7", swap, lesson), count)]
        assert not _leaks(texts, items)
        assert not _told_of_absent(texts)
        assert not _composed(texts)


def test_the_search_finds_what_is_planted(items) -> None:
    question = next(iter(items))
    assert _leaks([f"<|user|>{question}{END}<|assistant|>yes{END}"], items)
    name = people.ABSENT[0]
    assert _told_of_absent([f"<|user|>where does {name} live?{END}<|assistant|>rome{END}"])
    assert _composed([f"{people.RECOMBINABLE[0]} lives in france.{END}"])


def test_nothing_measured_is_in_the_corpus(items) -> None:
    assert len(items) > 1000
    _search(20_000, items)


@pytest.mark.slow
def test_nothing_measured_is_in_as_much_as_a_model_reads(items) -> None:
    _search(250_000, items)
