"""Tokens that are scored are counted for the estimate as a model scores them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from engine.run.costs import work
from engine.spec.example import StudyData
from engine.subject import scoring
from engine.subject.limits import Limits
from engine.subject.local import LocalSubject
from engine.subject.protocol import Answer
from engine.subject.rendering import Renderer
from tests.support.tiny import data, model, tokenizer, tokenizer_folder

__all__ = ["data", "model", "tokenizer", "tokenizer_folder"]


@pytest.fixture
def renderer(tokenizer: Any) -> Renderer:
    return Renderer(tokenizer, 512)


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
