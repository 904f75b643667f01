"""Ids before every text, also beyond the vocabulary, are read wherever a model is decoded, scored or trained."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from engine.run import checks
from engine.spec.errors import ModelError
from engine.spec.example import Prompt, StudyData
from engine.subject import decoding, scoring
from engine.subject.forward import packing
from engine.subject.limits import Limits
from engine.subject.local import LocalSubject, renderer_of
from engine.subject.rendering import Renderer
from tests.support import zoo
from tests.support.tiny import make_model

SOFT = 5  # virtual tokens


class Extended(torch.nn.Module):
    """An input embedding with further, trained rows: it has no `weight` of its own."""

    def __init__(self, plain: Any) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.plain, self.first = plain, plain.weight.shape[0]
        self.more = torch.nn.Parameter(torch.randn(SOFT, plain.weight.shape[1], generator=generator))

    def forward(self, ids: Tensor) -> Tensor:
        soft = ids >= self.first
        found = self.plain(torch.where(soft, 0, ids))
        return torch.where(soft[..., None], self.more[torch.where(soft, ids - self.first, 0)].to(found.dtype), found)


def extended(model: Any) -> tuple[Any, tuple[int, ...]]:
    """The model with a soft prompt, and its ids."""
    made = Extended(model.get_input_embeddings())
    model.set_input_embeddings(made)
    return model, tuple(range(made.first, made.first + SOFT))


def soft_logits(model: Any, ids: tuple[int, ...]) -> Tensor:
    """[length, vocabulary], from embeddings instead of ids."""
    with torch.inference_mode():
        return model(inputs_embeds=model.get_input_embeddings()(torch.tensor([ids])), use_cache=False).logits[0]


def test_a_prefix_stands_before_every_prompt_and_is_never_cut(tokenizer: Any, data: StudyData) -> None:
    plain, prompt = Renderer(tokenizer, 64), data.train[0].prompt
    soft = plain.with_prefix((900, 901, 902))
    assert plain.prefix == ()
    assert soft.prompt_ids(prompt) == (900, 901, 902, *plain.prompt_ids(prompt))
    assert soft.prompt_text(prompt) == plain.prompt_text(prompt)
    assert soft.with_prefix(()).prompt_ids(prompt) == plain.prompt_ids(prompt)
    row = soft.fit(soft.prompt_ids(prompt), range(8))
    assert row.prompt[:3] == (900, 901, 902)
    assert len(row.prompt) + len(row.completion) == 64
    assert row.prompt[3:] == plain.prompt_ids(prompt)[-53:]
    assert row.cut == len(soft.prompt_ids(prompt)) - len(row.prompt) > 0
    tight = soft.fit(soft.prompt_ids(prompt), range(100))
    assert tight.prompt == (900, 901, 902, plain.prompt_ids(prompt)[-1])
    assert (len(tight.completion), tight.lost) == (60, 40)
    assert soft.room(1000) == 61 - 61 // 4


def test_a_prompt_without_the_prefix_is_a_bug(tokenizer: Any, data: StudyData) -> None:
    soft = Renderer(tokenizer, 64).with_prefix((900,))
    with pytest.raises(ValueError, match="prefix"):
        soft.fit(range(20), range(3))


def test_a_prefix_that_leaves_no_room_is_refused(tokenizer: Any) -> None:
    renderer = Renderer(tokenizer, 16)
    assert renderer.with_prefix(range(14)).room(9) == 1
    with pytest.raises(ModelError, match="leaves no room"):
        renderer.with_prefix(range(15))


def test_limits_count_the_prefix(tokenizer: Any, data: StudyData) -> None:
    limits, renderer = Limits.of_data(data), Renderer(tokenizer, 512)
    assert limits.of(renderer.with_prefix(range(30))).prompt == limits.of(renderer).prompt + 30
    assert limits.of(renderer).prompt == limits.of(renderer).prompt


@pytest.mark.parametrize("kind", ["qwen2", "llama"])
def test_answers_scores_and_texts_are_those_after_the_soft_prompt(tokenizer: Any, data: StudyData, kind: str) -> None:
    model, ids = extended(make_model(len(tokenizer), kind))
    renderer = renderer_of(model, tokenizer).with_prefix(ids)
    subject = LocalSubject(model, tokenizer, renderer=renderer)
    prompts = [example.prompt for example in data.train[:4]] + [Prompt(messages=({"role": "user", "content": "sun"},))]
    answers = subject.generate(prompts, 5)
    scored = subject.score(prompts, ["Rome"] * 5, entropies=True)
    for prompt, answer, one in zip(prompts, answers, scored, strict=True):
        shown = [*renderer.prompt_ids(prompt)]
        for _ in range(5):
            logits = soft_logits(model, tuple(shown))
            assert logits.shape[-1] == len(tokenizer)
            shown.append(int(logits[-1].argmax()))
        said = renderer.text(shown[len(renderer.prompt_ids(prompt)) :])
        assert said.startswith(answer.text)
        start = renderer.prompt_ids(prompt)
        logp = soft_logits(model, start + one.ids).log_softmax(-1)[len(start) - 1 : -1]
        assert one.logprobs == pytest.approx(logp[range(len(one.ids)), list(one.ids)].numpy(), abs=1e-4)
        assert one.entropies == pytest.approx(-(logp.exp() * logp).sum(-1).numpy(), abs=1e-4)
    (nll, count), (bare, same) = (
        s.text_nll(["The sea is near."])[0] for s in (subject, LocalSubject(model, tokenizer))
    )
    text = renderer.ids("The sea is near.")
    logp = soft_logits(model, ids + text).log_softmax(-1)
    want = -sum(float(logp[SOFT + at, token]) for at, token in enumerate(text[1:]))
    assert nll == pytest.approx(want, abs=1e-4)
    assert count == same == len(text) - 1
    assert abs(nll - bare) > 1e-3, "the soft prompt is seen"


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gpt_neox", "gemma2", "mistral", "opt", "mamba"])
def test_every_kind_of_model_reads_ids_beyond_its_vocabulary(kind: str) -> None:
    model = zoo.make(kind)
    before = decoding.way_of(model), packing.layout_of(zoo.make(kind)).longest
    model, ids = extended(model)
    assert packing.layout_of(model).longest == before[1]
    assert packing.words_of(model) == zoo.WORDS
    del decoding._known[model]
    assert decoding.way_of(model) is before[0], "tried anew with the other embedding"
    prompts = [(*ids, 7, 8, 9), (*ids, 11)]
    with torch.inference_mode():
        got = decoding.decode(model, prompts, 4, lambda logits: logits.argmax(-1), 1, 0, frozenset())
    totals = scoring.completion_logprobs(
        model, [(prompt, found.ids) for prompt, found in zip(prompts, got, strict=True)], 0
    )
    for prompt, found, total in zip(prompts, got, totals, strict=True):
        logits = soft_logits(model, (*prompt, *found.ids))[len(prompt) - 1 : -1]
        assert logits.shape[-1] == zoo.WORDS
        assert found.ids == logits.argmax(-1).tolist()
        want = logits.log_softmax(-1)[range(4), found.ids].sum()
        assert total == pytest.approx(float(want), abs=1e-3)


def test_a_prefix_that_is_taken_away_changes_the_answers(model: Any, tokenizer: Any, data: StudyData) -> None:
    model, ids = extended(model)
    plain = renderer_of(model, tokenizer)
    soft = plain.with_prefix(ids)
    prompts = [example.prompt for example in data.train[:6]]
    with_it, without = (LocalSubject(model, tokenizer, renderer=r).generate(prompts, 6) for r in (soft, plain))
    assert with_it != without
    on, off = (checks.logits(model, r, prompts) for r in (soft, plain))
    assert all(not torch.equal(a, b) for a, b in zip(on, off, strict=True))


def test_gradients_reach_the_soft_prompt_through_packed_rows(model: Any, tokenizer: Any) -> None:
    model, ids = extended(model)
    blocks = [packing.Block((*ids, 4, 5), ((7, 8), (9,))), packing.Block((*ids, 6), ((8, 8),))]
    more = model.get_input_embeddings().more
    batches = (packing._plain(blocks, 0), packing._together([[0, 1]], blocks, 0))
    found = [torch.autograd.grad(-packing.logprobs(model, batch).mean(), more)[0] for batch in batches]
    assert float(found[0].norm()) > 0
    assert float((found[0] - found[1]).norm() / found[0].norm()) < 1e-5


def test_a_soft_prompt_that_peft_adds_itself_is_refused_and_not_dropped(model: Any, tokenizer: Any) -> None:
    from peft import PromptTuningConfig, get_peft_model

    tuned = get_peft_model(model, PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4))
    subject = LocalSubject(tuned, tokenizer)
    asked = [Prompt(messages=({"role": "user", "content": "sun"},))]
    with pytest.raises(ModelError, match="soft prompt"):
        subject.option_logprobs(asked, [["Rome"]])
    with pytest.raises(ModelError, match="soft prompt"):
        subject.generate(asked, 3)
