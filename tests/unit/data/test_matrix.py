"""Every form of data with every family of templates: read, said by the model, graded, never learned as wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine.data.formats import read as read_examples
from engine.methods._settings import PreferenceSettings
from engine.objectives import _negatives
from engine.run import sources
from engine.run.inspection.roundtrip import check
from engine.spec.example import Example, Gold, Prompt
from engine.subject.calls import read
from engine.subject.grading import grade
from engine.subject.protocol import Answer
from jobs.studies import load
from tests.support import everyform
from tests.support.families import FAMILIES, READ
from tests.support.families import renderer_of as make_renderer

renderer_of = cache(make_renderer)
UNSAID = {"lfm2": "send_note"}
"""Families whose templates do not escape a text's own quotes, and the calls that they cannot say for it."""

PAIRS = [
    pytest.param(form, family, marks=() if form == "openai" or family == "plain" else pytest.mark.slow)
    for form in everyform.FORMS
    for family in READ
]
"""All of them; the quick tests take each form and each family once."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("forms")
    return {form: everyform.write(folder, form) for form in everyform.FORMS}


@cache
def _examples(path: Path) -> tuple[Example, ...]:
    found = sources.prepare(load("function-calling"), path)
    assert found.understanding is not None
    declined = sum(map(everyform.declines, range(everyform.ROWS)))
    assert (found.understanding.rows, found.understanding.calls) == (everyform.ROWS, everyform.ROWS - declined)
    assert found.understanding.declined == declined
    return tuple(read_examples(path))


@pytest.mark.parametrize("form", everyform.FORMS)
def test_every_form_holds_the_same_calls(files: dict[str, Path], form: str) -> None:
    examples = _examples(files[form])
    assert len(examples) == everyform.ROWS
    for example in examples:
        at = int(str(example.prompt.messages[-1]["content"]).split(":")[0].removeprefix("Request "))
        if everyform.declines(at):
            assert example.gold.calls == ()
            continue
        (call,) = example.gold.calls
        assert call["name"] == everyform.name_of(at)
        got = {name: values[0] for name, values in call["arguments"].items()}
        assert json.dumps(got) == json.dumps(everyform.arguments(at)), "with the types that were written"


@cache
def _said(path: Path, family: str) -> tuple[Example, ...]:
    """The examples whose right answer the family's template can say; every other one is refused with its row."""
    examples = _examples(path)
    refused = {entry.row for entry in check(examples, renderer_of(family))}
    unsaid = {e.row for e in examples if e.gold.calls and e.gold.calls[0]["name"] == UNSAID.get(family)}
    assert refused == unsaid
    return tuple(example for example in examples if example.row not in refused)


@pytest.mark.parametrize("family", READ)
@pytest.mark.parametrize("form", everyform.FORMS)
def test_the_right_answers_are_right_in_every_family(files: dict[str, Path], form: str, family: str) -> None:
    renderer = renderer_of(family)
    for example in _said(files[form], family):
        said = renderer.answer_of(renderer.answer_text(example.prompt, example.answer))
        graded = grade(said, example.gold, example.prompt.tools)
        assert graded.correct, (said, graded.failure)
        other = example.model_copy(update={"gold": Gold(kind="call", calls=({"name": "other", "arguments": {}},))})
        assert not grade(said, other.gold, example.prompt.tools).correct, "the negative control"


@pytest.mark.parametrize("form", everyform.FORMS)
def test_a_family_that_cannot_be_read_is_refused(files: dict[str, Path], form: str) -> None:
    """The negative control: the round trip does not pass because it never fails."""
    calls = [example for example in _examples(files[form]) if example.gold.calls]
    for family in set(FAMILIES) - set(READ):
        refused = check(calls, renderer_of(family))
        assert len(refused) == len(calls)
        assert all(entry.row > 0 and "reads as" in entry.reason for entry in refused)


class Teacher:
    """Says the right answer as each family writes it, one cut off, and a wrong one, which alone may be rejected."""

    def __init__(self, examples: Sequence[Example], family: str) -> None:
        self.renderer = renderer_of(family)
        self.right = {id(example.prompt): example for example in examples}

    def room(self, think_tokens: int = 0, asked: int | None = None) -> int:
        return asked or 400

    def rendered(self, prompt: Prompt, answer: dict[str, Any]) -> str:
        return self.renderer.answer_of(self.renderer.answer_text(prompt, answer))

    def sample(
        self, prompts: Sequence[Prompt], count: int, temperature: float, seed: int, max_new_tokens: int
    ) -> list[list[Answer]]:
        return [self._say(self.right[id(prompt)]) for prompt in prompts]

    def _say(self, example: Example) -> list[Answer]:
        said = [self.rendered(example.prompt, example.answer)]
        for other in READ:
            if example.gold.calls and example.gold.calls[0]["name"] == UNSAID.get(other):
                continue
            renderer = renderer_of(other)
            said.append(renderer.answer_of(renderer.answer_text(example.prompt, example.answer)))
        wrong = '<tool_call>{"name": "nothing_of_the_kind", "arguments": {}}</tool_call>'
        return [*map(Answer, said), Answer(said[0][: len(said[0]) // 2], cut=True), Answer(wrong)]


@pytest.mark.parametrize(("form", "family"), PAIRS)
def test_no_right_answer_is_rejected(files: dict[str, Path], form: str, family: str) -> None:
    train = _said(files[form], family)
    teacher = Teacher(train, family)
    settings = PreferenceSettings.model_validate({"unreadable": True})
    sampled = _negatives.sample(settings, teacher, teacher, train, Random(1))  # type: ignore[arg-type]
    golds = {id(example.prompt): example for example in train}
    assert len(sampled.pairs) == len(train), "the wrong answer of each, and nothing else"
    for pair in sampled.pairs:
        gold = golds[id(pair.prompt)].gold
        assert not grade(pair.rejected, gold, pair.prompt.tools).correct
        assert [call.name for call in read(pair.rejected, pair.prompt.tools).calls] == ["nothing_of_the_kind"]
