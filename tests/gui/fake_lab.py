"""A lab that computes nothing. Every figure here is INVENTED, to draw and test the window; none is a result."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from pathlib import Path

from fake_result import FINAL, MODEL, invented_result

from engine.spec.errors import LabError, SpecError
from engine.spec.plugins.discovery import Broken
from engine.spec.reference import ModelRef
from engine.spec.result import Result
from engine.spec.runs import Detectable, Point, RunRecord
from engine.spec.sequential import Sequential
from engine.spec.study import StudySpec
from engine.spec.trial import TrialSpec
from jobs.paths import Home
from jobs.store.read import ordinal
from jobs.store.records import Curves, Snapshot, TrialRecord
from jobs.studies import load

STARTED = 1_780_000_000.0
STEPS = 150


def _fixed(study: StudySpec) -> StudySpec:
    """A study whose numbers of seeds are fixed: a test that wants looks gives it some."""
    return study.model_copy(
        update={"scales": {name: scale.model_copy(update={"looks": ()}) for name, scale in study.scales.items()}}
    )


class FakeLab:
    """Stands where `jobs.lab.Lab` would.

    Args:
        folder: Its home; only `window.json` and logs are ever there.
        step: How far the running runs are, of STEPS; the trial is finished where it is STEPS.
        trials: How many trials there are, 0 to 2.
    """

    def __init__(self, folder: Path, step: int = 118, trials: int = 1) -> None:
        self.home = Home(folder)
        self.step, self.count = step, trials
        self.asked: list[tuple[object, ...]] = []
        self.paused = self.closed = False
        self.fails: LabError | Exception | None = None
        self.said = ""
        self.questions = {name: _fixed(load(name)) for name in ("nli-frequency", "function-calling")}
        self.broken_studies: list[Broken] = []
        self.texts: dict[str, str] = {}
        self.lock = threading.Lock()
        self.points: list[Point] = []
        self.known: set[tuple[str, str, int]] = set()
        self.scalars = False
        self.looks: dict[str, object] = {}  # of the trial, where it goes on until it is settled
        self.sequential: Sequential | None = None  # of the result

    def studies(self) -> list[StudySpec]:
        return [s.model_copy(update=self.texts) for s in self.questions.values()]

    def broken(self) -> list[Broken]:
        return self.broken_studies

    def warm(self) -> None:
        self._ask("warm")

    def enqueue(self, trial: TrialSpec) -> str:
        self._ask("enqueue", trial)
        self.count = max(self.count, 1)
        return "function-calling-quick-1"

    def trial(self, trial: str) -> TrialSpec:
        from engine.spec.reference import DataRef

        study = self.questions["function-calling"]
        data, model = DataRef(source=study.data), ModelRef(name=MODEL, path="", digest="0")
        return TrialSpec(
            study=study, scale="quick", seeds=5, arms=tuple(a.name for a in study.arms), model=model, data=data
        )

    def cancel(self, run: str) -> None:
        self._ask("cancel", run)

    def cancel_trial(self, trial: str) -> None:
        self._ask("cancel_trial", trial)

    def retry(self, run: str) -> None:
        self._ask("retry", run)

    def first(self, run: str) -> None:
        self._ask("first", run)

    def pause(self) -> None:
        self._ask("pause")
        self.paused = True

    def resume(self) -> None:
        self._ask("resume")
        self.paused = False

    def snapshot(self, trial: str | None = None) -> Snapshot:
        if self.fails is not None:
            raise self.fails
        runs = tuple(self._runs()) if self.count else ()
        trials = tuple(self._trial(n, runs) for n in range(self.count))
        running = sum(r.state == "running" for r in runs)
        return Snapshot(
            trials=trials, runs=runs, paused=self.paused, slots=2, running=running,
            memory_used=1_900_000_000, memory_total=24_000_000_000, reason=self.said,
        )  # fmt: skip

    def curves(self, trial: str, since: int = 0) -> Curves:
        runs = self._runs() if self.count else []
        found = [p for r in runs for p in (*_points(r), *(_scalars(r) if self.scalars else ()))]
        self.points += [p for p in found if (p.run, p.name, p.step) not in self.known]
        self.known |= {(p.run, p.name, p.step) for p in found}
        return Curves(points=tuple(self.points[since:]), cursor=len(self.points))

    def result(self, trial: str) -> Result:
        self._ask("result", trial)
        found = invented_result(self.questions["function-calling"], trial, self.texts)
        return found.model_copy(update={"sequential": self.sequential})

    def export_items(self, trial: str, path: Path) -> None:
        self._ask("export_items", trial, path)
        path.write_text("invented items", "utf-8")

    def detectable(self, study: StudySpec, scale: str, seeds: int, *, looks: tuple[int, ...] = ()) -> Detectable | None:
        self._ask("detectable", study.id, scale, seeds)
        if scale == "smoke":
            raise SpecError("Nothing can be said of a smoke test.")
        return Detectable(
            difference=0.149 / math.sqrt(seeds), unit="share", basis="from 6 seeds of an earlier trial here"
        )

    def close(self, timeout: float = 10.0) -> None:
        self.closed = True

    def _ask(self, *what: object) -> None:
        with self.lock:
            self.asked.append(what)

    def _trial(self, n: int, runs: Sequence[RunRecord]) -> TrialRecord:
        study = self.questions["function-calling"]
        labels = tuple((a.name, self.texts.get("label", a.label)) for a in study.arms)
        done = sum(r.state == "succeeded" for r in runs)
        over = all(r.state in ("succeeded", "failed", "cancelled") for r in runs)
        return TrialRecord(
            id=f"function-calling-quick-{n + 1}", study=study.id, question=self.texts.get("question", study.question),
            scale="quick", seeds=5, begun=5, model=MODEL, created=STARTED + n * 60 - 600, arms=labels,
            runs=tuple(r.run for r in runs), done=done, failed=sum(r.state == "failed" for r in runs),
            finished=STARTED + 420 if over else None, seconds=312.0 if over else None,
            eta_seconds=None if over else (110.0, 170.0),
        ).model_copy(update=self.looks)  # fmt: skip

    def _runs(self) -> list[RunRecord]:
        study, found = self.questions["function-calling"], []
        for seed in range(5):
            for at, arm in enumerate(study.arms):
                if (arm.method == "base" or arm.seeds == 1) and seed:
                    continue
                found.append(self._run(arm.name, seed, at))
        return [r.model_copy(update={"position": n, "reason": f"queued, {ordinal(n)}"}) if r.state == "queued" else r
                for r, n in zip(found, _positions(found), strict=True)]  # fmt: skip

    def _run(self, arm: str, seed: int, at: int) -> RunRecord:
        late = self.step < STEPS and seed * 5 + at
        state = "succeeded" if not late or late < 17 else "running" if late < 19 else "queued"
        total = 0 if arm == "base" else STEPS
        step = total if state == "succeeded" else (max(1, self.step - 22 * (late % 2)) if state == "running" else 0)
        trials = tuple(f"function-calling-quick-{n + 1}" for n in range(self.count))
        plain = {
            "run": f"{seed:08x}{at:08x}", "arm": arm, "seed": seed, "state": state, "step": step, "total_steps": total,
            "loss": _loss(arm, seed, step) if step else None, "created": STARTED + seed * 5 + at,
            "reason": f"training, step {step} of {total}" if state == "running" else "", "trials": trials,
            "eta_seconds": (9.0, 16.0) if state == "running" else None, "attempt": 1 if state != "queued" else 0,
            "seconds": 21.0 if state == "succeeded" else None, "started": STARTED if state != "queued" else None,
            "finished": STARTED + seed * 60 if state == "succeeded" else None,
        }  # fmt: skip
        if self.step == 1 and seed == 4 and arm == "sft":
            plain |= {
                "state": "failed",
                "reason": self.texts.get("reason", "The loss became infinite."),
                "hint": "Lower the rate.",
            }
        return RunRecord(**plain)


def _positions(runs: Sequence[RunRecord]) -> list[int]:
    found, n = [], 0
    for run in runs:
        n += run.state == "queued"
        found.append(n)
    return found


def _wobble(seed: int, step: int, size: float) -> float:
    return size * math.sin(seed * 2.3 + step * 0.13) + size * 0.4 * math.sin(seed * 5.1 + step * 0.9)


def _loss(arm: str, seed: int, step: int) -> float:
    floor = 0.7 if arm == "shuffled" else 0.28
    return floor + 2.1 * math.exp(-step / 28) + _wobble(seed, step, 0.05)


def _scalars(run: RunRecord) -> list[Point]:
    """What an objective reports in the second half of the steps."""
    steps = range(STEPS // 2, run.step + 1) if run.arm == "sft-dpo" else ()
    values = [(step, step / 100 + _wobble(run.seed, step, 0.1)) for step in steps]
    return [Point(run=run.run, name="dpo.reward_margin", step=step, value=value) for step, value in values]


def _points(run: RunRecord) -> list[Point]:
    accuracy, reliance = FINAL[run.arm]
    if not run.total_steps:
        found = (("calls.accuracy", accuracy), ("calls.reliance", reliance))
        return [Point(run=run.run, name=n, step=0, value=v) for n, v in found] if run.state == "succeeded" else []
    points = []
    for step in range(run.step + 1):
        if step:
            points.append(Point(run=run.run, name="loss", step=step, value=_loss(run.arm, run.seed, step)))
        if step % 15 == 0 and (run.attempt or step):
            share = 1 - math.exp(-step / 45)
            up = 0.04 + (accuracy - 0.04) * share * 1.04 + (_wobble(run.seed, step, 0.02) if step else 0)
            lean = 0.06 + (reliance - 0.06) * share + (_wobble(run.seed + 1, step, 0.02) if step else 0)
            points.append(Point(run=run.run, name="calls.accuracy", step=step, value=up))
            points.append(Point(run=run.run, name="calls.reliance", step=step, value=lean))
    return points
