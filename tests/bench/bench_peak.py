"""How much of the machine's own matrix-product peak the lab reaches: in a training step, in scoring, in sampling.

What counts is the arithmetic that the model needs (Chowdhery et al. 2022, PaLM, appendix B: model FLOPs), whatever is
computed besides: two operations for each weight and token forward, two more for the gradient of each layer's input,
none for that of a frozen weight; six for a weight of the adapter; attention over what a token may see; logits only of
tokens that are scored. The peak is the fastest product of square matrices, in the precision that is used.

`make bench` prints ratios and writes docs/benchmarks.md and docs/benchmarks.json. Nothing here asserts a time.
"""

from __future__ import annotations

import copy
import statistics
import time
from pathlib import Path
from typing import Any

import torch

from engine.subject.forward import kernels
from engine.subject.local import LocalSubject
from engine.subject.scoring import completion_logprobs
from tests.bench.bench_step import BATCH, LORA, OBJECTIVES, SIZES, WARM, Row, base_of, ours, rows
from tests.bench.record import record, spread

ROUNDS = 3
SIDES = (256, 512, 1024, 2048)
SCORED, SAMPLED, MOST_NEW = 400, 96, 24


def peak(kind: torch.dtype) -> float:
    """The fastest product of two square matrices, in operations a second."""
    found = []
    for side in SIDES:
        a, b = (torch.randn(side, side, dtype=torch.float32).to(kind) for _ in range(2))
        times = []
        for _ in range(2 + 4096 // side):
            began = time.perf_counter()
            kernels.linear(a, b)
            times.append(time.perf_counter() - began)
        found.append(2 * side**3 / min(times))
    return max(found)


class Needed:
    """The operations that a model needs, forward and backward.

    Args:
        model: With its adapter attached.
    """

    def __init__(self, model: Any) -> None:
        base = model.get_base_model()
        config = base.config
        layers = [layer for layer in base.model.modules() if isinstance(layer, torch.nn.Linear)]
        adapter = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
        self.adapter = adapter
        self.body = sum(layer.weight.numel() for layer in layers) - adapter
        self.head = config.vocab_size * config.hidden_size
        self.attention = 2 * config.num_hidden_layers * config.hidden_size

    def forward(self, tokens: int, seen: int, scored: int) -> float:
        """Of so many tokens, which see so many others in all, and of which so many give logits."""
        return 2.0 * ((self.body + self.adapter) * tokens + self.attention * seen + self.head * scored)

    def step(self, tokens: int, seen: int, scored: int) -> float:
        """With the gradients of every layer's input and of the adapter."""
        return 2 * self.forward(tokens, seen, scored) + 2.0 * self.adapter * tokens + 2.0 * self.attention * seen


def _read(row: Row, kinds: tuple[str, ...]) -> tuple[int, int, int]:
    """Tokens, what they see, and what is scored, of a prompt with answers: the prompt is read once."""
    prompt, answers = len(row["prompt"]), [len(row[kind]) for kind in kinds]
    seen = prompt * (prompt + 1) // 2 + sum(a * prompt + a * (a + 1) // 2 for a in answers)
    return prompt + sum(answers), seen, sum(answers)


def _all(data: list[Row], kinds: tuple[str, ...]) -> tuple[int, int, int]:
    tokens, seen, scored = (sum(part) for part in zip(*(_read(row, kinds) for row in data), strict=True))
    return tokens, seen, scored


def test_peak(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    half = kernels.has_bfloat16("cpu")
    kinds = {"training": torch.bfloat16 if half else torch.float32, "measuring": torch.float32}
    said: dict[str, str] = {}
    shares: dict[str, list[float]] = {}
    figures: dict[str, Any] = {}
    try:
        for name, size in SIZES.items():
            base, tokenizer = base_of(size)
            steps = WARM + size[-1]
            data = rows(BATCH * steps, len(tokenizer))
            for number in range(ROUNDS):
                top = {what: peak(kind) for what, kind in kinds.items()}
                figures.setdefault("peak", []).append({what: value / 1e9 for what, value in top.items()})
                for objective in OBJECTIVES:
                    tuned = LORA.attach(copy.deepcopy(base), 0)
                    needed = Needed(tuned)
                    answers = ("chosen",) if objective == "sft" else ("chosen", "rejected")
                    per_step = needed.step(*_all(data, answers)) / steps
                    took = statistics.median(
                        ours(objective, tuned, tokenizer, data, steps, tmp_path / f"{name[:4]}-{objective}-{number}")
                    )
                    shares.setdefault(f"{objective.upper()} step, {name}", []).append(per_step / took / top["training"])
            for what, share in _measuring(base, tokenizer, rows(SCORED, len(tokenizer)), kinds["measuring"]).items():
                shares[f"{what}, {name}"] = share
    finally:
        torch.set_num_threads(threads)
    said |= {what: spread([100 * one for one in share]) + " %" for what, share in shares.items()}
    tops = {what: statistics.median(one[what] for one in figures["peak"]) for what in kinds}
    record(
        "Share of peak", said, {**figures, "shares": shares},
        f"Model FLOPs over time, as a share of the fastest matrix product of this machine in the same precision: "
        f"{tops['training']:.0f} GFLOP/s in training ({str(kinds['training']).removeprefix('torch.')}), "
        f"{tops['measuring']:.0f} in measuring (float32). One thread, {BATCH} examples a step of the function-calling "
        f"study's lengths, random weights, {ROUNDS} rounds.",
        {"step_share_of_peak": [one for what, share in shares.items() if " step, " in what for one in share]},
    )  # fmt: skip


def _measuring(base: Any, tokenizer: Any, data: list[Row], kind: torch.dtype) -> dict[str, list[float]]:
    """Scoring answers, and sampling as many tokens as a call has."""
    tuned = LORA.attach(copy.deepcopy(base), 0)
    needed = Needed(tuned)
    model = tuned.get_base_model()
    subject = LocalSubject(model, tokenizer)
    pairs = [(tuple(row["prompt"]), tuple(row["chosen"])) for row in data]
    prompts = [prompt for prompt, _ in pairs[:SAMPLED]]
    scoring, sampling = [], []
    for _ in range(ROUNDS):
        top = peak(kind)
        began = time.perf_counter()
        completion_logprobs(model, pairs, subject.renderer.pad_id)
        scoring.append(needed.forward(*_all(data, ("chosen",))) / (time.perf_counter() - began) / top)
        began = time.perf_counter()
        answers = subject.answer_ids(prompts, MOST_NEW)
        took = time.perf_counter() - began
        whole = [len(prompt) + len(answer) for prompt, answer in zip(prompts, answers, strict=True)]
        seen = sum(length * (length + 1) // 2 for length in whole)
        sampling.append(needed.forward(sum(whole), seen, sum(map(len, answers))) / took / top)
    return {"scoring": scoring, "sampling": sampling}
