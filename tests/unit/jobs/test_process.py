from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from jobs.executors import worker
from jobs.executors.local import Launcher, alive, kill_tree, start_time
from jobs.lab import Lab
from jobs.paths import read_json
from jobs.queue import endings
from tests.support.patience import HANG
from tests.unit.jobs import fakes
from tests.unit.jobs.conftest import done, states, until

SCRIPT = """
import faulthandler
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # where a shell runs the tests with "&", Ctrl-C is ignored
with open(sys.argv[2], "a") as file:  # no guard around this: it tells who imports the main module
    file.write("imported\\n")
from jobs.lab import Lab
from tests.unit.jobs import fakes

if __name__ == "__main__":
    import time
    fakes.install()
    try:
        with Lab(sys.argv[1], slots=2, launcher=fakes.launcher()) as lab:
            trial = lab.enqueue(fakes.trial(fakes.study(steps=500, seconds=0.02), seeds=1))
            while not all(run.step >= 6 for run in lab.snapshot().runs):
                time.sleep(0.02)
            faulthandler.dump_traceback_later(20)  # says where it hangs, if it does
            print("ready", flush=True)
            while True:
                time.sleep(0.1)
    except KeyboardInterrupt:
        print("stopped", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals to a process group are POSIX")
def test_ctrl_c_in_the_terminal_leaves_checkpoints_and_the_main_module_is_imported_once(
    home: Path, tmp_path: Path, root: Path
) -> None:
    script, imported = tmp_path / "main.py", tmp_path / "imported"
    script.write_text(textwrap.dedent(SCRIPT))
    lab = subprocess.Popen(
        [sys.executable, str(script), str(home), str(imported)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert lab.stdout is not None
    assert lab.stdout.readline() == "ready\n"
    os.killpg(lab.pid, signal.SIGINT)
    try:
        out, err = lab.communicate(timeout=HANG)
    except subprocess.TimeoutExpired:
        os.killpg(lab.pid, signal.SIGKILL)
        pytest.fail(f"still there: {lab.communicate()}")
    assert out == "stopped\n"
    assert err == ""
    assert imported.read_text() == "imported\n"
    reader = Lab.reader(home)
    for run in reader.snapshot().runs:
        assert run.state == "interrupted"
        assert (read_json(reader.home.run(run.run) / "checkpoint.json") or {})["step"] == run.step
    reader.close()


def test_runs_are_spawned_where_nothing_can_be_forked(home: Path) -> None:
    launcher = fakes.launcher()
    launcher._forks, launcher._context = False, multiprocessing.get_context("spawn")
    with Lab(home, slots=2, launcher=launcher) as lab:
        lab.enqueue(fakes.trial(seeds=1))
        until(lambda: done(lab), 60)
        assert states(lab) == ["succeeded", "succeeded"]


def test_libraries_that_do_not_load_fail_the_run_and_say_so(home: Path) -> None:
    with Lab(
        home, slots=1, launcher=Launcher("no.such.module:execute", preload=["no.such.preload"], prepare="")
    ) as lab:
        lab.enqueue(fakes.trial(seeds=1, arms=("plain",)))
        until(lambda: done(lab))
        run = lab.snapshot().runs[0]
        assert run.state == "failed"
        assert "training libraries do not load" in run.reason
        assert "doctor" in run.hint


def test_a_number_used_again_is_not_the_same_process() -> None:
    here = psutil.Process()
    assert alive(here.pid, here.create_time())
    assert not alive(here.pid, here.create_time() - 100)
    assert not alive(None, None)
    assert start_time(2**22 + 1) == 0.0


def test_killing_takes_the_grandchildren_too() -> None:
    sleep = "import time; time.sleep(60)"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {sleep!r}]); {sleep}"
    parent = subprocess.Popen([sys.executable, "-c", code])
    until(lambda: psutil.Process(parent.pid).children())
    child = psutil.Process(parent.pid).children()[0]
    assert kill_tree(parent.pid, start_time(parent.pid))
    parent.wait(5)
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 5)
    assert not kill_tree(parent.pid, time.time())


class TestJudge:
    """Endings that no quick test can bring about."""

    def test_memory_kills_are_told_from_others(self, tmp_path: Path) -> None:
        told = endings.judge(None, "", -9, 1, tmp_path, killed_for_memory=True)
        assert (told.kind, told.state) == ("OutOfMemory", "failed")
        assert "SIGKILL" in told.reason
        assert endings.judge(None, "", -9, 1, tmp_path).kind == "WorkerLost"
        crash = endings.judge(None, "", -11, 1, tmp_path, killed_for_memory=True)
        assert crash.kind == "WorkerLost", "another process was killed: SIGSEGV is none of memory"
        assert "signal 77" in endings.judge(None, "", -77, 1, tmp_path).reason

    def test_a_full_disk_interrupts(self, tmp_path: Path) -> None:
        assert endings.judge(None, "", worker.DISK_FULL, 1, tmp_path).kind == "DiskFull"

    @pytest.mark.parametrize("intent", ["cancel", "stop", "close"])
    def test_a_finished_run_has_succeeded_whatever_was_asked(self, tmp_path: Path, intent: endings.Intent) -> None:
        assert endings.judge(True, intent, -9, 1, tmp_path).state == "succeeded"

    def test_an_old_failure_does_not_count(self, tmp_path: Path) -> None:
        (tmp_path / "failure.json").write_text('{"attempt": 1, "type": "Diverged", "message": "m", "hint": "h"}')
        assert endings.judge(None, "", worker.FAILED, 1, tmp_path).reason == "m"
        assert "code 2" in endings.judge(None, "", worker.FAILED, 2, tmp_path).reason

    def test_a_worker_that_ends_well_without_finishing_has_failed(self, tmp_path: Path) -> None:
        assert endings.judge(None, "", 0, 1, tmp_path).state == "failed"
