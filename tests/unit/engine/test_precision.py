"""One precision for all trained runs of a trial, whatever their arm and seed, and for a run wherever it goes on."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.adaptations import lora
from engine.methods._settings import LoraSettings
from engine.run import execute
from engine.run.shared import Shared
from engine.spec.events import decode
from engine.spec.stopping import Stopped
from engine.subject.forward import kernels
from engine.subject.local import renderer_of
from engine.tuning import precision
from engine.tuning.precision import Seen
from tests.support.tiny import make_data, make_model, make_spec


@pytest.fixture(autouse=True)
def hardware_with_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "has_bfloat16", lambda device: True)


def decided(model: Any, tokenizer: Any, batch_size: int = 4) -> precision.Trial:
    renderer = renderer_of(model, tokenizer)
    return precision.decide(model, make_data().train, renderer.encode, batch_size, renderer.pad_id)


def test_a_decision_repeats_and_leaves_the_model_and_every_random_state_alone(tokenizer: Any) -> None:
    model = make_model(len(tokenizer))
    weights = {name: weight.clone() for name, weight in model.named_parameters()}
    layers = [type(layer) for layer in model.modules()]
    state = torch.random.get_rng_state()
    first = decided(model, tokenizer)
    assert first.ok
    assert "6 fixed losses" in first.detail, "three batches, both objectives"
    torch.manual_seed(5)
    assert decided(model, tokenizer) == first
    torch.random.set_rng_state(state)
    assert decided(model, tokenizer) == first
    assert torch.equal(torch.random.get_rng_state(), state)
    assert [type(layer) for layer in model.modules()] == layers
    assert not hasattr(model, "peft_config")
    assert all(torch.equal(weights[name], weight) for name, weight in model.named_parameters())
    assert all(weight.requires_grad and weight.grad is None for weight in model.parameters())


@pytest.mark.parametrize("wrong", [Seen(0.03, 1.0), Seen(0.0, 0.98), Seen(float("inf"), 1.0), Seen(0.0, -1.0)])
def test_the_worst_of_all_decides(wrong: Seen) -> None:
    fine = Seen(0.001, 0.9999)
    assert precision.conclude([fine, fine]).ok
    assert not precision.conclude([fine, wrong, fine]).ok


def test_a_pairwise_loss_alone_can_refuse(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = precision.losses.preference
    calls: list[bool] = []

    def rough(*given: Any) -> Any:
        calls.append(len(calls) % 2 == 1)  # each batch in float32, then in bfloat16
        preferred, imitated = plain(*given)
        return (preferred * 1.5 if calls[-1] else preferred), imitated

    monkeypatch.setattr(precision.losses, "preference", rough)
    assert not decided(make_model(len(tokenizer)), tokenizer).ok
    assert len(calls) == 2 * precision.BATCHES


@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_preference_that_is_turned_round_refuses_whatever_the_batch(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch, batch_size: int
) -> None:
    """The value stays; only the gradient shows it. Of a pair of equal answers there would be none."""
    plain = precision.losses.preference
    calls: list[bool] = []

    def turned(*given: Any) -> Any:
        calls.append(len(calls) % 2 == 1)
        preferred, imitated = plain(*given)
        return (2 * preferred.detach() - preferred if calls[-1] else preferred), imitated

    monkeypatch.setattr(precision.losses, "preference", turned)
    assert not decided(make_model(len(tokenizer)), tokenizer, batch_size).ok


def test_where_all_answers_are_one_sft_alone_is_tried(tokenizer: Any) -> None:
    model = make_model(len(tokenizer))
    renderer = renderer_of(model, tokenizer)
    found = precision.decide(model, make_data().train[:1] * 8, renderer.encode, 4, renderer.pad_id)
    assert found.ok
    assert "2 fixed losses" in found.detail


def test_values_that_are_no_numbers_refuse() -> None:
    weight = torch.ones(2, requires_grad=True)
    found = precision.compare(lambda half: (weight * (float("nan") if half else 1.0)).sum(), [weight])
    assert not precision.conclude([found]).ok


def test_without_the_hardware_nothing_is_tried(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "has_bfloat16", lambda device: False)
    assert decided(make_model(len(tokenizer)), tokenizer) == precision.Trial(False, "")


def test_all_arms_and_seeds_share_one_decision(tmp_path: Path, loaders: Any) -> None:
    notes = set()
    shared = Shared(make_spec().model, loaders)
    found = shared.precision(make_spec())
    for method, seed, settings in (("sft", 0, {}), ("sft", 3, {"rank": 2}), ("shuffled", 1, {})):
        folder = tmp_path / f"{method}-{seed}"
        spec = make_spec(method, seed=seed, settings=settings, steps=2)
        execute.execute(spec, folder, threading.Event(), loaders)
        events = [decode(line) for line in (folder / "events.ndjson").read_bytes().splitlines()]
        notes |= {event.detail for event in events if event.kind == "noted" and event.name == "precision"}
        assert json.loads((folder / "precision.json").read_text())["half"] is found.ok
    assert notes == {found.detail}


def test_a_run_goes_on_as_it_began(tmp_path: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that would decide otherwise, too."""
    stop = threading.Event()
    spec = make_spec(steps=6, live_items=0)
    train = execute.train

    def stopped(run: Any, resume: Any) -> None:
        stop.set()
        train(run, resume)

    monkeypatch.setattr(execute, "train", stopped)
    with pytest.raises(Stopped):
        execute.execute(spec, tmp_path, stop, loaders)
    monkeypatch.setattr(execute, "train", train)
    assert json.loads((tmp_path / "precision.json").read_text())["half"] is True
    halves = []
    plain = execute.Training

    def spied(**fields: Any) -> Any:
        halves.append(fields["half"])
        return plain(**fields)

    monkeypatch.setattr(execute, "Training", spied)
    monkeypatch.setattr(precision, "decide", lambda *_: precision.Trial(False, "Trained in float32."))
    execute.execute(spec, tmp_path, threading.Event(), loaders)
    assert halves == [True]


def test_an_adapter_that_was_attached_for_a_trial_is_gone_after_an_error(tokenizer: Any) -> None:
    model = make_model(len(tokenizer))
    layers = [type(layer) for layer in model.modules()]
    with pytest.raises(ZeroDivisionError), lora.attached(model, LoraSettings.model_validate({}), 0):
        _ = 1 / 0
    assert [type(layer) for layer in model.modules()] == layers
