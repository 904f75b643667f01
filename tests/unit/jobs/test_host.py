"""Runs are forked from a process that holds what they share, and it may fail in any way without losing a run."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.spec.run import RunSpec
from engine.tuning.journal import Journal
from jobs.executors.local import Launcher, alive
from jobs.lab import Lab
from jobs.queue import foresight
from tests.unit.jobs import fakes
from tests.unit.jobs.conftest import done, states, until

HERE = "tests.unit.jobs.test_host"
BROKEN = "tell me the model does not load"
DEADLY = "more than there is memory for"

pytestmark = pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(), reason="nothing can be forked here"
)


def prepare(spec: RunSpec, shared: Any, weights: Path) -> dict[str, Any]:
    """What the engine's `prepare` stands for: made once, then handed on."""
    if spec.tune.method.settings["trouble"] == BROKEN:
        raise RuntimeError(BROKEN)
    if spec.tune.method.settings["trouble"] == DEADLY:
        os.kill(os.getpid(), signal.SIGKILL)  # as the system does where memory ends
    shared = shared or {"made": os.getpid(), "times": 0}
    shared["times"] += 1
    return shared


def execute(spec: RunSpec, folder: Path, stop: threading.Event, kept: Path, shared: Any = None) -> None:
    """The fake recipe, which also writes down what it was given."""
    (folder / "shared.json").write_text(json.dumps({"shared": shared, "pid": os.getpid(), "parent": os.getppid()}))
    fakes.execute(spec, folder, stop, kept)


def broken_after_all(spec: RunSpec, folder: Path, stop: threading.Event, kept: Path, shared: Any = None) -> None:
    """A run that meets the error which its host met, or runs where there was none."""
    if spec.tune.method.settings["trouble"] == BROKEN:
        raise RuntimeError(BROKEN)
    with Journal(folder) as log:
        log.emit("started", total_steps=0, threads=1, device="cpu", versions={})
        log.emit("finished", seconds=0.1, adapter="")


@pytest.fixture
def lab(home: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    target = getattr(request, "param", "execute")
    launcher = Launcher(
        f"{HERE}:{target}", preload=["jobs.executors.worker", "engine.tuning.journal"], prepare=f"{HERE}:prepare"
    )
    with Lab(home, slots=2, launcher=launcher) as opened:
        yield opened


def told(lab: Lab) -> list[dict[str, Any]]:
    return [json.loads((lab.home.run(run.run) / "shared.json").read_text()) for run in lab.snapshot().runs]


def test_the_next_study_is_foreseen_once_and_only_after_a_rest(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foresight, "REST", 0.7)
    asked: list[float] = []

    def likely(last: RunSpec) -> list[RunSpec]:
        asked.append(time.time())
        return [last]

    monkeypatch.setattr(lab._supervisor._foresight, "_likely", likely)
    lab.enqueue(fakes.trial(seeds=1))
    until(lambda: done(lab), 60)
    until(lambda: asked)
    ended = max(run.finished or 0.0 for run in lab.snapshot().runs)
    assert asked[0] - ended >= 0.7
    time.sleep(1.0)
    assert len(asked) == 1
    lab.enqueue(fakes.trial(seeds=2))
    until(lambda: len(asked) == 2, 60)
    assert set(states(lab)) == {"succeeded"}


def test_what_runs_share_is_made_once_and_all_are_forked_from_it(lab: Lab) -> None:
    lab.enqueue(fakes.trial(seeds=3))
    until(lambda: done(lab), 60)
    assert set(states(lab)) == {"succeeded"}
    found = told(lab)
    assert len({entry["pid"] for entry in found}) == len(found) > 3
    (host,) = {entry["shared"]["made"] for entry in found}
    assert {entry["parent"] for entry in found} == {host}
    assert {entry["shared"]["times"] for entry in found} == {1}


def test_what_the_next_study_needs_is_prepared_while_nothing_is_to_be_done(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = Launcher(
        f"{HERE}:execute", preload=["jobs.executors.worker", "engine.tuning.journal"], prepare=f"{HERE}:prepare"
    )
    asked: list[str] = []
    ready = launcher.ready
    monkeypatch.setattr(launcher, "ready", lambda spec: asked.append(spec.study) or ready(spec))
    with Lab(home, slots=2, launcher=launcher) as lab:
        first = fakes.trial(seeds=1)
        lab.enqueue(first)
        until(lambda: {study.id for study in lab.studies()} <= set(asked), 60)
        assert done(lab)
        later = asked.index(lab.studies()[0].id)
        assert set(asked[:later]) == {first.study.id}


def test_the_host_ends_with_the_lab(lab: Lab) -> None:
    lab.enqueue(fakes.trial(seeds=1))
    until(lambda: done(lab), 60)
    host = psutil.Process(told(lab)[0]["shared"]["made"])
    started = host.create_time()
    lab.close()
    until(lambda: not alive(host.pid, started), 10)


def test_a_host_that_is_killed_costs_no_run_its_result(lab: Lab) -> None:
    lab.enqueue(fakes.trial(fakes.study(steps=60, seconds=0.03), seeds=1))
    until(lambda: len([r for r in lab.snapshot().runs if r.step >= 6]) == 2, 60)
    first = told(lab)[0]["shared"]["made"]
    os.kill(first, signal.SIGKILL)
    until(lambda: {r.state for r in lab.snapshot().runs}.isdisjoint({"running", "queued"}), 30)
    lost = [run for run in lab.snapshot().runs if run.state != "succeeded"]
    for run in lost:
        assert run.reason
        lab.retry(run.run)
    until(lambda: done(lab), 60)
    assert set(states(lab)) == {"succeeded"}
    assert all(json.loads((lab.home.run(r.run) / "shared.json").read_text())["shared"]["made"] != first for r in lost)


@pytest.mark.parametrize("lab", ["broken_after_all"], indirect=True)
def test_an_error_while_preparing_is_the_runs_own_to_tell(lab: Lab) -> None:
    lab.enqueue(fakes.trial(fakes.study(trouble=BROKEN), seeds=1, arms=("odd",)))
    until(lambda: done(lab), 60)
    (run,) = lab.snapshot().runs
    assert run.state == "failed"
    assert BROKEN in run.reason


def test_a_host_that_ends_while_it_prepares_is_not_started_for_ever(lab: Lab) -> None:
    lab.enqueue(fakes.trial(fakes.study(trouble=DEADLY), seeds=1, arms=("odd",)))
    until(lambda: done(lab), 60)
    assert states(lab) == ["succeeded"], "in a process of its own, which the fake survives"
    (entry,) = told(lab)
    assert entry["shared"] is None


def test_a_run_can_be_stopped_and_killed_like_any_other(lab: Lab) -> None:
    lab.enqueue(fakes.trial(fakes.study(steps=500, seconds=0.02), seeds=1))
    until(lambda: all(run.step >= 6 for run in lab.snapshot().runs), 60)
    stopped, killed = lab.snapshot().runs
    lab.stop(stopped.run)
    os.kill(next(e["pid"] for r, e in zip(lab.snapshot().runs, told(lab), strict=True) if r.run == killed.run), 9)
    until(lambda: {r.state for r in lab.snapshot().runs}.isdisjoint({"running", "queued"}), 30)
    by_run = {r.run: r for r in lab.snapshot().runs}
    assert by_run[stopped.run].state == "paused"
    assert by_run[killed.run].state != "succeeded"
    assert by_run[killed.run].reason
