"""Each study at its default, again and again on seeds of its own: what it says, after how many seeds, in what time.

`make bench` prints the figures and writes docs/benchmarks.md and docs/benchmarks.json. Nothing here asserts a time.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
REPETITIONS = int(os.environ.get("BENCH_REPETITIONS", "10"))
STUDIES = tuple(os.environ.get("BENCH_STUDIES", "nli-frequency,function-calling").split(","))
APART = 1000
"""A repetition's seeds begin at a multiple of this; a study's own lie below it."""
FOLDER = os.environ.get("BENCH_FOLDER", "")
"""Where repetitions are kept: the same command goes on where an earlier one stopped. Hours are long for one sitting."""


def repeated(study: str, number: int, folder: Path) -> dict[str, Any]:
    """One repetition, in a process and a data folder of its own; one that is there is not run again."""
    kept = folder / f"{study}-{number}.row.json"
    if not kept.is_file():
        kept.write_text(json.dumps(run_anew(study, number, folder), indent=1), encoding="utf-8")
    return json.loads(kept.read_text("utf-8"))


def run_anew(study: str, number: int, folder: Path) -> dict[str, Any]:
    """What a repetition says, and the seconds it takes."""
    found = folder / f"{study}-{number}.json"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, __file__, study, str(number), str(folder / f"{study}-{number}"), str(found)],
        cwd=ROOT, env=env, check=False, capture_output=True,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    if not found.is_file():
        raise RuntimeError(f"{study}, repetition {number}: {ran.stderr.decode(errors='replace')[-2000:]}")
    result = json.loads(found.read_text("utf-8"))
    looked = result["sequential"] or {"looks": [], "decision": ""}
    last = looked["looks"][-1] if looked["looks"] else {"seeds": result["study"]["seeds"], "difference": None}
    return {
        "code": result["verdict"]["code"], "decision": looked["decision"], "seconds": seconds, "seeds": last["seeds"],
        "difference": last["difference"], "ci": last.get("ci"), "text": result["verdict"]["text"],
    }  # fmt: skip


@pytest.mark.parametrize("study", STUDIES)
def test_settled(study: str, tmp_path: Path) -> None:
    from tests.bench.record import record, spread

    folder = Path(FOLDER) if FOLDER else tmp_path
    # From 1 on, for 0 would be the study's own seeds.
    found = [repeated(study, number, folder) for number in range(1, REPETITIONS + 1)]
    codes = ", ".join(f"{code} {count}" for code, count in Counter(one["code"] for one in found).most_common())
    differences = [100 * one["difference"] for one in found if one["difference"] is not None]
    record(
        f"Settled: {study}",
        {
            "settled": f"{sum(one['decision'] == 'settled' for one in found)} of {REPETITIONS}",
            "verdicts": codes,
            "seeds": spread([one["seeds"] for one in found]),
            "seconds": spread([one["seconds"] for one in found]),
            "primary difference, points": spread(differences) if differences else "-",
            "its standard deviation over repetitions": f"{statistics.stdev(differences):.2f}"
            if len(differences) > 1
            else "-",
        },
        {"repetitions": found},
        f"{REPETITIONS} repetitions at the study's default, on disjoint seeds, in a new data folder each; start and "
        "report included. The items are the same in all.",
    )  # fmt: skip


def _run(study: str, number: int, home: str, found: str, *more: str) -> int:
    """The command, with every run's seed moved by the repetition's number; it is shown and stored as ever."""
    from engine.run import planned
    from engine.spec.run import RunSpec
    from main import main

    tune = planned._Planner.tune

    def moved(self: Any, name: str, seed: int) -> Any:
        made = tune(self, name, seed)
        return made.model_copy(update={"seed": made.seed + APART * number})

    planned._Planner.tune = moved  # type: ignore[method-assign]
    RunSpec.seed = property(lambda self: self.tune.seed % APART)  # type: ignore[assignment]
    return main(["run", study, "--home", home, "--json", found, *more])


if __name__ == "__main__":
    study, number, home, found, *more = sys.argv[1:]
    sys.exit(_run(study, int(number), home, found, *more))
