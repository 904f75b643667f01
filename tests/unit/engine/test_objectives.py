"""Our losses are TRL's own, to 1e-5 over 20 steps, on the same data in the same order."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from engine.adaptations import lora
from engine.adaptations.lora import Lora
from engine.methods._settings import LoraSettings
from engine.objectives import Kit, Objective
from engine.objectives import _pairs as preferences
from engine.objectives._trainer import Pace, arguments
from engine.objectives.dpo import Dpo
from engine.objectives.sft import Sft
from engine.spec.example import Preference, StudyData
from engine.subject.local import renderer_of
from tests.support.tiny import make_model

STEPS, BATCH = 20, 4
CONFIG = LoraSettings(rank=4, alpha=8)
PACE = Pace(0.0, 0.05, 1.0)


class Losses(TrainerCallback):
    """What plain TRL logs as its loss, step by step."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if "loss" in logs:
            self.seen.append(logs["loss"])


class Steps(TrainerCallback):
    """What our trainers leave behind after each step."""

    trainer: Any

    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.seen.append(float(self.trainer.last_loss))


def plain(
    kind: type, cls: type, folder: Path, model: Any, tokenizer: Any, rows: list[dict], rate: float, **more: Any
) -> list[float]:
    """TRL as it comes, fed one example after the other."""

    class InOrder(cls):  # type: ignore[misc, valid-type]
        def _get_train_sampler(self, dataset: Any = None) -> Any:
            return torch.utils.data.SequentialSampler(self.train_dataset)

    args = kind(
        output_dir=str(folder), per_device_train_batch_size=BATCH, max_steps=STEPS, learning_rate=rate,
        warmup_steps=round(PACE.warmup * STEPS), lr_scheduler_type="linear", max_grad_norm=PACE.max_grad_norm,
        bf16=False, use_cpu=True, logging_steps=1, report_to="none", save_strategy="no", seed=3,
        gradient_checkpointing=False, disable_tqdm=True, **more,
    )  # fmt: skip
    losses = Losses()
    trainer = InOrder(
        model=model, args=args, train_dataset=Dataset.from_list(rows), processing_class=tokenizer, callbacks=[losses]
    )
    trainer.train()
    return losses.seen


def kit_of(folder: Path, model: Any, renderer: Any) -> Kit:
    """A kit for rows that are there already."""
    return Kit(
        folder=folder, phase=0, seed=3, batch_size=BATCH, examples=(), encoded=(), pool=(), model=model,
        renderer=renderer, policy=nullcontext, order=lambda rows, chunk: [], needs={}, note=lambda *_: None,
        check=lambda *_: None,
    )  # fmt: skip


def ours(kit: Kit, objective: Objective[Any], rows: list[Any], order: list[list[int]], rate: float) -> list[float]:
    pace = PACE._replace(learning_rate=rate)
    args = arguments(objective.Arguments, kit.folder, pace, STEPS, BATCH, kit.seed, "cpu", **objective.arguments())
    trainer = objective.trainer(kit, rows, order, args)
    trainer.adaptation = Lora(CONFIG)
    steps = Steps()
    steps.trainer = trainer
    trainer.add_callback(steps)
    trainer.train()
    return steps.seen


@pytest.mark.parametrize("kind", ["qwen2", "llama"])
def test_sft_is_trl(tmp_path: Path, tokenizer: Any, data: StudyData, kind: str) -> None:
    renderer = renderer_of(make_model(len(tokenizer), kind), tokenizer)
    rows = [renderer.encode(example) for example in data.train]
    order = [[(step * BATCH + at) % len(rows) for at in range(BATCH)] for step in range(STEPS)]
    dataset = [
        {"prompt": renderer.prompt_text(e.prompt), "completion": renderer.answer_text(e.prompt, e.answer)}
        for batch in order for e in (data.train[at] for at in batch)
    ]  # fmt: skip
    tuned = lora.attach(make_model(len(tokenizer), kind), CONFIG, 3)
    sft = Sft(Sft.Config())
    got = ours(kit_of(tmp_path / "ours", tuned, renderer), sft, rows, order, 5e-3)
    reference = lora.attach(make_model(len(tokenizer), kind), CONFIG, 3)
    want = plain(SFTConfig, SFTTrainer, tmp_path / "trl", reference, tokenizer, dataset, 5e-3)
    assert got == pytest.approx(want, abs=1e-5)
    assert got[-1] < got[0] - 0.1


@pytest.mark.parametrize("weight", [0.0, 0.7])
def test_dpo_is_trl(tmp_path: Path, tokenizer: Any, data: StudyData, weight: float) -> None:
    """The reference is the adapter as it stands when DPO begins, which is not the base."""
    base = make_model(len(tokenizer))
    renderer = renderer_of(base, tokenizer)
    tuned = lora.attach(base, CONFIG, 3)
    for name, weights in tuned.named_parameters():
        if "lora_B" in name:  # as though SFT had moved it
            torch.nn.init.normal_(weights, std=0.02, generator=torch.Generator().manual_seed(1))
    reference = copy.deepcopy(tuned)
    pairs = [
        Preference(
            prompt=e.prompt, chosen=e.answer, rejected=f"<tool_call>{at}</tool_call> no", failure="unreadable call"
        )
        for at, e in enumerate(data.train[:24])
    ]
    kit = kit_of(tmp_path / "ours", tuned, renderer)
    rows = preferences.refer(preferences.encode(pairs, renderer), kit)
    order = [[(step * BATCH + at) % len(rows) for at in range(BATCH)] for step in range(STEPS)]
    dataset = [
        {
            "prompt": renderer.prompt_text(p.prompt), "chosen": renderer.answer_text(p.prompt, p.chosen),
            "rejected": p.rejected + renderer.end,
        }
        for batch in order for p in (pairs[at] for at in batch)
    ]  # fmt: skip
    dpo = Dpo(Dpo.Config.model_validate({"beta": 0.3, "sft_weight": weight}))
    more = {"beta": 0.3, "loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, weight]}
    got = ours(kit, dpo, rows, order, 2e-3)
    want = plain(DPOConfig, DPOTrainer, tmp_path / "trl", reference, tokenizer, dataset, 2e-3, **more)
    assert got == pytest.approx(want, abs=1e-5)
    assert got[-1] < got[0] - 0.1
