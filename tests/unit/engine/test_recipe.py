"""The recipe, on a tiny random model."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from engine.adaptations import lora
from engine.methods import method_class
from engine.methods._settings import LoraSettings
from engine.methods.base import Base
from engine.objectives.sft import LeanSFT
from engine.run import execute
from engine.run.execute import Loaders
from engine.spec.errors import Diverged, OutOfMemory, RunError, SpecError
from engine.spec.events import decode
from engine.spec.example import StudyData
from engine.subject.protocol import Answer
from engine.tuning import loop
from tests.support.tiny import make_model, make_spec

DPO = {"pairs": 12, "samples": 4, "temperature": 1.5, "unreadable": True, "max_new_tokens": 40}


def run(folder: Path, loaders: Any, method: str = "sft", **more: Any) -> list[Any]:
    execute.execute(make_spec(method, **more), folder, threading.Event(), loaders)
    return [decode(line) for line in (folder / "events.ndjson").read_bytes().splitlines()]


def of(events: list[Any], kind: str) -> list[Any]:
    return [event for event in events if event.kind == kind]


def losses(events: list[Any]) -> list[float]:
    return [event.loss for event in of(events, "stepped")]


def test_a_run_tells_its_whole_story(tmp_path: Path, loaders: Any) -> None:
    events = run(tmp_path, loaders)
    assert [e.seq for e in events] == list(range(len(events)))
    assert events[0].kind == "started"
    assert events[0].total_steps == 12
    assert [e.step for e in of(events, "stepped")] == list(range(1, 13))
    assert [e.step for e in of(events, "probed") if e.stage == "after"] == [12]
    assert {e.name for e in of(events, "checked")} == {"greedy", "adapter-on", "adapter-off", "template", "overlap"}
    assert all(e.ok for e in of(events, "checked")), of(events, "checked")
    assert events[-1].kind == "finished"
    assert len(events[-1].adapter) == 64
    assert (tmp_path / "adapter" / "adapter_model.safetensors").exists()
    assert losses(events)[-1] < losses(events)[0]


def test_the_base_only_measures(tmp_path: Path, loaders: Any) -> None:
    events = run(tmp_path, loaders, "base")
    assert events[0].kind == "started"
    assert events[0].total_steps == 0
    assert not of(events, "stepped")
    assert len(of(events, "probed")[-1].outcomes) == 6
    assert {e.name for e in of(events, "checked")} == {"greedy", "template", "overlap"}
    assert events[-1].adapter == ""


def test_an_arm_that_trains_nothing_has_its_own_live_point_and_not_the_bases(
    tmp_path: Path, loaders: Any, data: StudyData, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = {str(item.prompt.messages): item.gold for item in data.items}

    class Knowing:
        """Gives every right call."""

        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def generate(self, prompts: Any, max_new_tokens: int) -> list[Answer]:
            return [Answer(said(right.get(str(prompt.messages)))) for prompt in prompts]

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

    def said(gold: Any) -> str:
        if gold is None or not gold.calls:
            return ""
        call = gold.calls[0]
        return json.dumps({"name": call["name"], "arguments": {k: v[0] for k, v in call["arguments"].items()}})

    monkeypatch.setattr(Base, "answerer", lambda self, kit: Knowing(kit.subject))
    events = run(tmp_path, loaders, "base", live_items=6, probes=("calls",))
    (live,) = (e for e in of(events, "probed") if e.stage == "live")
    after = next(e for e in of(events, "probed") if e.stage == "after" and e.probe == live.probe)
    assert live.step == 0
    assert live.metrics == {name: after.metrics[name] for name in live.metrics}, "here the sample is every item"
    assert live.metrics["accuracy"] == 1.0, "the base itself, an untrained model, is never right"
    trained = run(tmp_path / "trained", loaders, "sft", live_items=6, probes=("calls",))
    assert next(e.step for e in of(trained, "probed") if e.stage == "live") == 0, "the base's, where its curve begins"


def test_sft_then_dpo(tmp_path: Path, loaders: Any) -> None:
    events = run(tmp_path, loaders, "sft-dpo", settings=DPO)
    assert [e.phase for e in of(events, "stepped")] == ["sft"] * 8 + ["dpo"] * 4
    notes = {e.name: e.detail for e in of(events, "noted")}
    assert "12 verified wrong answers" in notes["preferences"]
    assert (tmp_path / "rows-1.jsonl").exists()
    # The reference is the policy itself as DPO begins: its first loss is log 2 plus the SFT term.
    first = of(events, "stepped")[8]
    assert first.loss > 0.69


def test_arms_of_a_seed_begin_alike(tmp_path: Path, loaders: Any) -> None:
    sft = run(tmp_path / "a", loaders, "sft")
    dpo = run(tmp_path / "b", loaders, "sft-dpo", settings=DPO)
    other = run(tmp_path / "c", loaders, "sft", seed=1)
    assert losses(sft)[0] == losses(dpo)[0]
    assert losses(sft)[0] != losses(other)[0]


def test_the_same_run_is_the_same_to_the_bit_with_and_without_live_probes(tmp_path: Path, loaders: Any) -> None:
    quiet = run(tmp_path / "a", loaders, live_items=0)
    chatty = run(tmp_path / "b", loaders, "sft", live_every=1, live_items=6, probes=("calls",))
    again = run(tmp_path / "c", loaders)
    assert losses(quiet) == losses(chatty) == losses(again)
    assert quiet[-1].adapter == chatty[-1].adapter == again[-1].adapter


def test_generating_while_training_disturbs_nothing(
    tmp_path: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Live probes that generate and sample, which the tiny study's do not."""
    from engine.probes.forgetting import Forgetting

    calm = run(tmp_path / "a", loaders)
    own = Forgetting.measure

    def measure(self: Any, kit: Any, items: Any) -> Any:
        prompts = [item.prompt for item in items]
        kit.subject.generate(prompts, 4)
        kit.subject.sample(prompts, 2, 1.0, 0, 4)
        kit.subject.option_logprobs(prompts, [["a", "b"]] * len(prompts))
        return own(self, kit, items)

    monkeypatch.setattr(Forgetting, "measure", measure)
    monkeypatch.setattr(Forgetting, "live", ("nll",))
    busy = run(tmp_path / "b", loaders, live_every=1)
    assert len([e for e in of(busy, "probed") if e.stage == "live"]) == 13
    assert losses(busy) == losses(calm)
    assert busy[-1].adapter == calm[-1].adapter


