"""The work of each arm's runs, drawn up without a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import models
from engine.methods._base import Objective
from engine.run.costs import arms, work
from engine.spec.example import Example, StudyData
from engine.spec.study import ModelRef, ProbeSpec
from engine.subject import scoring
from engine.subject.limits import Limits
from engine.subject.local import LocalSubject
from engine.subject.protocol import Answer
from engine.subject.rendering import Renderer
from tests.support.tiny import data, make_spec, model, tokenizer, tokenizer_folder

__all__ = ["data", "model", "tokenizer", "tokenizer_folder"]

SIZES = {"steps": 12, "batch_size": 4, "train_examples": 40, "items": 6, "live_items": 3}


@pytest.fixture
def renderer(tokenizer: Any) -> Renderer:
    return Renderer(tokenizer, 512)


def drawn(method: str, data: StudyData, renderer: Renderer, settings: dict[str, Any] | None = None) -> arms.Arm:
    spec = make_spec(method, settings=settings, **SIZES)
    return arms.arm(spec, data, renderer, Limits.of_data(data), renderer.encode)


def test_sft_reads_its_examples_in_batches_the_largest_first(data: StudyData, renderer: Renderer) -> None:
    made = drawn("sft", data, renderer)
    ((objective, steps, read),) = made.phases
    assert (objective, steps, len(read.batches)) == (Objective.SFT, 12, 12)
    sizes = [sum(arms.size_of(read.rows[at]) for at in batch) for batch in read.batches]
    assert sizes == sorted(sizes, reverse=True)
    assert made.taught is None


def test_dpo_asks_for_as_many_answers_as_it_may_need(data: StudyData, renderer: Renderer) -> None:
    made = drawn("sft-dpo", data, renderer, {"pairs": 10})
    assert [objective for objective, _, _ in made.phases] == [Objective.SFT, Objective.DPO]
    assert made.taught is not None
    taught, before = made.taught
    assert before == made.phases[0][1]
    assert sum(len(one.prompts) for one in taught.least) <= sum(len(one.prompts) for one in taught.most) == 40
    assert 0 < len(taught.rows) <= 10
    assert all(row.rejected != row.completion for row in taught.rows)


def test_a_base_trains_nothing(data: StudyData, renderer: Renderer) -> None:
    assert drawn("base", data, renderer).phases == ()


def test_a_teacher_of_its_own_is_not_loaded_but_reckoned_with(
    data: StudyData, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "resolve", lambda name: ModelRef(name=name, path="", digest="", parameters=1000))
    made = drawn("sft-dpo", data, renderer, {"teacher": "another"})
    assert made.teacher == 4000
    assert made.taught is not None
    assert made.taught[0].rows


def test_probes_are_asked_what_they_would_ask(data: StudyData, renderer: Renderer, tmp_path: Path) -> None:
    from tests.unit.jobs import fakes

    trial = fakes.trial(seeds=1)
    probes = (ProbeSpec(probe="calls"), ProbeSpec(probe="forgetting"))
    trial = trial.model_copy(update={"study": trial.study.model_copy(update={"probes": probes})})
    found = arms.probing(trial, data, renderer, Limits.of_data(data))
    (asked,) = found.full.asked
    assert len(asked.prompts) == len(found.items["calls"])
    assert asked.limit == Limits.of_data(data).of(renderer).tokens
    (scored,) = found.full.scored
    assert len(scored.blocks) == len(found.items["forgetting"])
    assert found.live.scored == (), "forgetting has no curve"


def test_tokens_that_are_scored_are_counted_as_a_model_scores_them(
    data: StudyData, renderer: Renderer, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft = renderer.with_prefix((3, 4, 5))
    seen: list[list[tuple[int, tuple[int, ...]]]] = []

    def noted(_: Any, pairs: Sequence[tuple[tuple[int, ...], tuple[int, ...]]], *__: Any) -> Any:
        seen.append([(len(prompt), (len(answer),)) for prompt, answer in pairs])
        return [scoring.TokenScores(np.zeros(len(answer)), None) for _, answer in pairs]

    monkeypatch.setattr(scoring, "token_scores", noted)
    monkeypatch.setattr(
        scoring, "completion_logprobs", lambda *given: np.array([s.logprobs.sum() for s in noted(*given)])
    )
    plain = [example.prompt for example in data.train[:3]]
    begun = [prompt.model_copy(update={"begun": "The weather"}) for prompt in plain]
    counted, subject = work.Counted(soft, Limits.of_data(data)), LocalSubject(model, renderer.tokenizer, renderer=soft)
    for some in (counted, subject):
        some.score(plain, ["The weather in Rome"] * 3)
        some.score(begun, ["The weather in Rome"] * 3, end=False)
        some.score(begun, [Answer("The weather in Rome")] * 3)
        some.score(begun, [Answer("The weather in Rome", cut=True)] * 3)
        some.option_logprobs(begun, [["The weather is warm"]] * 3)
        some.text_nll(["The sea is near."])
    *scored, text = [list(asked.blocks) for asked in counted.scored]
    assert scored == seen[:-1]
    assert text[0][0] == seen[-1][0][0] == 4, "the prefix and the text's first token"


def test_a_teachers_wrong_answers_begin_as_their_prompts_say(data: StudyData, renderer: Renderer) -> None:
    def begun(example: Example) -> Example:
        text = renderer.whole_answer(example.prompt, example.answer)
        return example.model_copy(
            update={
                "prompt": example.prompt.model_copy(update={"begun": text[:3]}),
                "answer": {"role": "assistant", "content": text},
            }
        )

    train = tuple(map(begun, data.train))
    made = drawn("sft-dpo", data.model_copy(update={"train": train}), renderer)
    assert made.taught is not None
    assert made.taught[0].rows
