"""A lab in a process of its own, to be killed: runs a trial to its end, and says which results it has acknowledged."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from jobs.lab import Lab
from tests.unit.jobs import fakes

STEPS, SEEDS = 60, 4


def main(home: Path, acknowledged: Path) -> None:
    """Enqueue, retry what was killed, and end when every run has succeeded."""
    fakes.install()
    trial = fakes.trial(fakes.study(steps=STEPS), seeds=SEEDS)
    said = (
        {json.loads(line)["run"] for line in acknowledged.read_text().splitlines()} if acknowledged.exists() else set()
    )
    out = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with Lab(home, slots=2, launcher=fakes.launcher()) as lab:
        lab.enqueue(trial)
        while True:
            board = lab.snapshot(trial.id)
            for run in board.runs:
                if run.state == "failed":
                    lab.retry(run.run)
            fresh = [r for r in lab.run_results(trial.id) if r.record.state == "succeeded" and r.record.run not in said]
            for result in fresh:
                line = {"run": result.record.run, "attempt": result.record.attempt, "figures": fakes.figures([result])}
                os.write(out, (json.dumps(line) + "\n").encode())
                said.add(result.record.run)
            if board.trials[0].done == len(board.runs):
                return
            time.sleep(0.03)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