def test_no_wrong_answer_is_a_clear_failure(tmp_path: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.objectives._negatives._sort", lambda *_: ["wrong"])
    with pytest.raises(RunError, match="no verified wrong answer") as caught:
        run(tmp_path, loaders, "sft-dpo", settings=DPO)
    assert "temperature" in caught.value.hint


def test_a_loss_that_is_no_number_is_a_divergence(tmp_path: Path, loaders: Any) -> None:
    broken = Loaders(model=lambda ref, device: _broken(loaders.model(ref, device)), data=loaders.data)
    with pytest.raises(Diverged, match="at step 1") as caught:
        run(tmp_path, broken)
    assert "look at the objective and the data" in caught.value.hint


def _broken(pair: tuple[Any, Any]) -> tuple[Any, Any]:
    pair[0].model.norm.weight.data.fill_(float("inf"))
    return pair


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")]
)
def test_a_lack_of_memory_names_the_batch_size(
    tmp_path: Path, loaders: Any, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(LeanSFT, "compute_loss", fail)
    with pytest.raises(OutOfMemory) as caught:
        run(tmp_path, loaders)
    assert "batch size (now 4)" in caught.value.hint


def test_other_runtime_errors_stay_bugs(tmp_path: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(LeanSFT, "compute_loss", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        run(tmp_path, loaders)


def test_settings_that_do_not_fit_are_a_spec_error(tmp_path: Path, loaders: Any) -> None:
    spec = make_spec()
    wrong = spec.tune.method.model_copy(update={"settings": {"rank": 0}})
    tune = spec.tune.model_copy(update={"method": wrong})
    with pytest.raises(SpecError, match="rank"):
        execute.execute(spec.model_copy(update={"tune": tune}), tmp_path, threading.Event(), loaders)


def test_what_is_cut_is_noted(tmp_path: Path, loaders: Any) -> None:
    def load(ref: Any, device: str) -> tuple[Any, Any]:
        _, tokenizer = loaders.model(ref, device)
        return make_model(len(tokenizer), context=60), tokenizer

    notes = {e.name: e.detail for e in of(run(tmp_path, Loaders(model=load, data=loaders.data)), "noted")}
    assert "40 of 40 prompts were cut from the left" in notes["long-examples"]


@pytest.mark.parametrize(
    ("share", "steps", "want"), [(0.33, 150, [100, 50]), (0.33, 2, [1, 1]), (0.99, 10, [1, 9]), (0.01, 10, [9, 1])]
)
def test_phases_fill_the_run(share: float, steps: int, want: list[int]) -> None:
    cls = method_class("sft-dpo")
    plan = loop.stretches_of(cls(cls.Config.model_validate({"dpo_share": share})), steps)
    assert [stretch.steps for stretch in plan] == want
    assert [stretch.first for stretch in plan] == [0, want[0]]


def test_too_few_steps_for_the_phases_is_said() -> None:
    cls = method_class("sft-dpo")
    with pytest.raises(SpecError, match="too few"):
        loop.stretches_of(cls(cls.Config()), 1)


def test_the_first_weights_depend_on_the_seed_alone(tokenizer: Any) -> None:
    import torch

    made = []
    for seed, noise in ((0, 1), (0, 2), (1, 1)):
        torch.manual_seed(noise)
        tuned = lora.attach(make_model(len(tokenizer)), LoraSettings.model_validate({}), seed)
        made.append(next(w for n, w in tuned.named_parameters() if "lora_A" in n))
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])
