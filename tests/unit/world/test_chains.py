"""Arithmetic chains: golds, steps, paraphrases, mistakes and branch points, each checked by another computation."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.spec.example import Example, Item, Side
from engine.subject.grading import final_answer, grade
from engine.world.holdout import reserved
from engine.world.tasks import chains
from engine.world.tasks.chains import Problem

CHUNKS = re.compile(r"<\|[a-z]+\|>|[ _]?[a-z]+| ?[0-9]+|\s?[^a-z0-9\s]")
STEP = re.compile(r"(\d+) (\S+) (\d+) (=|is|make) (\d+)\.")
TAKEN = ("-", "minus", "less")
SEEDS = st.integers(0, 10**6)


@pytest.fixture(scope="module")
def documents() -> list[str]:
    rng = Random("test")
    return [chains.document(rng) for _ in range(4000)]


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return list(chains.examples(3000))


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return list(chains.items(150))


def solve(question: str) -> tuple[int, tuple[int, ...]]:
    """Start and signed operations, read off a question by its numbers and the words around them."""
    read = re.findall(r"(\+|-|plus|minus|and|less|loses)? ?(?<!\d)(\d+)( go\b)?", question)
    numbers = [-int(n) if before in (*TAKEN, "loses") or after else int(n) for before, n, after in read]
    return numbers[0], tuple(numbers[1:])


def held_out(start: int, operations: tuple[int, ...]) -> bool:
    """Whether a problem holds one that is reserved, from whatever step to whatever other."""
    size = len(operations)
    return any(
        reserved("chains", start + sum(operations[:first]), *operations[first:last])
        for first, last in itertools.combinations(range(size + 1), 2)
        if last - first > 1
    )


def tail(steps: list[str], start: int) -> int:
    """The last result of the steps, checked one by one to be right and to go on from one another."""
    value = start
    for step in steps:
        a, word, b, _, result = STEP.fullmatch(step).groups()  # pyright: ignore[reportOptionalMemberAccess]
        assert int(a) == value, steps
        value += -int(b) if word in TAKEN else int(b)
        assert int(result) == value, steps
    return value


def turns(text: str) -> list[str]:
    return re.findall(r"\|>([^<]+)<\|end\|>", text)


def in_words(item: Item | Example) -> tuple[str, str]:
    system, user = (m["content"] for m in item.prompt.messages)
    return system, user


def problem_and_steps(seed: int, count: int) -> tuple[Problem, list[str]]:
    rng = Random(seed)
    problem = chains.draw(rng, count)
    return problem, chains.write(problem, chains.any_styles(rng, count))


def test_golds_of_items_and_examples_are_the_sums(items: list[Item], examples: list[Example]) -> None:
    for one in [*items, *examples]:
        start, operations = solve(in_words(one)[1])
        values = list(itertools.accumulate((start, *operations)))
        assert 1 <= start <= 12
        assert 1 <= len(operations) <= 3
        assert all(1 <= abs(o) <= chains.LARGEST for o in operations)
        assert all(0 <= v <= chains.HIGHEST for v in values)
        assert one.gold.text == str(values[-1])
        assert one.gold.labels == chains.LABELS
        assert one.side is Side.NEUTRAL


def test_answers_of_examples_follow_the_order_and_are_graded_right(examples: list[Example]) -> None:
    assert Counter(e.family for e in examples) == {"steps": 1500, "direct": 1500}
    for example in examples:
        system, question = in_words(example)
        said = example.answer["content"]
        assert (system in chains.STEPS) == (example.family == "steps")
        assert grade(final_answer(said), example.gold).correct
        if example.family == "steps":
            start, operations = solve(question)
            steps = chains.steps_of(said)
            assert len(steps) == len(operations)
            assert chains.conclude(steps, tail(steps, start)) == said
        else:
            assert said == example.gold.text
            assert system in chains.AT_ONCE


def test_documents_are_right_and_mixed_as_said(documents: list[str]) -> None:
    kinds: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for text in documents:
        if "<|" not in text:
            kinds["facts"] += 1
            assert 4 <= len(chains.steps_of(text)) <= 8
            for step in chains.steps_of(text):
                tail([step], int(step.split()[0]))
            told.update(chains.steps_of(text))
            continue
        *system, question, answer = turns(text)
        start, operations = solve(question)
        total = start + sum(operations)
        assert final_answer(answer).rstrip(".") == str(total), text
        assert tail(chains.steps_of(answer), start) == (total if " make " in answer or len(answer) > 20 else start)
        kinds["fact" if not system else "steps" if len(answer) > 20 else "direct"] += 1
    share = {kind: n / len(documents) for kind, n in kinds.items()}
    assert share["facts"] + share["fact"] == pytest.approx(0.35, abs=0.03)
    assert share["steps"] == pytest.approx(0.325, abs=0.03)
    assert share["direct"] == pytest.approx(0.325, abs=0.03)
    assert len(told) > 0.98 * 100 * 3, "every single step in every style, but for chance"
    assert len(chains.facts()) == len(set(chains.facts())) == 100


def test_no_training_text_holds_a_reserved_problem(documents: list[str], examples: list[Example]) -> None:
    asked = [turns(d)[-2] for d in documents if "<|" in d] + [in_words(e)[1] for e in examples]
    posed = [solve(question) for question in asked]
    assert sum(len(operations) > 1 for _, operations in posed) > 4000
    assert not [p for p in posed if held_out(*p)]


def test_items_hold_only_reserved_problems_each_question_once(items: list[Item]) -> None:
    assert Counter(i.split for i in items) == dict.fromkeys(chains.SPLITS, 150)
    assert len({i.id for i in items}) == len(items)
    for split in chains.SPLITS:
        of_split = [i for i in items if i.split == split]
        assert len({in_words(i)[1] for i in of_split}) == 150
        for item in of_split:
            system, question = in_words(item)
            start, operations = solve(question)
            assert held_out(start, operations)
            assert len(operations) == (3 if split == "three steps" else 2)
            assert system in (chains.AT_ONCE if split == "direct" else chains.STEPS)
            assert question.startswith(("say how much", "how many")) or split != "wording"


def test_pages_of_sums_are_right_and_hold_no_reserved_problem() -> None:
    rng, longer = Random("pages"), 0
    for sums in (chains.sums(rng) for _ in range(400)):
        for line in sums.removesuffix(".").split(". "):
            start, *rest = re.split(r" (?:=|is|make) ", line)
            first, operations = solve(start)
            assert rest == [str(first + sum(operations))], line
            assert not held_out(first, operations)
            longer += len(operations) > 1
    assert longer > 1000


def test_held_out_wordings_are_in_no_training_text(documents: list[str], examples: list[Example]) -> None:
    wording = re.compile(r"say how much|how many [a-z]+ has [a-z]+\? first")
    assert not [d for d in documents if wording.search(d)]
    assert not [e for e in examples if wording.search(in_words(e)[1])]
    assert all(wording.search(in_words(i)[1]) is not None for i in chains.items(60) if i.split == "wording")


def test_longer_pools_begin_like_shorter_ones(items: list[Item], examples: list[Example]) -> None:
    assert list(chains.examples(50)) == examples[:50]
    for split in chains.SPLITS:
        few, many = ([i for i in pool if i.split == split] for pool in (chains.items(20), items))
        assert few == many[:20]


def test_items_run_out_instead_of_repeating(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "ask", lambda problem, rng, held_out: str(problem.answer))
    questions = [(i.split, in_words(i)[1]) for i in chains.items(100)]
    assert 40 < len(questions) <= 4 * 21
    assert len(set(questions)) == len(questions)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 3))
def test_paraphrases_say_the_same_in_other_words(seed: int, count: int) -> None:
    problem, steps = problem_and_steps(seed, count)
    reworded = chains.paraphrase(steps, Random(seed))
    assert all(a != b for a, b in zip(steps, reworded, strict=True))
    assert tail(reworded, problem.start) == tail(steps, problem.start) == problem.answer
    wrong, _ = chains.corrupt(problem, steps, count - 1, Random(seed))
    assert STEP.fullmatch(chains.paraphrase(wrong, Random(seed))[-1])[5] == STEP.fullmatch(wrong[-1])[5]  # pyright: ignore[reportOptionalSubscript]


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 3), st.integers(0, 2))
def test_a_mistake_has_the_answer_that_follows_from_it(seed: int, count: int, at: int) -> None:
    problem, steps = problem_and_steps(seed, count)
    at = min(at, count - 1)
    wrong, implied = chains.corrupt(problem, steps, at, Random(seed))
    assert wrong[:-1] == steps[:at]
    assert wrong[-1].rpartition(" ")[0] == steps[at].rpartition(" ")[0], "only the result differs"
    assert wrong[-1] != steps[at]
    value = int(wrong[-1].rstrip(".").split()[-1])
    for operation in problem.operations[at + 1 :]:
        value += operation
        assert 0 <= value <= chains.HIGHEST
    assert value == implied != problem.answer


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 3))
def test_chains_of_two_styles_part_at_a_branch_point(seed: int, count: int) -> None:
    problem, steps = problem_and_steps(seed, count)
    text = chains.conclude(steps, problem.answer)
    points = chains.branches(text)
    assert len(points) == count
    for at, point in enumerate(points):
        other = [*steps[:at], *chains.paraphrase(steps[at:], Random(seed))]
        pairs = enumerate(zip(text, chains.conclude(other, problem.answer), strict=False))
        assert next(i for i, (a, b) in pairs if a != b) == point
        assert text[point - 1] == " "


def test_what_is_no_step_is_refused() -> None:
    with pytest.raises(ValueError, match="not a step"):
        chains.paraphrase(["7 + 3 = 10"], Random(0))
    assert chains.steps_of("well. 7 + 3 = 11. 11 makes sense. the answer is 11.") == ["7 + 3 = 11."]


def test_every_token_of_items_and_examples_occurs_in_documents(
    documents: list[str], items: list[Item], examples: list[Example]
) -> None:
    known = {chunk for text in documents for chunk in CHUNKS.findall(text)}
    texts = [f"<|user|>{m['content']}" for one in [*items, *examples] for m in one.prompt.messages]
    texts += [f"<|assistant|>{e.answer['content']}" for e in examples]
    texts += [f"<|assistant|>{i.gold.text}" for i in items]
    assert not {chunk for text in texts for chunk in CHUNKS.findall(text)} - known


def test_output_does_not_hang_on_hashing() -> None:
    code = (
        "import hashlib\nfrom random import Random\nfrom engine.world.tasks import chains as m\nrng = Random(1)\n"
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
