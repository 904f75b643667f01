"""A lab that plays back what is written for it, and the command line over it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from engine.analysis.registration import registration
from engine.spec.reference import DataRef, ModelRef
from engine.spec.result import (
    ArmResult,
    Interval,
    Look,
    MetricInfo,
    PrimaryResult,
    Registration,
    Result,
    RunEntry,
    StudyResult,
    Verdict,
)
from engine.spec.runs import Context, Detectable, Planned, Point, RunRecord
from engine.spec.trial import TrialSpec
from jobs import console
from jobs.commands import run as run_command
from jobs.paths import Home
from jobs.store.records import Curves, Snapshot, TrialRecord

TRIAL = "nli-frequency-quick-0123abcd"
EVIL = "[bold]\x1b[31mred\x1b[0m\u202eesrever"


def trial_record(runs: Sequence[RunRecord]) -> TrialRecord:
    return TrialRecord(
        id=TRIAL,
        study="nli-frequency",
        question="?",
        scale="quick",
        seeds=1,
        begun=1,
        model="m",
        created=0,
        arms=(("base", "base"), ("balanced", "balanced")),
        runs=tuple(r.run for r in runs),
        done=sum(r.state == "succeeded" for r in runs),
        failed=sum(r.state == "failed" for r in runs),
    )


def snapshot(*states: str, paused: bool = False, reason: str = "") -> Snapshot:
    """A trial of two arms and one seed, with its runs in these states."""
    runs = tuple(
        RunRecord.model_validate(
            {"run": f"{at:x}" * 16, "arm": arm, "seed": 0, "state": state, "created": 0, "step": 5, "total_steps": 10}
            | ({"reason": f"the loss became {EVIL}", "hint": "Lower it."} if state == "failed" else {})
            | ({"seconds": 2.5} if state == "succeeded" else {})
        )
        for at, (arm, state) in enumerate(zip(("base", "balanced"), states, strict=True))
    )
    return Snapshot(
        trials=(trial_record(runs),),
        runs=runs,
        paused=paused,
        slots=2,
        running=sum(r.state == "running" for r in runs),
        memory_used=1,
        memory_total=2,
        reason=reason,
    )


def result() -> Result:
    primary = PrimaryResult(
        probe="entailment", metric="reliance", contrast=("balanced", "base"), expected="greater", margin=0.03
    )
    study = StudyResult(
        id="nli-frequency",
        trial=TRIAL,
        question="Meaning or frequency?",
        claim="",
        source="",
        published="",
        scale="quick",
        note="These numbers mean nothing.",
        seeds=1,
        primary=primary,
    )
    arms = tuple(
        ArmResult(
            name=name,
            label=f"{name} {EVIL}",
            method="sft",
            role="arm",
            trains=True,
            runs=(RunEntry(seed=0, run="0" * 16, status="succeeded", seconds=2.5),),
            summary=(
                Interval(metric="entailment.accuracy", mean=0.7125, ci=(0.65, 0.775), n_seeds=3),
                Interval(metric="entailment.reliance", mean=-0.1, ci=None, n_seeds=1),
            ),
        )
        for name in ("base", "balanced")
    )
    metrics = (
        MetricInfo(metric="entailment.accuracy", label="Accuracy", unit="share", direction="up"),
        MetricInfo(metric="entailment.reliance", label="Reliance", unit="difference", direction="down"),
    )
    return Result(
        study=study,
        model={"name": "m", "parameters": 1000, "digest": "d"},
        data={"name": "d", "digest": "d"},
        arms=arms,
        contrasts=(),
        checks=(),
        metrics=metrics,
        accuracy="entailment.accuracy",
        reliance="entailment.reliance",
        verdict=Verdict(code="learned", label="Learned", tone="good", text="It learned."),
        provenance={},
    )


class FakeLab:
    """Plays back snapshots; the last one stays."""

    script: Sequence[Snapshot] = ()
    during: Callable[[int], None] = staticmethod(lambda look: None)
    expected: Detectable | None = None
    before: tuple[Look, ...] = ()

    def __init__(self, home: Home) -> None:
        self.home = home
        self.looks = -1
        self.calls: list[str] = []
        FakeLab.last = self

    def __enter__(self) -> FakeLab:
        return self

    def __exit__(self, *error: object) -> None:
        self.calls.append("exit")

    def warm(self) -> None:
        self.calls.append("warm")

    def enqueue(self, trial: TrialSpec) -> str:
        self.trial = trial
        self.calls.append("enqueue")
        return TRIAL

    def snapshot(self, trial: str | None = None) -> Snapshot:
        self.looks += 1
        self.during(self.looks)
        return self.script[min(self.looks, len(self.script) - 1)]

    def curves(self, trial: str, since: int = 0, measured: bool = True) -> Curves:
        if since or self.looks < 2:  # a first look shows what there was before
            return Curves(points=(), cursor=since)
        loss = Point(run="1" * 16, name="loss", step=5, value=0.75)
        return Curves(points=(loss, Point(run="1" * 16, name="entailment.reliance", step=5, value=0.25)), cursor=9)

    def first(self, run: str) -> None:
        self.calls.append(f"first {run[0]}")

    def resume(self) -> None:
        self.calls.append("resume")

    def close(self, timeout: float) -> None:
        self.calls.append("close")

    def registration(self, trial: str) -> Registration:
        planned = Planned(digest=self.trial.registration, detectable=self.expected)
        context = Context(queued=0.0, planned=planned, looks=self.before)
        return registration(self.trial, context)

    def result(self, trial: str) -> Result:
        return result()


def main(*argv: str) -> int:
    return console.main(argv, no_window)


def no_window(home: Path | None) -> int:
    raise AssertionError("no window was asked for")


def scripted(monkeypatch: pytest.MonkeyPatch) -> type[FakeLab]:
    """`run` with a scripted lab, and a plan that needs no model on the disk."""

    def ready(
        home, study, scale="quick", seeds=None, arms=None, model=None, data=None, options=None, models=None, until=None,
        tell=None,
    ):  # fmt: skip
        reference = ModelRef(name="m", path="", digest="d")
        names = tuple(a.name for a in study.arms if arms is None or a.name in arms)
        looks = study.scales[scale].looks_until(until.most) if until else ()
        return TrialSpec(
            study=study, scale=scale, seeds=looks[-1] if looks else seeds or 1, arms=names, model=reference,
            data=DataRef(source="s"), looks=looks,
        )  # fmt: skip

    monkeypatch.setattr(run_command, "Lab", FakeLab)
    monkeypatch.setattr(run_command, "ready", ready)
    monkeypatch.setattr(run_command, "POLL", 0.001)
    monkeypatch.setattr(FakeLab, "during", staticmethod(lambda look: None))
    queued = snapshot("queued", "queued", reason="loading the libraries")
    script = [queued, queued, snapshot("succeeded", "running"), snapshot("succeeded", "succeeded")]
    monkeypatch.setattr(FakeLab, "script", script)
    return FakeLab
