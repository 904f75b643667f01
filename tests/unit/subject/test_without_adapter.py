"""A tuned model's base beside it: the same memory, the same bits, whatever becomes of the adapter."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch

from engine.adaptations import _quick_lora, lora
from engine.methods._settings import LoraSettings
from engine.spec.errors import ModelError
from engine.spec.example import StudyData
from engine.subject.ensemble import WeightedModels
from engine.subject.local import LocalSubject
from engine.subject.without_adapter import without_adapter
from tests.support import zoo
from tests.support.tiny import make_model

IDS = torch.arange(3, 25)[None]


def tuned_of(model: Any) -> Any:
    tuned = lora.attach(model, LoraSettings(rank=4, alpha=8), 0)
    for name, weights in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=0.05, generator=torch.Generator().manual_seed(1))
    _quick_lora.quicken(tuned)
    return tuned


@torch.inference_mode()
def logits(model: Any) -> torch.Tensor:
    return model(input_ids=IDS, use_cache=False).logits


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gpt2", "gpt_neox", "gemma2", "opt", "mixtral"])
def test_it_is_the_base_to_the_bit_in_the_same_memory(kind: str) -> None:
    fresh, model = zoo.make(kind), zoo.make(kind)
    names = {name: weight.data_ptr() for name, weight in model.named_parameters()}
    tuned = tuned_of(model)
    plain = without_adapter(tuned)
    assert type(plain) is type(fresh)
    assert torch.equal(logits(plain), logits(fresh))
    assert not torch.equal(logits(tuned), logits(fresh)), "the adapter is still there"
    assert {name: weight.data_ptr() for name, weight in plain.named_parameters()} == names
    assert not any("lora" in name for name, _ in plain.named_modules())
    assert not any(weight.requires_grad for weight in plain.parameters())


def test_folding_the_adapter_in_leaves_the_base_alone() -> None:
    fresh, tuned = zoo.make("llama"), tuned_of(zoo.make("llama"))
    plain = without_adapter(tuned)
    before = logits(tuned)
    with lora.folded(tuned):
        assert torch.equal(logits(plain), logits(fresh))
        assert float((logits(tuned.get_base_model()) - before).abs().max()) < 1e-4
        with pytest.raises(ModelError, match="folded"):
            without_adapter(tuned)
    assert torch.equal(logits(tuned), before)


def test_an_expert_and_its_base_are_two_terms_of_one_sum(tokenizer: Any, data: StudyData) -> None:
    large, tuned = make_model(len(tokenizer), "llama"), tuned_of(make_model(len(tokenizer)))
    plain = without_adapter(tuned)
    asked = [example.prompt for example in data.train[:5]]
    ids = torch.tensor([LocalSubject(large, tokenizer).renderer.prompt_ids(asked[0])])
    with torch.inference_mode():
        with tuned.disable_adapter():
            off = tuned(input_ids=ids, use_cache=False).logits
        on, base = (model(input_ids=ids, use_cache=False).logits for model in (tuned, large))
        models = WeightedModels([(1, large), (0.5, tuned), (-0.5, plain)], len(tokenizer))
        assert torch.equal(models(input_ids=ids).logits, base + (on - off) * 0.5)
    said = LocalSubject(models, tokenizer).generate(asked, 8)
    with lora.folded(tuned):
        quick = WeightedModels([(1, large), (0.5, tuned.get_base_model()), (-0.5, plain)], len(tokenizer))
        assert LocalSubject(quick, tokenizer).generate(asked, 8) == said
    assert said != LocalSubject(large, tokenizer).generate(asked, 8)


def test_a_tuned_model_and_the_model_inside_it_would_cancel_and_are_refused() -> None:
    tuned = tuned_of(zoo.make("qwen2"))
    with pytest.raises(ModelError, match="Two of the models are one"):
        WeightedModels([(1, zoo.make("llama")), (1, tuned), (-1, tuned.get_base_model())], zoo.WORDS)


def test_training_goes_on_where_the_base_was_taken() -> None:
    tuned = tuned_of(zoo.make("llama"))
    tuned.train()
    wanted = {name for name, weight in tuned.named_parameters() if weight.requires_grad}
    without_adapter(tuned)
    assert tuned.training
    assert {name for name, weight in tuned.named_parameters() if weight.requires_grad} == wanted


def test_a_base_that_predicts_otherwise_is_refused() -> None:
    tuned = tuned_of(zoo.make("llama"))
    head, numbers = tuned.get_base_model().lm_head, itertools.count(1)
    plain = type(head).forward
    head.forward = lambda x: plain(head, x) * next(numbers)  # as a hook that keeps a state of its own
    with pytest.raises(ModelError, match="does not predict"):
        without_adapter(tuned)
