from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from engine.spec.errors import SpecError, StoreError
from jobs.lab import Lab, default_slots
from jobs.queue.supervisor import Supervisor
from jobs.store.records import Curves, Snapshot
from tests.unit.jobs import fakes
from tests.unit.jobs.conftest import done, until


def test_opening_the_lab_loads_no_training_library(home: Path, root: Path) -> None:
    code = (
        "import sys; from jobs.lab import Lab; lab = Lab(sys.argv[1]); lab.snapshot(); lab.studies(); lab.broken()\n"
        "lab.close(); bad = {'torch','transformers','peft','trl','datasets','PySide6'} & set(sys.modules); print(bad)\n"
        "sys.exit(bool(bad))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(home)], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_many_threads_read_while_runs_work(lab: Lab) -> None:
    trial = lab.enqueue(fakes.trial(fakes.study(steps=40)))
    seen: list[Snapshot | Curves] = []
    wrong: list[Exception] = []

    def read() -> None:
        cursor = 0
        try:
            while not lab.snapshot(trial).trials[0].finished:
                found = lab.curves(trial, cursor)
                assert found.cursor >= cursor
                cursor = found.cursor
                seen.append(found)
        except Exception as error:  # noqa: BLE001 - told by the main thread
            wrong.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert seen


def test_curves_by_cursor_add_up_to_the_whole(lab: Lab) -> None:
    trial = lab.enqueue(fakes.trial(fakes.study(steps=40)))
    points, cursor = [], 0
    while not lab.snapshot(trial).trials[0].finished:
        new = lab.curves(trial, cursor)
        points += new.points
        cursor = new.cursor
    points += lab.curves(trial, cursor).points
    assert tuple(points) == lab.curves(trial, 0).points


def test_a_reader_needs_no_lock_and_no_writer(open_lab: Callable[..., Lab]) -> None:
    lab = open_lab()
    trial = lab.enqueue(fakes.trial(seeds=1))
    reader = Lab.reader(lab.home)
    until(lambda: done(reader))
    assert reader.trial(trial) == fakes.trial(seeds=1)
    lab.close()
    assert len(reader.run_results(trial)) == 2
    reader.close()
    again = Lab.reader(lab.home)
    assert [t.id for t in again.snapshot().trials] == [trial]
    with pytest.raises(StoreError, match="no trial 'x'"):
        again.trial("x")
    with pytest.raises(StoreError, match="no trial 'x'"):
        again.snapshot("x")
    again.close()


def test_a_folder_without_a_lab_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="There is no lab"):
        Lab.reader(tmp_path / "nothing").snapshot()
    assert not (tmp_path / "nothing").exists()


def test_a_start_that_is_interrupted_leaves_no_writer_behind(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Supervisor] = []

    class Interrupted(Supervisor):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            begun.append(self)
            self.reconciled = Mock(wait=Mock(side_effect=KeyboardInterrupt), is_set=lambda: True)

    with monkeypatch.context() as patch:
        patch.setattr("jobs.lab.Supervisor", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            Lab(home, slots=1, launcher=fakes.launcher())
    assert not begun[0]._thread.is_alive(), "another lab may open the folder now, and there is one writer at a time"
    Lab(home, slots=1, launcher=fakes.launcher()).close()


def test_a_closed_lab_says_so(lab: Lab) -> None:
    lab.close()
    lab.close()
    with pytest.raises(StoreError, match="closed"):
        lab.pause()
    with pytest.raises(StoreError, match="closed"):
        lab.curves("x")


@pytest.mark.parametrize("slots", [0, -1, 100_000])
def test_slots_out_of_range_are_refused(home: Path, slots: int) -> None:
    with pytest.raises(SpecError, match="slots"):
        Lab(home, slots=slots)


def test_the_variable_says_how_many_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNING_FORK_SLOTS", "7")
    assert default_slots() == 7
    monkeypatch.setenv("TUNING_FORK_SLOTS", "many")
    with pytest.raises(SpecError, match="many"):
        default_slots()
    monkeypatch.delenv("TUNING_FORK_SLOTS")
    assert default_slots() >= 1
