"""World version 5 to the byte: options, payloads and new forms change nothing of what models and studies have read."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine import world
from engine.spec.example import Example, Item
from engine.world import corpus
from engine.world.study_data import study_data
from engine.world.tasks import task

GOLDEN: dict[str, Any] = json.loads(Path(__file__).with_name("world_digests.json").read_text(encoding="utf-8"))
TASKS = sorted(name for name in GOLDEN if name != "corpus" and not name.startswith("world."))
STUDIES = {"world.tools": "calling", "world.entailment": "entailment"}


def digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\x1e".join(parts).encode()).hexdigest()


def told(one: Example | Item) -> str:
    """What is asked, what is right and which cluster it is of; neither payload nor task, which came later."""
    prompt, gold = one.prompt.model_dump(mode="json", include={"messages", "tools"}), one.gold.model_dump(mode="json")
    if isinstance(one, Example):
        plain = [one.id, prompt, one.answer, gold, one.family, one.cluster, one.side.value, one.instruction]
    else:
        plain = [one.id, prompt, gold, one.split, one.cluster, one.side.value, one.features]
    return json.dumps(plain, ensure_ascii=False, sort_keys=True)


def test_the_digests_are_of_this_version() -> None:
    assert world.VERSION == "5", "another world has other digests: write them anew, and say so"


@pytest.mark.parametrize("name", TASKS)
def test_a_task_gives_what_it_always_gave(name: str) -> None:
    made, rng = task(name), Random("golden")
    assert digest(made.document(rng) for _ in range(200)) == GOLDEN[name]["documents"]
    assert digest(map(told, made.examples(120))) == GOLDEN[name]["examples"]
    assert digest(map(told, made.items(40))) == GOLDEN[name]["items"]
    assert list(made.examples(30, made.options())) == list(made.examples(30)), "defaults written out are the same"
    assert list(made.items(10, made.options())) == list(made.items(10))


def test_the_corpus_is_what_it_always_was() -> None:
    assert digest(itertools.islice(corpus.documents("golden"), 500)) == GOLDEN["corpus"]


@pytest.mark.parametrize("source", STUDIES)
def test_the_first_studies_have_the_data_they_always_had(source: str) -> None:
    data = study_data(STUDIES[source])
    assert digest(map(told, data.train)) == GOLDEN[source]["train"]
    assert digest(map(told, data.items)) == GOLDEN[source]["items"]
    assert digest(data.texts) == GOLDEN[source]["texts"]
    assert data.name == GOLDEN[source]["name"]
