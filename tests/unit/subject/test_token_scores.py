"""Scores of single tokens are the model's own, from one forward pass, and add up to what options are scored with."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import numpy as np
import pytest
import torch

from engine.spec.errors import DataError, ModelError
from engine.spec.example import Prompt, StudyData
from engine.subject import scoring
from engine.subject.forward import packing
from engine.subject.local import LocalSubject
from engine.subject.protocol import Answer
from engine.subject.rendering import BUILT_IN
from tests.support import zoo
from tests.support.tiny import make_model


def prompts_of(data: StudyData) -> list[Prompt]:
    return [example.prompt for example in data.train[:5]]


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma2", "mamba", "gpt_neo", "mpt"])
def test_logprobs_and_entropies_are_the_whole_models_own(kind: str) -> None:
    model, rng = zoo.make(kind), Random(2)

    def drawn(size: int) -> tuple[int, ...]:
        return tuple(rng.randrange(3, zoo.WORDS) for _ in range(size))

    prompts = [drawn(size) for size in (6, 20, 3)]
    pairs = [(prompt, drawn(size)) for prompt in prompts for size in (4, 1, 0, 7)]
    found = scoring.token_scores(model, pairs, 0, entropies=True)
    for (prompt, answer), scored in zip(pairs, found, strict=True):
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([prompt + answer]), use_cache=False).logits[0].double()
        logp = logits[len(prompt) - 1 : len(prompt) - 1 + len(answer)].log_softmax(-1)
        want = logp[range(len(answer)), list(answer)].numpy()
        assert scored.entropies is not None
        assert np.allclose(scored.logprobs, want, atol=1e-4)
        assert np.allclose(scored.entropies, -(logp.exp() * logp).sum(-1).numpy(), atol=1e-4)
        assert scored.logprobs.shape == scored.entropies.shape == (len(answer),)
    assert scoring.token_scores(model, [], 0) == []


def test_entropies_cost_no_second_pass_and_leave_logprobs_alone(model: Any, tokenizer: Any, data: StudyData) -> None:
    subject = LocalSubject(model, tokenizer)
    prompts = prompts_of(data)
    plain = subject.score(prompts, ["Rome is near"] * 5)
    passes: list[int] = []
    hook = model.base_model.register_forward_hook(lambda *_: passes.append(1))
    both = subject.score(prompts, ["Rome is near"] * 5, entropies=True)
    hook.remove()
    assert len(passes) == 1
    assert all(np.array_equal(a.logprobs, b.logprobs) for a, b in zip(plain, both, strict=True))
    assert all(scored.entropies is None for scored in plain)


@pytest.mark.parametrize(
    ("logits", "want"),
    [
        ([0.0, 0.0, 0.0, 0.0], math.log(4)),
        ([0.0, -math.inf, 0.0, -math.inf], math.log(2)),
        ([300.0, 0.0, -300.0, 0.0], 0.0),
    ],
)
def test_entropy_of_even_barred_and_certain_tokens(
    logits: list[float], want: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = torch.tensor([logits], requires_grad=True)
    monkeypatch.setattr(packing, "logits", lambda *_: shown)
    _, entropies = packing.scores(None, packing.Packed(*[torch.zeros(1, dtype=torch.long)] * 6))
    assert float(entropies) == pytest.approx(want, abs=1e-6)
    (gradient,) = torch.autograd.grad(entropies.sum(), shown)
    assert bool(gradient.isfinite().all()) or -math.inf in logits


@pytest.mark.parametrize("kind", ["qwen2", "llama"])
def test_tokens_add_up_to_options_and_texts(tokenizer: Any, data: StudyData, kind: str) -> None:
    subject = LocalSubject(make_model(len(tokenizer), kind), tokenizer)
    prompts, options = prompts_of(data), ["Paris", "no, never", ""]
    totals = subject.option_logprobs(prompts, [options] * len(prompts))
    for at, text in enumerate(options):
        scored = subject.score(prompts, [text] * len(prompts))
        assert [one.ids for one in scored] == [subject.renderer.ids(text + "<|im_end|>")] * len(prompts)
        assert [one.logprobs.sum() for one in scored] == pytest.approx([t[at] for t in totals], abs=1e-4)
        without = subject.score(prompts, [text] * len(prompts), end=False)
        assert [one.ids for one in without] == [subject.renderer.ids(text)] * len(prompts)
        for one, rest in zip(scored, without, strict=True):
            assert rest.logprobs == pytest.approx(one.logprobs[:-1], abs=1e-4)


def test_of_an_answer_with_a_beginning_only_the_rest_counts(model: Any, tokenizer: Any, data: StudyData) -> None:
    subject = LocalSubject(model, tokenizer)
    plain = prompts_of(data)
    begun = [prompt.model_copy(update={"begun": "The weather"}) for prompt in plain]
    whole = subject.score(plain, ["The weather in Rome"] * 5, entropies=True)
    rest = subject.score(begun, ["The weather in Rome"] * 5, entropies=True)
    for long, short in zip(whole, rest, strict=True):
        more = len(long.ids) - len(short.ids)
        assert long.ids == subject.renderer.begun_ids(begun[0]) + short.ids
        assert short.logprobs == pytest.approx(long.logprobs[more:], abs=1e-4)
        assert short.entropies == pytest.approx(long.entropies[more:], abs=1e-4)
    options = subject.option_logprobs(begun, [["The weather in Rome", "The weather"]] * 5)
    assert [o[0] for o in options] == pytest.approx([s.logprobs.sum() for s in rest], abs=1e-4)
    with pytest.raises(DataError, match="does not begin"):
        subject.score(begun, ["Rome"] * 5)


def test_what_a_model_wrote_is_scored_as_it_stands(model: Any, tokenizer: Any, data: StudyData) -> None:
    tokenizer.chat_template = BUILT_IN
    subject = LocalSubject(model, tokenizer)
    prompt = prompts_of(data)[0]
    ended, cut = subject.score([prompt] * 2, [Answer(" Rome"), Answer(" Rome", cut=True)])
    content = subject.score([prompt], ["Rome"])[0]
    assert ended.ids == content.ids
    assert ended.logprobs == pytest.approx(content.logprobs, abs=1e-4)
    assert cut.ids == content.ids[:-1], "a cut answer has no end"


def test_greedy_tokens_are_as_likely_as_their_entropies_demand(model: Any, tokenizer: Any, data: StudyData) -> None:
    """The likeliest token has at least the probability exp(-entropy), in nats: -ln p <= entropy."""
    subject = LocalSubject(model, tokenizer)
    prompts = [subject.renderer.prompt_ids(prompt) for prompt in prompts_of(data)]
    pairs = list(zip(prompts, subject.answer_ids(prompts, 6), strict=True))
    for scored in scoring.token_scores(model, pairs, 0, entropies=True):
        assert scored.entropies is not None
        assert len(scored.logprobs)
        assert np.all(-scored.logprobs <= scored.entropies + 1e-4)


def test_an_answer_longer_than_the_context_is_no_silent_figure(tokenizer: Any, data: StudyData) -> None:
    subject = LocalSubject(make_model(len(tokenizer), context=48), tokenizer)
    long = "sun moon " * 60
    with pytest.raises(ModelError, match="the model sees 48 in all"):
        subject.score(prompts_of(data), [long] * 5)
    with pytest.raises(ModelError, match="cannot be scored"):
        subject.option_logprobs(prompts_of(data)[:1], [["Rome", long]])
    assert len(subject.score(prompts_of(data), ["Rome"] * 5)) == 5
    assert subject.truncated == 5
