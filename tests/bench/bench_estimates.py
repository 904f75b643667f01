"""What an inspection expects of a run beside what the run takes: six shapes of models, seconds and memory.

`make bench` prints ratios and writes docs/benchmarks.md and docs/benchmarks.json. Nothing here asserts a figure.
BENCH_SHAPES="gpt2;SmolLM2-135M" takes some of the shapes only.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from engine.run.planned import runs_of
from engine.spec.run import RunSpec
from engine.spec.study import ScaleSpec
from engine.spec.trial import TrialSpec
from engine.spec.understanding import Inspection
from jobs import studies
from jobs.executors.local import PRELOAD, child_environment
from jobs.inspecting import kept
from jobs.paths import Home
from tests.bench.record import record, spread
from tests.support.shapes import SHAPES, data_file, tokenizer, write_model

CHOSEN = [name for name in os.environ.get("BENCH_SHAPES", ";".join(SHAPES)).split(";") if name]
ARMS = ("sft", "sft-dpo")
SIZES = ScaleSpec(
    seeds=1, steps=10, batch_size=8, train_examples=48, items=12, live_items=6, live_every=5, checkpoint_every=10
)
PARTS = 1 << 20


def planned(model: Path, data: Path) -> TrialSpec:
    """A small trial of the function-calling study on a model and a file."""
    trial = studies.plan(studies.load("function-calling"), "smoke", 1, ARMS, str(model), data)
    return trial.model_copy(update={"study": trial.study.model_copy(update={"scales": {"smoke": SIZES}})})


def run(spec: str, folder: str, line: Connection) -> None:
    """One run in this process; tells its seconds (of the processor, and of the clock) and its peak."""
    import torch

    from engine.run import execute

    began, clock = time.thread_time(), time.monotonic()
    execute.execute(RunSpec.model_validate_json(spec), Path(folder), threading.Event())
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(1024 * int(text.split()[1]) for text in status if text.startswith("VmHWM:"))
    took = time.thread_time() - began if torch.get_num_threads() == 1 else time.monotonic() - clock
    line.send({"processor": took, "wall": time.monotonic() - clock, "peak": peak})


def taken(spec: RunSpec, folder: Path) -> dict[str, Any]:
    """What a run takes in a process started as the lab starts them."""
    context: Any = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOAD))
    line, far_end = context.Pipe()
    with child_environment():
        process = context.Process(target=run, args=(spec.model_dump_json(), str(folder), far_end))
        process.start()
    far_end.close()
    found = line.recv()
    process.join()
    return found


def expected(found: Inspection, arm: str) -> tuple[float, int]:
    """Seconds and bytes of a run that loads and measures everything for itself."""
    cost = next(cost for cost in found.costs if arm in cost.arms)
    return found.once + cost.seconds, cost.memory


def test_estimates(tmp_path: Path) -> None:
    made = tokenizer()
    data = data_file(tmp_path)
    home = Home.at(tmp_path / "home").create()
    rows: dict[str, str] = {}
    figures: dict[str, Any] = {}
    for shape in CHOSEN:
        trial = planned(write_model(tmp_path, shape, made), data)
        began = time.monotonic()
        found = kept.inspect(home, trial)
        looked = time.monotonic() - began
        for spec in runs_of(trial):
            real = taken(spec, tmp_path / f"{shape}-{spec.arm}")
            seconds, memory = expected(found, spec.arm)
            name = f"{shape}, {spec.arm}"
            in_time, in_memory = seconds / real["processor"], memory / real["peak"]
            figures[name] = {
                **real, "expected_seconds": seconds, "expected_peak": memory, "looked": looked, "time_ratio": in_time,
                "memory_ratio": in_memory,
            }  # fmt: skip
            rows[name] = (
                f"{seconds:.0f} s for {real['processor']:.0f} s ({in_time:.2f}), "
                f"{memory // PARTS} MiB for {real['peak'] // PARTS} MiB ({in_memory:.2f})"
            )
            print(name, rows[name], json.dumps(figures[name]), flush=True)
    times = [one["time_ratio"] for one in figures.values()]
    sizes = [one["memory_ratio"] for one in figures.values()]
    record(
        "Estimates",
        {"expected over taken, seconds": spread(times), "expected over taken, memory": spread(sizes), **rows},
        figures,
        "An inspection's figures before the run, and those of the run itself, in a process of its own: 10 steps of 8 "
        "examples, random weights, one thread. Seconds are the processor's, which on an idle machine are the clock's.",
        {"estimate_seconds": times, "estimate_memory": sizes},
    )  # fmt: skip
