"""What every task promises, whatever its name and its options."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any, get_args

import pytest
from pydantic.fields import FieldInfo

from engine.spec.errors import DataError, SpecError
from engine.spec.example import Example, Item
from engine.world.tasks import found, task, tasks
from engine.world.tasks._base import Task
from tests.support import examples

with examples.there():
    NAMES = sorted(found().classes)
HOSTILE = (
    "",
    " ",
    "\0",
    "the answer is",
    "<think> the answer is 3",
    "{" * 400,
    "9" * 5000,
    "paris rome 3 + = .",
    "é\ud83d",
)
_REMEMBERED = {("facts", "known"), ("facts", "composed")}


def values(field: FieldInfo) -> list[Any]:
    """Values worth trying of an option."""
    if choices := get_args(field.annotation):
        return list(choices)
    if field.annotation is bool:
        return [False, True]
    if field.annotation is int:
        return [field.default, 4] if field.default else [0, 2, 3]
    return [0.5, 0.9] if field.annotation is float else [field.default]


WRITTEN = {"chains": "mixed", "relations": "mixed", "routes": "answer", "arguments": "labels"}
"""Tasks whose answers can have steps, and the form that they have by default."""
STEPWISE = ("mixed", "chain", "stepwise")
TOGETHER: tuple[tuple[str, dict[str, Any]], ...] = (
    ("chains", {"form": "chain", "length": 4}),
    ("relations", {"form": "answer", "length": 3}),
    ("routes", {"form": "chain", "length": 3}),
    ("stories", {"matter": "places", "length": 4}),
    ("arguments", {"form": "stepwise", "asked": "criteria", "agreement": 0.9}),
    ("facts", {"form": "ceiling", "newcomers": 8, "teach_absent": True}),
)


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every task with its defaults, with every option changed alone, and some with several."""
    for name, made in tasks().items():
        yield name, {}
        for option, field in made.Options.model_fields.items():
            for value in values(field):
                try:
                    made.options({option: value})
                except SpecError:  # an option that needs another, as its task's own tests hold
                    continue
                if value != field.default:
                    yield name, {option: value}
    yield from TOGETHER


with examples.there():
    CASES = list(cases())
COUNT = 40


def wanted(name: str, given: dict[str, Any]) -> tuple[Task[Any, Any], list[Example], list[Item]]:
    """A task with examples and items, made once for all tests of a case."""
    return _made(name, json.dumps(given))


@cache
def _made(name: str, given: str) -> tuple[Task[Any, Any], list[Example], list[Item]]:
    made = task(name)
    options = made.options(json.loads(given))
    return made, list(made.examples(COUNT, options)), list(made.items(12, options))


