"""A training step beside plain TRL's and a bare torch loop's: the same rows, weights and one thread, by turns.

`make bench` prints ratios and writes docs/benchmarks.md and docs/benchmarks.json. Nothing here asserts a time.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from random import Random
from typing import Any

import torch
from datasets import Dataset
from torch.utils.data import SequentialSampler
from transformers import PreTrainedTokenizerFast, TrainerCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from engine import models
from engine.adaptations.lora import Lora
from engine.methods._settings import LoraSettings
from engine.objectives import Kit, Objective
from engine.objectives._pairs import PairRow
from engine.objectives._trainer import Pace, arguments, run_trainer
from engine.objectives.dpo import Dpo
from engine.objectives.sft import Sft
from engine.subject.forward import kernels, packing
from engine.subject.local import renderer_of
from engine.subject.rendering import Encoded
from tests.bench.record import record, spread

LORA = Lora(LoraSettings.model_validate({}))
OBJECTIVES: dict[str, Objective[Any]] = {"sft": Sft(Sft.Config()), "dpo": Dpo(Dpo.Config.model_validate({}))}
PACE = Pace(1e-3, 0.05, 1.0)
BATCH, WARM, ROUNDS = 16, 1, 3
SIZES = {  # name: (hidden, layers, heads, MLP, steps in a block)
    "bundled": (192, 6, 6, 512, 12),
    "d384 x 8": (384, 8, 6, 1024, 5),
    "SmolLM2-135M's shape": (576, 30, 9, 1536, 2),
}
Row = dict[str, list[int]]


class Clock(TrainerCallback):
    """Seconds between the ends of two steps."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.ends.append(time.perf_counter())

    @property
    def steps(self) -> list[float]:
        return [b - a for a, b in zip(self.ends[WARM - 1 :], self.ends[WARM:], strict=False)]


class PlainSFT(SFTTrainer):
    def _get_train_sampler(self, dataset: Any = None) -> Any:
        return SequentialSampler(self.train_dataset)  # type: ignore[arg-type]


class PlainDPO(DPOTrainer):
    def _get_train_sampler(self, dataset: Any = None) -> Any:
        return SequentialSampler(self.train_dataset)  # type: ignore[arg-type]

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset  # token ids already, as the lab's


def rows(count: int, words: int) -> list[Row]:
    """Token ids with the lengths of the function-calling study: prompts of 30 to 50, answers of 7 to 13."""
    rng = Random(0)

    def some(low: int, high: int) -> list[int]:
        return [rng.randrange(5, words) for _ in range(rng.randint(low, high))]

    return [{"prompt": some(30, 50), "chosen": some(7, 13), "rejected": some(7, 13)} for _ in range(count)]


