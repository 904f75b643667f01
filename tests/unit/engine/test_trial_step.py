"""A model that cannot be trained or scored here is refused in words; all others are left as they were."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.adaptations import lora
from engine.methods._settings import LoraSettings
from engine.run import execute
from engine.run.execute import Loaders
from engine.run.inspection import trial_step
from engine.run.inspection.trial_step import require, try_model
from engine.spec.errors import ModelError
from engine.spec.events import decode
from engine.spec.run import Use
from tests.support import zoo
from tests.support.tiny import make_spec

CONFIG = LoraSettings.model_validate({})


@pytest.mark.parametrize("kind", zoo.CAUSAL)
def test_a_causal_model_of_any_family_can_be_used_and_is_left_alone(kind: str) -> None:
    model = zoo.make(kind)
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    layers = [type(layer).__name__ for layer in model.modules()]
    state = torch.random.get_rng_state()
    assert try_model(model, zoo.Characters()) == ""
    assert [type(layer).__name__ for layer in model.modules()] == layers
    assert all(torch.equal(before[name], weight) for name, weight in model.named_parameters())
    assert all(weight.requires_grad and weight.grad is None for weight in model.parameters())
    assert not model.training
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("kind", zoo.SEEING_AHEAD)
def test_a_model_that_sees_what_comes_next_is_refused(kind: str) -> None:
    with pytest.raises(ModelError, match="no causal language model") as caught:
        require("bert-like", zoo.make(kind), zoo.Characters())
    assert "'bert-like'" in caught.value.message
    assert "Nothing was trained" in caught.value.hint


def test_a_model_whose_code_fails_is_refused_with_what_it_said(monkeypatch: pytest.MonkeyPatch) -> None:
    model = zoo.make("llama")

    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("\x1b[31mno such state\nsecond line")

    monkeypatch.setattr(type(model), "forward", fail)
    said = try_model(model, zoo.Characters())
    assert said.startswith("reading a text fails (KeyError: ")
    assert said.isprintable()


def test_a_lack_of_memory_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    model = zoo.make("llama")

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(type(model), "forward", fail)
    with pytest.raises(RuntimeError, match="allocate"):
        try_model(model, zoo.Characters())


def test_values_that_are_not_numbers_are_refused() -> None:
    model = zoo.make("llama")
    model.model.norm.weight.data.fill_(float("nan"))
    assert "not numbers" in try_model(model, zoo.Characters())


def test_a_model_without_layers_for_an_adapter_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    every = [name for name, layer in zoo.make("llama").named_modules() if isinstance(layer, torch.nn.Linear)]
    monkeypatch.setattr(lora, "_left_alone", lambda _: every)
    assert try_model(zoo.make("llama"), zoo.Characters()).startswith("LoRA cannot adapt its layers (")


def test_weights_that_are_read_past_their_layer_get_no_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mamba multiplies with the weight of `dt_proj` itself: an adapter there would act in answers, not in training."""
    tuned = lora.attach(zoo.make("mamba"), CONFIG, 0)
    assert not [name for name, _ in tuned.named_parameters() if "dt_proj.lora" in name]
    monkeypatch.setattr(lora, "_left_alone", lambda _: ["out_proj", "conv1d"])
    assert "not seen in training as in answering" in try_model(zoo.make("mamba"), zoo.Characters())


def test_a_batch_that_changes_a_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = zoo.make("llama")
    plain = type(model).forward

    def shifted(self: Any, *args: Any, input_ids: Any = None, **kwargs: Any) -> Any:
        out = plain(self, *args, input_ids=input_ids, **kwargs)
        out.logits = out.logits + len(input_ids)
        return out

    monkeypatch.setattr(type(model), "forward", shifted)
    assert "depends on the other texts" in try_model(model, zoo.Characters())


def test_short_contexts_are_tried_within_them() -> None:
    assert try_model(zoo.make("gpt2", n_positions=20), zoo.Characters()) == ""
    assert len(trial_step._words(zoo.make("gpt2", n_positions=20), zoo.Characters())) == 20


def test_the_lab_refuses_such_a_model_as_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine import models
    from engine.run import shared

    monkeypatch.setattr(models, "load", lambda ref, device: (zoo.make("bert"), zoo.Characters()))
    with pytest.raises(ModelError, match="no causal language model"):
        shared.Shared(make_spec().model)


@pytest.mark.parametrize("kind", ["mamba", "rwkv", "recurrent_gemma", "jamba", "gpt_neo", "bloom", "gemma2", "mixtral"])
def test_a_whole_run_on_an_unusual_model(kind: str, loaders: Any, tmp_path: Path) -> None:
    def load(ref: Any, device: str) -> tuple[Any, Any]:
        _, tokenizer = loaders.model(ref, device)
        return zoo.make(kind, len(tokenizer)), tokenizer

    settings = {"samples": 2, "max_new_tokens": 12, "temperature": 2.0, "unreadable": True, "pairs": 8}
    probes = (Use(name="calls", settings={"max_new_tokens": 6}), "forgetting")
    spec = make_spec("sft-dpo", settings=settings, steps=3, items=4, live_items=2, live_every=2, probes=probes)
    execute.execute(spec, tmp_path, threading.Event(), Loaders(model=load, data=loaders.data))
    events = [decode(line) for line in (tmp_path / "events.ndjson").read_bytes().splitlines()]
    assert [event.step for event in events if event.kind == "stepped"][:2] == [1, 2]
    assert events[-1].kind == "finished"
    assert all(event.ok for event in events if event.kind == "checked"), [e for e in events if e.kind == "checked"]
