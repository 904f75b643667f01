"""How time grows with seeds and items and memory with slots, and how soon a second study trains.

`make bench` prints figures and writes docs/benchmarks.md and docs/benchmarks.json. Nothing here asserts a time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from engine import models
from engine.spec.study import ScaleSpec
from engine.spec.trial import TrialSpec
from engine.subject import scoring
from engine.subject.local import renderer_of
from engine.world.study_data import study_data
from jobs import studies
from jobs.lab import Lab
from jobs.queue.budget import own_memory
from tests.bench.record import record, spread

SEEDS = (1, 3, 6, 12, 24)
ITEMS = (100, 300, 1000, 3000, 10_000)
SHORT = ScaleSpec(
    steps=20, batch_size=16, train_examples=320, items=20, live_items=0, live_every=10, checkpoint_every=20
)


def trial(study: str, arms: Sequence[str], seeds: int, steps: int = 20) -> TrialSpec:
    """A short form of a bundled study; another number of steps is another trial."""
    spec = studies.load(study)
    scale = SHORT.model_copy(update={"steps": steps})
    spec = spec.model_copy(update={"scales": {**spec.scales, "quick": scale}})
    return studies.plan(spec, "quick", seeds, arms)


def wait(lab: Lab, name: str) -> None:
    while not all(run.state == "succeeded" for run in lab.snapshot(name).runs):
        assert not any(run.state == "failed" for run in lab.snapshot(name).runs)
        time.sleep(0.02)


def off_the_line(sizes: Sequence[int], seconds: Sequence[float]) -> list[float]:
    """Relative distance of each measurement from the straight line through all (least squares of relative error)."""
    design = np.stack([np.ones(len(sizes)), np.asarray(sizes, float)], 1) / np.asarray(seconds)[:, None]
    line = np.linalg.lstsq(design, np.ones(len(sizes)), rcond=None)[0]
    return [float(s / (line[0] + line[1] * n) - 1) for n, s in zip(sizes, seconds, strict=True)]


def test_growth(tmp_path: Path) -> None:
    by_seeds = []
    with Lab(tmp_path / "home", slots=2) as lab:
        warm = trial("function-calling", ("base", "sft"), 1, 19)
        wait(lab, lab.enqueue(warm))
        for number, seeds in enumerate(SEEDS):
            some = trial("function-calling", ("sft", "shuffled"), seeds, 20 + number)  # none is computed already
            began = time.perf_counter()
            wait(lab, lab.enqueue(some))
            by_seeds.append((time.perf_counter() - began) * 20 / (20 + number))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model, tokenizer = models.load(models.resolve(None), "cpu")
    renderer = renderer_of(model, tokenizer)
    items = [item for item in study_data("entailment").items if len(item.gold.labels) == 2]
    pairs = [
        (renderer.prompt_ids(item.prompt), renderer.ids(renderer.answer_text(item.prompt, said)))
        for item in items for said in ({"role": "assistant", "content": label} for label in item.gold.labels)
    ]  # fmt: skip
    pairs = (pairs * (2 * max(ITEMS) // len(pairs) + 1))[: 2 * max(ITEMS)]
    scoring.completion_logprobs(model, pairs[:2000], renderer.pad_id)
    by_items = []
    for count in ITEMS:
        began = time.perf_counter()
        scoring.completion_logprobs(model, pairs[: 2 * count], renderer.pad_id)
        by_items.append(time.perf_counter() - began)
    torch.set_num_threads(threads)
    seeds_off, items_off = off_the_line(SEEDS, by_seeds), off_the_line(ITEMS, by_items)
    record(
        "Growth",
        {
            f"makespan at {SEEDS[0]} to {SEEDS[-1]} seeds: distance from a straight line": _range(seeds_off),
            f"scoring {ITEMS[0]} to {ITEMS[-1]:,} items: distance from a straight line": _range(items_off),
            "seconds by seeds": ", ".join(f"{n}: {s:.1f}" for n, s in zip(SEEDS, by_seeds, strict=True)),
            "seconds by items": ", ".join(f"{n}: {s:.2f}" for n, s in zip(ITEMS, by_items, strict=True)),
        },
        {"seeds": dict(zip(SEEDS, by_seeds, strict=True)), "items": dict(zip(ITEMS, by_items, strict=True))},
        "Two arms of 20 steps a seed, two slots, the lab warm; entailment items with two options, one thread.",
        {"growth_seeds_off_line": seeds_off, "growth_items_off_line": items_off},
    )


def first_step(lab: Lab, some: TrialSpec) -> float:
    """Seconds from the click to the first optimizer step of a study."""
    began = time.perf_counter()
    name = lab.enqueue(some)
    while not any(run.step for run in lab.snapshot(name).runs):
        time.sleep(0.005)
    took = time.perf_counter() - began
    wait(lab, name)
    return took


def test_start(tmp_path: Path) -> None:
    again, other, cold = [], [], []
    for number in range(3):
        with Lab(tmp_path / f"home-{number}", slots=2) as lab:
            cold.append(first_step(lab, trial("function-calling", ("sft",), 1)))
            again.append(first_step(lab, trial("function-calling", ("sft",), 1, 21)))
            time.sleep(5.0)  # someone reads the verdict
            other.append(first_step(lab, trial("nli-frequency", ("balanced",), 1)))
    record(
        "Start",
        {
            "first step after the click, a second study on the same data": f"{spread(again)} s",
            "first step after the click, a second study on other data": f"{spread(other)} s",
            "first step after the click, a lab that has just been opened": f"{spread(cold)} s",
        },
        {"again": again, "other": other, "cold": cold},
        "One run of SFT; from `enqueue` to its first optimizer step in the database.",
    )


def test_memory(tmp_path: Path) -> None:
    from tests.bench.bench_step import SIZES, base_of

    folder = tmp_path / "model"
    model, tokenizer = base_of(SIZES["SmolLM2-135M's shape"])
    tokenizer.chat_template = (Path(models.resolve(None).path) / "chat_template.jinja").read_text("utf-8")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    size = sum(w.numel() * w.element_size() for w in model.parameters())
    del model
    spec = studies.load("function-calling")
    scale = SHORT.model_copy(update={"steps": 4, "batch_size": 4, "train_examples": 40})
    spec = spec.model_copy(update={"scales": {**spec.scales, "quick": scale}})
    some = studies.plan(spec, "quick", 2, ("sft",), str(folder))
    peaks: dict[int, int] = {}
    with Lab(tmp_path / "home", slots=2) as lab:
        name = lab.enqueue(some)
        while not all(run.state == "succeeded" for run in lab.snapshot(name).runs):
            assert not any(run.state == "failed" for run in lab.snapshot(name).runs)
            for pid in [active.child.pid for active in list(lab._supervisor._active.values())]:
                peaks[pid] = max(peaks.get(pid, 0), own_memory(pid))
            time.sleep(0.05)
    shares = [peak / size for peak in peaks.values() if peak]
    record(
        "Memory",
        {"peak memory that a slot adds, over the base model's size": spread(shares)},
        {"shares": shares, "model_bytes": size},
        "Random weights of SmolLM2-135M's shape in float32, two slots, 4 examples a step.",
        {"slot_memory_vs_base_model": shares},
    )


def _range(off: Sequence[float]) -> str:
    return f"{min(off):+.1%} to {max(off):+.1%}"
