"""Chains of containers: golds, sides, paraphrases, mistakes and branch points, each checked by another computation."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.spec.example import Example, Item, Side
from engine.subject.grading import final_answer, grade
from engine.world.holdout import reserved
from engine.world.tasks import chains, relations
from engine.world.tasks.relations import Problem
from engine.world.vocabulary import taxonomy

CHUNKS = re.compile(r"<\|[a-z]+\|>|[ _]?[a-z]+| ?[0-9]+|\s?[^a-z0-9\s]")
SENTENCE = re.compile(r"the (\w+) (?:is|lies|sits) in the (\w+)\.")
SEEDS = st.integers(0, 10**6)


@pytest.fixture(scope="module")
def documents() -> list[str]:
    rng = Random("test")
    return [relations.document(rng) for _ in range(4000)]


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return list(relations.examples(3000))


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return list(relations.items(150))


def told(text: str) -> list[tuple[str, str]]:
    """Every thing and its place that a text tells, in order."""
    return SENTENCE.findall(text.replace("in the end", ""))


def follow(question: str) -> tuple[str, ...]:
    """The chain that is asked about, followed through the text from the thing that the question names."""
    places, asked = dict(told(question)), SENTENCE.sub("", question.replace("in the end", ""))
    things = re.findall(r"the (\w+)", asked)
    assert len(things) == 1
    while things[-1] in places:
        things.append(places[things[-1]])
    return tuple(things)


def last_place(question: str) -> str:
    return told(question)[-1][1]


def turns(text: str) -> list[str]:
    return re.findall(r"\|>([^<]+)<\|end\|>", text)


def in_words(one: Item | Example) -> tuple[str, str]:
    system, user = (m["content"] for m in one.prompt.messages)
    return system, user


def problem_and_steps(seed: int, hops: int) -> tuple[Problem, list[str]]:
    rng = Random(seed)
    problem = relations.draw(rng, hops, rng.choice((Side.CONGRUENT, Side.CONFLICTING)))
    return problem, relations.write(problem, relations.any_styles(rng, hops))


def test_golds_and_sides_are_what_the_text_says(items: list[Item], examples: list[Example]) -> None:
    for one in [*items, *examples]:
        question = in_words(one)[1]
        things = follow(question)
        sentences = told(question)
        assert one.gold.text == things[-1]
        assert one.gold.labels == tuple(sorted({name for pair in sentences for name in pair}))
        assert len(sentences) == 2 * (len(things) - 1), "the distractor is as long as the chain"
        assert len(one.gold.labels) == 2 * len(things)
        assert one.side is (Side.CONGRUENT if last_place(question) == things[-1] else Side.CONFLICTING)
    for item in items:
        places = [place for _, place in told(in_words(item)[1])]
        assert item.features["sentences_after_answer"] == places[::-1].index(item.gold.text)
        assert item.features["hops"] == len(places) / 2


def test_on_conflicting_items_the_shortcut_gives_the_end_of_the_other_chain(items: list[Item]) -> None:
    conflicting = [in_words(i)[1] for i in items if i.side is Side.CONFLICTING]
    for question in conflicting:
        inside = dict(told(question))
        assert last_place(question) not in inside
        assert last_place(question) not in follow(question)


def test_sides_are_balanced(items: list[Item], examples: list[Example], documents: list[str]) -> None:
    for split in relations.SPLITS:
        assert Counter(i.side for i in items if i.split == split) == {Side.CONGRUENT: 75, Side.CONFLICTING: 75}
    for task in ("steps", "direct"):
        assert Counter(e.side for e in examples if e.family == task) == {Side.CONGRUENT: 750, Side.CONFLICTING: 750}
    asked = [turns(d)[-2] for d in documents]
    assert sum(last_place(q) == follow(q)[-1] for q in asked) / len(asked) == pytest.approx(0.5, abs=0.03)


def test_either_chain_may_be_told_first(examples: list[Example]) -> None:
    first = [told(in_words(e)[1])[0][0] in follow(in_words(e)[1]) for e in examples]
    assert sum(first) / len(first) == pytest.approx(0.5, abs=0.03)


def test_answers_are_right_and_written_as_ordered(examples: list[Example], documents: list[str]) -> None:
    shown = [(*in_words(e), e.answer["content"]) for e in examples] + [tuple(turns(d)) for d in documents]
    kinds: Counter[str] = Counter()
    for system, question, answer in shown:
        things = follow(question)
        steps = SENTENCE.findall(answer)
        assert final_answer(answer).rstrip(".") == things[-1], (question, answer)
        if steps:
            assert steps == list(itertools.pairwise(things))
            assert system in chains.STEPS
            assert answer == chains.conclude(relations.steps_of(answer), things[-1])
        kinds["steps" if steps else "sentence" if " " in answer else "direct"] += 1
        assert (system in chains.AT_ONCE) == (" " not in answer)
    assert kinds["steps"] / len(shown) == pytest.approx(0.5, abs=0.03)
    assert kinds["sentence"] / len(documents) == pytest.approx(0.125, abs=0.02)
    assert all(grade(final_answer(e.answer["content"]), e.gold).correct for e in examples)


def held_out(things: Sequence[str]) -> bool:
    """Whether a chain holds one that is reserved, from whatever thing to whatever other."""
    ends = itertools.combinations(range(len(things) + 1), 2)
    return any(reserved("relations", *things[first:last]) for first, last in ends if last - first > 2)


def test_no_training_text_asks_about_a_reserved_chain(documents: list[str], examples: list[Example]) -> None:
    asked = [turns(d)[-2] for d in documents] + [in_words(e)[1] for e in examples]
    posed = [follow(q) for q in asked]
    assert sum(len(things) > 2 for things in posed) > 5000
    for things, question in zip(posed, asked, strict=True):
        places = dict(told(question))
        other = [next(name for name in places if name not in things and name not in places.values())]
        while other[-1] in places:
            other.append(places[other[-1]])
        assert not held_out(things)
        assert not held_out(other)


def test_items_hold_only_reserved_chains_each_question_once(items: list[Item]) -> None:
    assert Counter(i.split for i in items) == dict.fromkeys(relations.SPLITS, 150)
    assert len({i.id for i in items}) == len(items)
    for split in relations.SPLITS:
        of_split = [i for i in items if i.split == split]
        assert len({in_words(i)[1] for i in of_split}) == 150
        for item in of_split:
            system, question = in_words(item)
            assert held_out(follow(question))
            assert len(follow(question)) == (4 if split == "three hops" else 3)
            assert system in (chains.AT_ONCE if split == "direct" else chains.STEPS)


def test_held_out_wordings_are_in_no_training_text(documents: list[str], examples: list[Example]) -> None:
    held_out = re.compile(r"where in the end")
    assert all((held_out.search(in_words(i)[1]) is not None) == (i.split == "wording") for i in relations.items(60))
    assert not [text for text in [*documents, *(in_words(e)[1] for e in examples)] if held_out.search(text)]


def test_longer_pools_begin_like_shorter_ones(items: list[Item], examples: list[Example]) -> None:
    assert list(relations.examples(50)) == examples[:50]
    for split in relations.SPLITS:
        few, many = ([i for i in pool if i.split == split] for pool in (relations.items(20), items))
        assert few == many[:20]


def test_items_run_out_instead_of_repeating(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relations, "ask", lambda problem, rng, held_out: problem.answer)
    questions = [(i.split, in_words(i)[1]) for i in relations.items(100)]
    assert 4 * 12 < len(questions) <= 4 * 24
    assert len(set(questions)) == len(questions)


def test_things_have_no_place_in_the_taxonomy() -> None:
    assert len(set(relations.THINGS)) == 24
    assert not set(relations.THINGS) & set(taxonomy.nouns())


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 3))
def test_paraphrases_say_the_same_in_other_words(seed: int, hops: int) -> None:
    problem, steps = problem_and_steps(seed, hops)
    for said in (steps, relations.corrupt(problem, steps, hops - 1)[0]):
        reworded = relations.paraphrase(said, Random(seed))
        assert all(a != b for a, b in zip(said, reworded, strict=True))
        assert SENTENCE.findall(" ".join(said)) == SENTENCE.findall(" ".join(reworded))
        assert len(SENTENCE.findall(" ".join(said))) == len(said)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 3), st.integers(0, 2))
def test_a_mistake_has_the_answer_that_follows_from_it(seed: int, hops: int, at: int) -> None:
    problem, steps = problem_and_steps(seed, hops)
    at = min(at, hops - 1)
    wrong, implied = relations.corrupt(problem, steps, at, Random(seed))
    assert wrong[:-1] == steps[:at]
    assert wrong[-1].rpartition(" ")[0] == steps[at].rpartition(" ")[0], "only the place differs"
    places = dict(SENTENCE.findall(problem.text))
    reached, left = SENTENCE.findall(wrong[-1])[0][1], hops - at - 1
    for _ in range(left):
        reached = places[reached]
    assert reached == implied != problem.answer
    assert reached not in places


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 3))
def test_chains_of_two_styles_part_at_a_branch_point(seed: int, hops: int) -> None:
    problem, steps = problem_and_steps(seed, hops)
    text = chains.conclude(steps, problem.answer)
    points = relations.branches(text)
    assert len(points) == hops
    for at, point in enumerate(points):
        other = [*steps[:at], *relations.paraphrase(steps[at:], Random(seed))]
        pairs = enumerate(zip(text, chains.conclude(other, problem.answer), strict=False))
        assert next(i for i, (a, b) in pairs if a != b) == point
        assert text[point - 1] == " "


def test_what_is_no_step_is_refused() -> None:
    with pytest.raises(ValueError, match="not a step"):
        relations.paraphrase(["the key is on the tray."], Random(0))
    assert relations.steps_of("so: the key is in the tray. the answer is tray.") == ["the key is in the tray."]


def test_every_token_of_items_and_examples_occurs_in_documents(
    documents: list[str], items: list[Item], examples: list[Example]
) -> None:
    known = {chunk for text in documents for chunk in CHUNKS.findall(text)}
    texts = [f"<|user|>{m['content']}" for one in [*items, *examples] for m in one.prompt.messages]
    texts += [f"<|assistant|>{e.answer['content']}" for e in examples]
    texts += [f"<|assistant|>{i.gold.text}" for i in items]
    assert not {chunk for text in texts for chunk in CHUNKS.findall(text)} - known
    assert max(len(CHUNKS.findall(d)) for d in documents) <= 110


def test_output_does_not_hang_on_hashing() -> None:
    code = (
        "import hashlib\nfrom random import Random\nfrom engine.world.tasks import relations as m\nrng = Random(1)\n"
        "text = repr([m.document(rng) for _ in range(300)]) + repr(list(m.items(40))) + repr(list(m.examples(200)))\n"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    run = [
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": h}, capture_output=True, check=True
        ).stdout
        for h in ("1", "2")
    ]
    assert run[0] == run[1] != b""
