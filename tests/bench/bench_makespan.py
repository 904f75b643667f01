"""A whole study beside a script that does the same with TRL and PEFT, a fresh process for each run.

`make bench` prints ratios and writes docs/benchmarks.md and docs/benchmarks.json. Nothing here asserts a time.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from engine.run.planned import runs_of
from engine.spec.run import RunSpec
from engine.stats.inference.paired import t_interval
from jobs import studies
from jobs.lab import Lab
from tests.bench.alternative import Writer
from tests.bench.record import record, spread

ROOT = Path(__file__).resolve().parents[2]
SEEDS = int(os.environ.get("BENCH_SEEDS", "6"))
DEFAULT_SEEDS = 2  # of the script as it comes, where that is not its best setting: each stands for all
ARMS = ("base", "sft", "sft-dpo", "shuffled")
THREADS: dict[str, dict[str, str]] = {
    "default threads": {},
    "one thread": {"OMP_NUM_THREADS": "1"},
    "all threads, passive": {"OMP_WAIT_POLICY": "PASSIVE"},
}
PRECISIONS: dict[str, dict[str, Any]] = {"TRL's precision": {}, "float32": {"bf16": False}}
if "BENCH_FLOAT32" in os.environ:  # where bfloat16 has no fast product one run of TRL's precision takes over 8 minutes
    del PRECISIONS["TRL's precision"]
SETTINGS = {f"{threads}, {precision}": (threads, precision) for threads in THREADS for precision in PRECISIONS}
DEFAULT = next(iter(SETTINGS))
COMPARED = ("accuracy", "accuracy_tools", "no_tool", "reliance")


def script(writer: Writer, run: RunSpec, folder: Path, setting: str) -> tuple[float, dict[str, float]]:
    """Seconds, from a fresh interpreter to its end, and what it measured."""
    threads, precision = SETTINGS[setting]
    writer.write(run, folder, overrides=PRECISIONS[precision])
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", **THREADS[threads]}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("trl_script.py")), str(folder)],
        env=env, cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return time.perf_counter() - began, json.loads(done.stdout.strip().splitlines()[-1])


def lab(home: Path, *how: str) -> float:
    """Seconds of the command, start and report included."""
    command = [sys.executable, "main.py", "run", "function-calling", *how, "--home", str(home)]
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return time.perf_counter() - began


def test_makespan(tmp_path: Path) -> None:
    trial = studies.plan(studies.load("function-calling"), "quick", SEEDS, ARMS)
    runs = runs_of(trial)
    writer = Writer(runs[0])
    one = next(run for run in runs if run.arm == "sft")
    tried = {name: script(writer, one, tmp_path / f"try-{n}", name)[0] for n, name in enumerate(SETTINGS)}
    best = min(tried, key=lambda name: tried[name])

    took: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in (best, DEFAULT)}
    live: list[float] = []
    found: dict[tuple[str, int], dict[str, float]] = {}
    lab_seconds = 0.0
    for number, run in enumerate(runs):
        if number == len(runs) // 2:  # in the middle of the script's runs: a machine's mood changes
            lab_seconds = lab(tmp_path / "home", "--seeds", str(SEEDS), "--arms", ",".join(ARMS))
        for at, (setting, times) in enumerate(took.items()):
            if setting != best and run.seed >= DEFAULT_SEEDS:
                continue
            seconds, said = script(writer, run, tmp_path / f"{run.arm}-{run.seed}-{at}", setting)
            times[run.arm].append(seconds)
            if setting == best:
                live.append(said.pop("live_seconds"))
                found[run.arm, run.seed] = said

    settled_seconds, most = lab(tmp_path / "settled"), trial.study.scales["quick"].looks[-1]

    reader = Lab.reader(tmp_path / "home")
    ours = {(r.record.arm, r.record.seed): r.metrics for r in reader.run_results(trial.id)}
    reader.close()
    ratios = {name: [seconds / lab_seconds for seconds in _makespans(times, SEEDS)] for name, times in took.items()}
    settled = [seconds / settled_seconds for seconds in _makespans(took[best], most)]
    total = sum(sum(some) for some in took[best].values())
    without = (total - sum(live)) / lab_seconds
    differences = {arm: _differences(arm, ours, found, runs) for arm in ARMS}
    record(
        "Makespan",
        {
            f"the script's time over the lab's, {len(runs)} runs, at the script's best ({best})": spread(ratios[best]),
            "the same, had the script drawn no curves": f"{without:.2f}",
            f"the same with the script as it comes ({DEFAULT})": spread(ratios[DEFAULT]),
            f"the script's time for {most} seeds over the lab's until it is settled, its control too": spread(settled),
            "the lab, start and report included": f"{lab_seconds:.0f} s; until it is settled {settled_seconds:.0f} s",
            "the script at its best, one run after the other": f"{total:.0f} s",
            "one run of SFT by the script": ", ".join(f"{name} {seconds:.0f} s" for name, seconds in tried.items()),
            **{f"{arm}: lab - script, points [95 %]": text for arm, text in differences.items()},
        },
        {
            "lab_seconds": lab_seconds, "settled_seconds": settled_seconds, "script_seconds": total,
            "script_live_seconds": sum(live), "tried": tried, "differences": differences,
        },
        f"function-calling at scale quick, {', '.join(ARMS)}, {SEEDS} seeds; same examples, order, steps and items. "
        "The spread is over seeds: each seed's runs of the script stand for all. Sampled negatives differ. "
        "Whoever cannot look has to run about as many seeds as a design with looks may take at most, to find as much.",
        {"makespan_vs_trl_scripts": ratios[DEFAULT], "makespan_vs_tuned_trl_scripts": ratios[best]},
    )  # fmt: skip


def _makespans(times: dict[str, list[float]], seeds: int) -> list[float]:
    """The script's seconds for so many seeds, as each seed alone would give it."""
    once = sum(sum(some) for some in times.values() if len(some) == 1)
    many = [some for some in times.values() if len(some) > 1]
    assert many, "with one seed nothing tells an arm that seeds change"
    return [once + seeds * sum(of_seed) for of_seed in zip(*many, strict=True)]


def _differences(arm: str, ours: Any, theirs: Any, runs: list[RunSpec]) -> str:
    """Seed by seed, the mean difference of each figure with its interval."""
    parts = []
    for name in COMPARED:
        gaps = [100 * (ours[arm, r.seed][f"calls.{name}"] - theirs[arm, r.seed][name]) for r in runs if r.arm == arm]
        parts.append(f"{name} {_interval(gaps)}")
    return "; ".join(parts)


def _interval(gaps: list[float]) -> str:
    ends = t_interval(gaps)
    return f"{statistics.mean(gaps):+.1f}" + ("" if ends is None else f" [{ends[0]:+.1f}, {ends[1]:+.1f}]")
