"""A lab over the fake recipe, and ways to wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from engine import methods
from engine.spec.runs import RunRecord
from jobs.executors.local import kill_tree, start_time
from jobs.lab import Lab, LabReader
from tests.support.patience import HANG
from tests.unit.jobs import fakes


def until(true: Callable[[], object], seconds: float = HANG) -> None:
    """Wait for something; fail with what was waited for."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        time.sleep(0.02)


def states(lab: LabReader) -> list[str]:
    return [run.state for run in lab.snapshot().runs]


def one(lab: LabReader, run: str) -> RunRecord:
    return next(r for r in lab.snapshot().runs if r.run == run)


def done(lab: LabReader) -> bool:
    """Whether no run waits or works."""
    return not {"queued", "running"} & set(states(lab))


def workers(lab: LabReader) -> list[psutil.Process]:
    """Processes that work on a run of this lab: those whose log is open in its folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and any(
                f.path.startswith(str(lab.home.runs)) for f in process.open_files()
            ):
                found.append(process)
        except psutil.Error:
            continue
    return [p for p in found if p.pid != psutil.Process().pid]


@pytest.fixture(autouse=True)
def _fake_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "found", fakes.known)


@pytest.fixture
def open_lab(home: Path) -> Iterator[Callable[..., Lab]]:
    """Opens labs in this test's folder; closes what is still open, and ends what a failed test left."""
    opened: list[Lab] = []

    def make(slots: int = 2) -> Lab:
        opened.append(Lab(home, slots=slots, launcher=fakes.launcher()))
        return opened[-1]

    yield make
    for lab in opened:
        lab.close(3)
        for process in workers(lab):
            kill_tree(process.pid, start_time(process.pid))


@pytest.fixture
def lab(open_lab: Callable[..., Lab]) -> Lab:
    """A lab with two slots."""
    return open_lab()