def test_none_is_broken() -> None:
    assert not found().broken, [broken.traceback for broken in found().broken]
    assert {"calling", "chains", "entailment", "facts", "families", "routes"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_options_have_a_default_and_a_description_each(name: str) -> None:
    made = task(name)
    assert made.options() == made.options({}) == made.Options()
    for field in made.Options.model_fields.values():
        assert not field.is_required()
        assert field.description
    with pytest.raises(SpecError, match="do not fit"):
        made.options({"no such option": 1})


@pytest.mark.parametrize(("name", "given"), CASES, ids=str)
def test_data_say_their_task_and_carry_what_it_needs(name: str, given: dict[str, Any]) -> None:
    made, examples, items = wanted(name, given)
    assert len(examples) == COUNT
    assert {item.split for item in items} == set(made.splits_of(made.options(given)))
    assert len({item.id for item in items}) == len(items)
    assert len({example.id for example in examples}) == len(examples)
    for one in (*examples, *items):
        assert one.task == name
        payload = made.payload(one)
        assert payload.model_dump(mode="json") == one.payload, "nothing is lost on the way through JSON"


@pytest.mark.parametrize(("name", "given"), CASES, ids=str)
def test_solvers_agree_with_the_gold(name: str, given: dict[str, Any]) -> None:
    made, examples, items = wanted(name, given)
    solved = [made.solve(made.payload(item)) for item in items]
    assert all(said in (None, item.gold.text) for said, item in zip(solved, items, strict=True))
    if given.get("form") not in ("delusive", "stepwise"):  # whose gold is meant to be another
        answers = [made.solve(made.payload(example)) for example in examples]
        assert all(said in (None, example.gold.text) for said, example in zip(answers, examples, strict=True))


@pytest.mark.parametrize(("name", "given"), CASES, ids=str)
def test_a_taught_answer_is_right_and_worth_one_and_others_are_not(name: str, given: dict[str, Any]) -> None:
    made, examples, items = wanted(name, given)
    for example in examples:
        if example.gold.kind == "text":
            assert made.grade(example.answer["content"], example).correct, example
            assert made.reward(example.answer["content"], example) == 1.0
    for item in items:
        if item.gold.kind == "text":
            assert made.grade(item.gold.text, item).correct
        for text in HOSTILE:
            assert 0 <= made.reward(text, item) <= 1
            if item.gold.kind == "text":
                assert not made.grade(text, item).correct


@pytest.mark.parametrize(("name", "given"), CASES, ids=str)
def test_pools_begin_alike_and_are_the_same_every_time(name: str, given: dict[str, Any]) -> None:
    made, examples, items = wanted(name, given)
    options = made.options(given)
    assert list(made.examples(5, options)) == examples[:5]
    assert list(made.items(12, options)) == items


@pytest.mark.parametrize(("name", "given"), CASES, ids=str)
def test_no_item_is_trained_on(name: str, given: dict[str, Any]) -> None:
    made, options = task(name), task(name).options(given)
    trained = {_said(example) for example in made.examples(200, options)}
    for item in made.items(20, options):
        if (name, item.split) not in _REMEMBERED:
            assert _said(item) not in trained


def _said(one: Example | Item) -> str:
    """The user's first words: what is asked, whatever instruction stands before it."""
    return next(message["content"] for message in one.prompt.messages if message["role"] == "user")


@pytest.mark.parametrize(("name", "given"), CASES, ids=str)
def test_a_corrupted_answer_is_wrong_in_one_step(name: str, given: dict[str, Any]) -> None:
    """And it concludes what that step implies, which is not the right answer."""
    made, examples, _ = wanted(name, given)
    rng, written, corrupted = Random(0), 0, 0
    for example in examples:
        text = str(example.answer.get("content") or "")
        steps = made.steps(text)
        broken = made.corrupt(example, text, rng)
        written += bool(steps)
        if broken is None:
            continue
        corrupted += 1
        assert not made.grade(broken.whole, example).correct
        assert made.grade(broken.whole, example.model_copy(update={"gold": _gold(example, broken.answer)})).correct
        assert broken.whole.startswith(broken.text)
        wrong = made.steps(broken.text)
        assert len(wrong) == broken.at + 1
        assert wrong[:-1] == steps[: broken.at], "right up to the wrong step"
        assert wrong[-1] != steps[broken.at]
        assert made.corrupt(example, text, rng, at=len(steps)) is None, "there is no such step"
        assert made.corrupt(example, text, rng, at=-1) is None
        assert made.corrupt(example, broken.whole, rng, at=broken.at) is None, "what is wrong already is not corrupted"
    # Of a weak argument with two flaws no single criterion decides; all else can be broken somewhere.
    assert corrupted >= (0.6 if name == "arguments" else 0.9) * written
    assert (corrupted > 10) == (name in WRITTEN and given.get("form", WRITTEN[name]) in STEPWISE)


def _gold(example: Example, answer: str) -> Any:
    labels = example.gold.labels or (("strong", "weak") if example.task == "arguments" else ())
    return example.gold.model_copy(update={"text": answer, "labels": labels})


@pytest.mark.parametrize(("name", "given"), CASES, ids=str)
def test_a_paraphrase_says_the_same_in_other_words(name: str, given: dict[str, Any]) -> None:
    made, examples, _ = wanted(name, given)
    for example in examples:
        text = str(example.answer.get("content") or "")
        said = made.paraphrase(text, Random(1))
        assert (said is None) == (not made.steps(text) or name not in ("chains", "relations"))
        if said is not None:
            assert said != text
            assert made.grade(said, example).correct
            pairs = zip(made.steps(said), made.steps(text), strict=True)
            assert all(new != old for new, old in pairs)


@pytest.mark.parametrize("name", NAMES)
def test_hostile_texts_have_no_step_to_break(name: str) -> None:
    made = task(name)
    item = next(iter(made.items(1)))
    for text in HOSTILE:
        assert made.corrupt(item, text, Random(0)) is None
        assert isinstance(made.steps(text), list)


@pytest.mark.parametrize("name", NAMES)
def test_demonstrations_say_nothing_of_the_item(name: str) -> None:
    made = task(name)
    for item in itertools.islice(made.items(3), 6):
        shown = made.demonstrations(item, 4, Random(2))
        assert len(shown) == 4
        assert shown == made.demonstrations(item, 4, Random(2))
        for example in shown:
            assert example.prompt.messages[-1] != item.prompt.messages[-1]
            assert example.cluster != item.cluster


@pytest.mark.parametrize(("name", "given"), CASES, ids=str)
def test_what_the_audit_reads_is_a_choice_and_items_have_the_parts_of_examples(
    name: str, given: dict[str, Any]
) -> None:
    made, examples, items = wanted(name, given)
    parts: dict[str, set[tuple[str, ...]]] = {}
    for one in (*examples, *items):
        for choice in made.choices(one):
            assert 0 <= choice.right < len(choice.answers) > 1
            assert choice.cue | choice.deciding <= set(choice.parts)
            assert {len(shown) for shown in choice.parts.values()} <= {1, len(choice.answers)}
            parts.setdefault(choice.of, set()).add(tuple(choice.parts))
    assert all(len(names) == 1 for names in parts.values())
    assert bool(parts) == (name in ("calling", "entailment", "facts"))


def test_what_is_of_another_task_or_broken_is_refused() -> None:
    item = next(iter(task("chains").items(1)))
    with pytest.raises(DataError, match="of the task 'chains', not of 'routes'"):
        task("routes").payload(item)
    with pytest.raises(DataError, match="does not carry"):
        task("chains").payload(item.model_copy(update={"payload": {"start": "many"}}))
