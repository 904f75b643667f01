"""Scoring beside lm-evaluation-harness, answering beside transformers' `generate`: the same model, items and tokens.

`make bench` prints ratios and writes docs/benchmarks.md and docs/benchmarks.json. Nothing here asserts a time.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
import torch

from engine import models
from engine.subject import scoring
from engine.subject.forward.kernels import QuickLinear
from engine.subject.local import LocalSubject, renderer_of
from engine.subject.rendering import Renderer
from engine.world.study_data import study_data
from tests.bench.record import record, spread

ROUNDS = 5
BATCHES = (16, 32, 64, 128, 256)
MOST = 48  # new tokens


@pytest.fixture
def alone() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def loaded() -> tuple[Any, Any, Any, Renderer]:
    """The bundled model, the same with torch's own layers, its tokenizer, and the renderer."""
    model, tokenizer = models.load(models.resolve(None), "cpu")
    plain = copy.deepcopy(model)
    for layer in plain.modules():
        if isinstance(layer, QuickLinear):
            layer.__class__ = torch.nn.Linear
    return model, plain, tokenizer, renderer_of(model, tokenizer)


def seconds(what: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    found = what()
    return time.perf_counter() - began, found


def test_scoring(alone: None) -> None:
    lm_eval = pytest.importorskip("lm_eval.models.huggingface", reason="`make bench` installs lm-eval")
    model, plain, tokenizer, renderer = loaded()
    items = [item for item in study_data("entailment").items if len(item.gold.labels) == 2][:800]
    pairs = [
        (renderer.prompt_ids(item.prompt), renderer.ids(renderer.answer_text(item.prompt, said)))
        for item in items for said in ({"role": "assistant", "content": label} for label in item.gold.labels)
    ]  # fmt: skip
    harness = lm_eval.HFLM(pretrained=plain, tokenizer=tokenizer, batch_size=1, device="cpu")
    requests = [(("", ""), list(prompt), list(answer)) for prompt, answer in pairs]

    def theirs(batch: int) -> np.ndarray:
        harness.batch_size_per_gpu = batch
        # Each request is looked up in a cache by its text: none is the same here.
        found = harness._loglikelihood_tokens(requests, disable_tqdm=True)
        return np.array([total for total, _ in found])

    tried = {batch: seconds(lambda batch=batch: theirs(batch))[0] for batch in BATCHES}
    best = min(tried, key=lambda batch: tried[batch])
    scoring.completion_logprobs(model, pairs, renderer.pad_id)  # warms up
    ratios = []
    for _ in range(ROUNDS):
        slow, want = seconds(lambda: theirs(best))
        quick, got = seconds(lambda: scoring.completion_logprobs(model, pairs, renderer.pad_id))
        ratios.append(slow / quick)
    chosen = [scores.reshape(-1, 2).argmax(1) for scores in (want, got)]
    same = int((chosen[0] == chosen[1]).sum())
    record(
        "Option scoring",
        {
            f"items per second, against lm-evaluation-harness at its best batch size ({best})": spread(ratios),
            "items with the same prediction": f"{same} of {len(items)}",
            "largest difference between two log-probabilities": f"{np.abs(want - got).max():.1g} nats",
            "items per second, the lab": f"{len(items) / quick:.0f}",
        },
        {"ratios": ratios, "harness_seconds_by_batch": tried, "same": same, "items": len(items)},
        f"{len(items)} entailment items with two options, the bundled model in float32, one thread, {ROUNDS} rounds by "
        "turns. lm-eval's HF backend has the same weights, and is given the same tokens.",
        {"scoring_vs_lm_eval": ratios},
    )


def test_generation(alone: None) -> None:
    model, plain, tokenizer, renderer = loaded()
    items = [i for i in study_data("calling").items if i.gold.kind == "call"][:600]
    rng = Random(0)
    texts = [document for document in study_data("calling").texts for _ in range(5)][:600]
    beginnings = [renderer.ids(text)[: rng.randint(4, 60)] for text in texts]  # ragged in what is read and said
    prompts = {"requests": [renderer.prompt_ids(i.prompt) for i in items], "ragged texts": beginnings}
    subject = LocalSubject(model, tokenizer, None, renderer)
    rows: dict[str, str] = {}
    figures: dict[str, Any] = {}
    every: list[float] = []
    for name, some in prompts.items():
        tried = {
            batch: seconds(lambda batch=batch, some=some: _generate(plain, renderer, some, batch))[0]
            for batch in BATCHES
        }
        best = min(tried, key=lambda batch: tried[batch])
        ratios = []
        for _ in range(ROUNDS):
            slow, want = seconds(lambda some=some, best=best: _generate(plain, renderer, some, best))
            quick, got = seconds(lambda some=some: subject.answer_ids(some, MOST))
            ratios.append(slow / quick)
        same = sum(a == b for a, b in zip(want, got, strict=True))
        lengths = [len(ids) for ids in got]
        rows[f"{name}: time of transformers' generate at its best batch size ({best}) over the lab's"] = spread(ratios)
        rows[f"{name}: answers with the same tokens"] = (
            f"{same} of {len(some)}, {min(lengths)} to {max(lengths)} tokens"
        )
        figures[name] = {"ratios": ratios, "generate_seconds_by_batch": tried, "same": same}
        every += ratios
    record(
        "Generation", rows, figures,
        f"Greedy, at most {MOST} new tokens, 600 prompts sorted by length for both, the bundled model in float32, one "
        f"thread, {ROUNDS} rounds by turns.",
        {"generation_vs_transformers": every},
    )  # fmt: skip


def _generate(model: Any, renderer: Renderer, prompts: list[tuple[int, ...]], rows: int) -> list[list[int]]:
    order = sorted(range(len(prompts)), key=lambda at: -len(prompts[at]))
    found: list[list[int]] = [[] for _ in prompts]
    for start in range(0, len(order), rows):
        batch = order[start : start + rows]
        longest = len(prompts[batch[0]])
        ids = torch.full((len(batch), longest), renderer.pad_id)
        mask = torch.zeros_like(ids)
        for row, at in enumerate(batch):
            ids[row, longest - len(prompts[at]) :] = torch.tensor(prompts[at])
            mask[row, longest - len(prompts[at]) :] = 1
        with torch.inference_mode():
            out = model.generate(
                input_ids=ids, attention_mask=mask, max_new_tokens=MOST, do_sample=False,
                pad_token_id=renderer.pad_id, eos_token_id=sorted(renderer.end_ids),
            )  # fmt: skip
        for at, new in zip(batch, out[:, longest:].tolist(), strict=True):
            end = next((n for n, token in enumerate(new) if token in renderer.end_ids), len(new))
            found[at] = new[:end]
    return found
