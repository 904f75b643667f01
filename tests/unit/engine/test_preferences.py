"""The pairs of a DPO phase: no rejected answer is its chosen one, and what was left out is said."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from engine.objectives import _negatives, dpo
from engine.objectives import _pairs as preferences
from engine.objectives._pairs import Sampled
from engine.run import execute
from engine.spec.errors import RunError
from engine.spec.example import Example, Preference, StudyData
from engine.subject.local import renderer_of
from engine.subject.rendering import Renderer, calls_text
from tests.support import families
from tests.support.tiny import make_model, make_spec


@pytest.fixture
def renderer(tokenizer: Any) -> Renderer:
    return renderer_of(make_model(len(tokenizer)), tokenizer)


def pair(example: Example, rejected: str) -> Preference:
    return Preference(prompt=example.prompt, chosen=example.answer, rejected=rejected, failure="wrong value")


def found(pairs: list[Preference], renderer: Renderer) -> Any:
    return preferences.finding(pairs, preferences.encode(pairs, renderer), renderer)


def test_a_rejected_answer_that_is_the_chosen_one_is_found(renderer: Renderer, data: StudyData) -> None:
    call = next(e for e in data.train if e.family == "call")
    words = next(e for e in data.train if e.family == "copy")
    fine = [pair(call, "hello"), pair(words, "Rom")]
    assert found(fine, renderer).ok
    name, arguments = (call.answer["tool_calls"][0]["function"][key] for key in ("name", "arguments"))
    bare = f'{{"parameters": {{"city": "{arguments["city"]}"}}, "name": "{name}"}}'
    for bad in (
        pair(call, calls_text(call.answer["tool_calls"])),
        pair(call, bare),
        pair(words, words.gold.text + "."),
    ):
        seen = found([*fine, bad], renderer)
        assert not seen.ok
        assert seen.detail.startswith("1 of 3")


def test_answers_that_are_equal_once_they_are_cut_are_found(tokenizer: Any, data: StudyData) -> None:
    tight = Renderer(tokenizer, 8)
    words = data.train[2].model_copy(update={"answer": {"role": "assistant", "content": "sun moon star tree"}})
    pairs = [pair(words, "sun moon star tree and more")]
    assert not found(pairs, tight).ok
    assert preferences.usable(pairs, tight) == []
    assert preferences.usable(pairs, Renderer(tokenizer, 512)) == pairs


def test_what_was_cut_is_said_in_the_summary(data: StudyData) -> None:
    pairs = [pair(data.train[0], "hello")]
    said = preferences.summary(pairs, Sampled(pairs, answers=9, cut=4, right=2, limit=96), 1)
    assert said == (
        "1 verified wrong answers on 1 prompts: 1 wrong value. 4 of 9 sampled answers reached the limit of 96 tokens "
        "and were left out."
    )
    assert "limit" not in preferences.summary(pairs, Sampled(pairs, answers=9), 1)


@pytest.mark.parametrize(
    ("sampled", "said", "hint"),
    [
        (Sampled([], 9, 9, 0, 48), "All of its 9 sampled answers reached the limit of 48 tokens", "max_new_tokens"),
        (Sampled([], 9, 5, 4, 48), "All but 4 right ones of its 9", "max_new_tokens"),
        (Sampled([], 9, 0, 9, 48), "Of its 9 sampled answers, 9 are right", "temperature"),
        (Sampled([], 9), "no verified wrong answer", "temperature"),
    ],
)
def test_why_there_are_no_pairs_is_said(sampled: Sampled, said: str, hint: str, renderer: Renderer) -> None:
    error = dpo._no_pairs(sampled, renderer)
    assert said in error.message
    assert hint in error.hint


def test_a_run_whose_teacher_never_ends_says_so(tmp_path: Path, loaders: Any) -> None:
    spec = make_spec("sft-dpo", settings={"max_new_tokens": 1, "samples": 2, "temperature": 3.0})
    with pytest.raises(RunError, match="reached the limit of 1 tokens before they ended"):
        execute.execute(spec, tmp_path, threading.Event(), loaders)


def test_a_pair_that_teaches_against_the_right_answer_stops_the_run(
    tmp_path: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(settings: Any, policy: Any, teacher: Any, examples: Any, rng: Any) -> Sampled:
        return Sampled([pair(e, f" {policy.rendered(e.prompt, e.answer)}") for e in examples])

    monkeypatch.setattr(_negatives, "sample", wrong)
    with pytest.raises(RunError, match="against right answers"):
        execute.execute(make_spec("sft-dpo"), tmp_path, threading.Event(), loaders)
    assert not (tmp_path / "rows-1.jsonl").exists()


@pytest.mark.parametrize("family", families.READ)
def test_the_chosen_answer_in_any_familys_language_is_found_among_the_rejected(family: str, data: StudyData) -> None:
    renderer = families.renderer_of(family)
    call = next(e for e in data.train if e.family == "call" and e.gold.calls[0]["name"] in ("weather", "news"))
    for other in families.READ:
        writer = families.renderer_of(other)
        said = writer.answer_of(writer.answer_text(call.prompt, call.answer))
        assert not found([pair(call, said)], renderer).ok, other
    wrong = call.model_copy(update={"answer": {**call.answer, "tool_calls": [other_call(call)]}})
    assert found([pair(call, renderer.answer_of(renderer.answer_text(call.prompt, wrong.answer)))], renderer).ok


def other_call(example: Example) -> dict[str, Any]:
    function = example.answer["tool_calls"][0]["function"]
    return {"type": "function", "function": {"name": function["name"], "arguments": {"city": "Elsewhere"}}}


@pytest.mark.parametrize("family", families.READ)
def test_both_answers_of_a_pair_end_alike(family: str, data: StudyData) -> None:
    renderer = families.renderer_of(family)
    call = next(e for e in data.train if e.family == "call")
    (row,) = preferences.encode([pair(call, "hello")], renderer)
    assert row.rejected[-1] == row.completion[-1]
    assert row.rejected[-1] in renderer.end_ids
