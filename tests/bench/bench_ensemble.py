"""Proxy-tuned decoding beside its base alone: the same prompts, the same tokens.

`make bench` prints ratios and writes docs/benchmarks.md and docs/benchmarks.json. Nothing here asserts a time.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
import torch

from engine import models
from engine.subject import decoding
from engine.subject.ensemble import WeightedModels, same_vocabulary
from engine.subject.local import LocalSubject
from engine.world.study_data import study_data
from tests.bench.record import record, spread

ROUNDS = 5
MOST = 48  # new tokens
CHECKED = 12  # prompts on which cached logits are compared with uncached ones


@pytest.fixture
def alone() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def seconds(subject: LocalSubject, prompts: list[tuple[int, ...]]) -> tuple[float, list[list[int]]]:
    began = time.process_time()  # of one thread: other work on the machine does not count
    found = subject.answer_ids(prompts, MOST)
    return time.process_time() - began, found


@torch.inference_mode()
def largest_difference(steered: WeightedModels, prompts: list[tuple[int, ...]]) -> float:
    """Of the logits of a batch with caches from those of whole texts, over all steps."""
    seen: list[list[torch.Tensor]] = []
    for way in (decoding.Together, decoding.Anew):
        steps: list[torch.Tensor] = []

        def pick(logits: torch.Tensor, steps: list[torch.Tensor] = steps) -> torch.Tensor:
            steps.append(logits)
            return logits.argmax(-1)

        decoding.answers(way(steered, prompts, 0), 16, pick, 1, frozenset())
        seen.append(steps)
    return max(float((a - b).abs().max()) for a, b in zip(*seen, strict=True))


def test_proxy_tuning(alone: None) -> None:
    base, tokenizer = models.load(models.resolve("fork-m"), "cpu")
    small, other = models.load(models.resolve("fork-s"), "cpu")
    twin = copy.deepcopy(small)
    vocabulary = same_vocabulary({"fork-m": tokenizer, "fork-s": other})
    for model in (base, small, twin):
        model.eval()
    # Both experts are untuned, so that the answers are the base's, and as long.
    untuned = WeightedModels([(1, base), (1, small), (-1, twin)], vocabulary)
    plain, steered = LocalSubject(base, tokenizer), LocalSubject(untuned, tokenizer)
    items = [item for item in study_data("calling").items if item.gold.kind == "call"][:200]
    rng = Random(0)
    texts = [text for text in study_data("calling").texts for _ in range(5)][:200]
    asked = {
        "requests": [plain.renderer.prompt_ids(item.prompt) for item in items],
        "ragged texts": [plain.renderer.ids(text)[: rng.randint(4, 60)] for text in texts],
    }
    rows: dict[str, str] = {}
    figures: dict[str, Any] = {}
    every: list[float] = []
    for name, prompts in asked.items():
        for subject in (plain, steered):
            seconds(subject, prompts)  # warms up
        ratios, same = [], 0
        for _ in range(ROUNDS):
            short, want = seconds(plain, prompts)
            long, got = seconds(steered, prompts)
            ratios.append(long / short)
            same = sum(a == b for a, b in zip(want, got, strict=True))
        rows[f"{name}: time of the base with two experts over the base alone"] = spread(ratios)
        rows[f"{name}: answers with the base's tokens"] = f"{same} of {len(prompts)}"
        figures[name] = {"ratios": ratios, "same": same}
        every += ratios
    with torch.no_grad():
        for weight in small.parameters():
            weight.mul_(1.05)
    difference = largest_difference(untuned, asked["requests"][:CHECKED])
    rows["largest difference of a cached logit from the uncached sum (a tuned expert)"] = f"{difference:.1g}"
    record(
        "Proxy-tuned decoding", rows, {**figures, "difference": difference},
        f"Greedy, at most {MOST} new tokens, 200 prompts, fork-m as base and two fork-s as experts, float32, one "
        f"thread, {ROUNDS} rounds by turns. The experts are equal, so that both sides decode the same tokens.",
        {"proxy_tuning_vs_base": every},
    )  # fmt: skip