def base_of(size: tuple[int, ...]) -> tuple[Any, Any]:
    """A model of that size with random weights, and the bundled tokenizer."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    hidden, layers, heads, inner, _ = size
    ref = models.resolve(None)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(ref.path)
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
        num_key_value_heads=heads, intermediate_size=inner, max_position_embeddings=1024, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    torch.manual_seed(0)
    return Qwen2ForCausalLM(config), tokenizer


def trl(objective: str, model: Any, tokenizer: Any, data: list[Row], steps: int, folder: Path) -> list[float]:
    clock = Clock()
    common = {
        "output_dir": str(folder), "per_device_train_batch_size": BATCH, "max_steps": steps, "learning_rate": 1e-3,
        "report_to": "none", "use_cpu": True, "disable_tqdm": True, "save_strategy": "no",
    }  # fmt: skip
    if objective == "sft":
        table = [
            {"input_ids": r["prompt"] + r["chosen"], "labels": [-100] * len(r["prompt"]) + r["chosen"]} for r in data
        ]
        trainer: Any = PlainSFT(
            model=model, args=SFTConfig(**common), train_dataset=Dataset.from_list(table), processing_class=tokenizer
        )
    else:
        table = [{"prompt_ids": r["prompt"], "chosen_ids": r["chosen"], "rejected_ids": r["rejected"]} for r in data]
        args = DPOConfig(**common, loss_type=["sigmoid", "sft"], loss_weights=[1.0, 1.0])
        trainer = PlainDPO(model=model, args=args, train_dataset=Dataset.from_list(table), processing_class=tokenizer)
    trainer.add_callback(clock)
    trainer.train()
    return clock.steps


def ours(objective: str, model: Any, tokenizer: Any, data: list[Row], steps: int, folder: Path) -> list[float]:
    clock, made = Clock(), OBJECTIVES[objective]
    kernels.quicken(model)
    LORA.quicken(model)
    kit = Kit(
        folder=folder, phase=0, seed=0, batch_size=BATCH, examples=(), encoded=(), pool=(), model=model,
        renderer=renderer_of(model.get_base_model(), tokenizer), policy=nullcontext, order=lambda rows, chunk: [],  # type: ignore[arg-type]
        needs={}, note=lambda name, detail: None, check=lambda finding: None,
    )  # fmt: skip
    order = [list(range(at * BATCH, (at + 1) * BATCH)) for at in range(steps)]
    read: list[Any] = [Encoded(prompt=tuple(r["prompt"]), completion=tuple(r["chosen"])) for r in data]
    if objective == "dpo":
        read = [PairRow(**dict(row), rejected=tuple(r["rejected"])) for row, r in zip(read, data, strict=True)]
    args = arguments(made.Arguments, folder, PACE, steps, BATCH, 0, "cpu", **made.arguments())
    trainer = made.trainer(kit, read, order, args)
    trainer.adaptation, trainer.half = LORA, kernels.has_bfloat16("cpu")
    trainer.add_callback(clock)
    run_trainer(trainer, None)
    return clock.steps


def bare(objective: str, model: Any, tokenizer: Any, data: list[Row], steps: int, folder: Path) -> list[float]:
    """The loop one writes without a library: padded batches, autocast where it helps, the reference known."""
    weights = [w for w in model.parameters() if w.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=1e-3)
    clock = Clock()
    model.train()
    for at in range(steps):
        batch = data[at * BATCH : (at + 1) * BATCH]
        kinds = ("chosen",) if objective == "sft" else ("chosen", "rejected")
        pairs = [(r["prompt"], r[kind]) for kind in kinds for r in batch]
        ids, mask, counted = packing.padded(pairs, tokenizer.pad_token_id)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1]
        scores = torch.log_softmax(logits.float(), -1).gather(-1, ids[:, 1:, None])[..., 0] * counted[:, 1:]
        first = scores[:BATCH]
        loss = -first.sum() / counted[:BATCH, 1:].sum()
        if objective == "dpo":
            margin = first.sum(1) - scores[BATCH:].sum(1)
            loss = loss - torch.nn.functional.logsigmoid(0.1 * margin).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        clock.on_step_end()
    return clock.steps


WAYS: dict[str, Callable[..., list[float]]] = {"bare": bare, "trl": trl, "ours": ours}


def test_step(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows_said: dict[str, str] = {}
    figures: dict[str, Any] = {}
    against_bare, against_trl = {}, {}
    try:
        for name, size in SIZES.items():
            base, tokenizer = base_of(size)
            steps = WARM + size[-1]
            data = rows(BATCH * steps, len(tokenizer))
            for objective in OBJECTIVES:
                medians: dict[str, list[float]] = defaultdict(list)
                for number in range(ROUNDS):
                    for way, run in WAYS.items():
                        tuned = LORA.attach(copy.deepcopy(base), 0)
                        seconds = run(objective, tuned, tokenizer, data, steps, tmp_path / f"{name[:4]}-{way}-{number}")
                        medians[way].append(statistics.median(seconds))
                what = f"{objective.upper()}, {name}"
                against_bare[what] = [a / b for a, b in zip(medians["ours"], medians["bare"], strict=True)]
                against_trl[what] = [b / a for a, b in zip(medians["ours"], medians["trl"], strict=True)]
                rows_said[f"{what}: the lab's step over a bare loop's"] = spread(against_bare[what])
                rows_said[f"{what}: plain TRL's step over the lab's"] = spread(against_trl[what])
                figures[what] = dict(medians)
    finally:
        torch.set_num_threads(threads)
    record(
        "Training step", rows_said, figures,
        f"One thread, {BATCH} examples a step of the function-calling study's lengths, random weights, {ROUNDS} rounds "
        "by turns. TRL with its own defaults (bfloat16, gradient checkpointing); the bare loop in bfloat16 with PEFT.",
        {
            "step_vs_bare_loop": [r for some in against_bare.values() for r in some],
            "step_vs_trl": [r for some in against_trl.values() for r in some],
        },
    )  # fmt: skip
