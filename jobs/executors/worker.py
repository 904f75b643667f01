"""The child's side: one run in one process. Light to import: what is heavy was loaded before the fork."""

from __future__ import annotations

import errno
import faulthandler
import importlib
import os
import signal
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from engine.spec.errors import LabError, OutOfMemory, RunError, WorkerLost
from engine.spec.plugins.discovery import place_of
from engine.spec.run import RunSpec
from engine.spec.stopping import Stopped
from jobs.paths import Home, write_json

DONE, BUG, FAILED, STOPPED, DISK_FULL, ORPHANED = 0, 1, 2, 3, 4, 5
"""Exit codes of a worker; `jobs.queue.endings` reads them."""

NICE = 10
ORPHAN_SECONDS = 4.0
LOCK_SECONDS = 15.0


@dataclass(frozen=True)
class Job:
    """What a worker is told.

    Attributes:
        run: The run's hash.
        spec: The RunSpec as JSON.
        folder: The run's folder, in `runs` of the data folder; exists.
        attempt: Counts this run's starts.
        target: "module:function" that does the work: `execute(spec, folder, stop, kept=...)`.
    """

    run: str
    spec: str
    folder: str
    attempt: int
    target: str = "engine.run.execute:execute"


def main(job: Job, line: Connection, shared: Any = None) -> None:
    """Do the job and end the process.

    Args:
        line: Comes from the lab: any message asks for a stop, its end means that the lab is gone.
        shared: What the process it was forked from holds for all runs, if there is such a one.
    """
    stop = threading.Event()
    for name in ("SIGINT", "SIGBREAK"):  # Ctrl-C reaches the whole terminal; the lab decides what is stopped
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    folder = Path(job.folder)
    Home(folder.parent.parent).tell()
    threading.Thread(target=_watch, args=(line, stop), name="watchdog", daemon=True).start()
    code = BUG
    try:
        _talk_to(folder / "run.log", job.attempt)
        be_nice()
        code = _work(job, folder, stop, shared)
    except OSError as error:
        traceback.print_exc()
        code = DISK_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else BUG
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):  # a full disk or a closed log: the exit code is what counts
                code = code or BUG
        os._exit(code)  # libraries leave threads behind that would keep the process waiting


def _work(job: Job, folder: Path, stop: threading.Event, shared: Any) -> int:
    # A child of a lab that was killed may still be writing its last checkpoint here.
    lock = FileLock(folder / "run.lock", timeout=LOCK_SECONDS, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return _fail(job, folder, WorkerLost("Another process still works on this run.", "Wait a moment, then retry."))
    (folder / "failure.json").unlink(missing_ok=True)
    write_json(folder / "worker.json", {"pid": os.getpid(), "started": psutil.Process().create_time()})
    if stop.is_set():
        return STOPPED
    try:
        spec = RunSpec.model_validate_json(job.spec)
        more = {} if shared is None else {"shared": shared}
        function(job.target)(spec, folder, stop, kept=Home(folder.parent.parent).weights, **more)
        return DONE
    except Stopped:
        return STOPPED
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        return _fail(job, folder, error)
    except Exception as error:  # noqa: BLE001 - whatever a run raises is its failure
        return _fail(job, folder, error)


def function(target: str) -> Any:
    """What a "module:function" names. Raises RunError where its libraries do not load."""
    module, _, name = target.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, OSError) as error:
        raise RunError(
            f"The training libraries do not load: {error}.", "`python main.py doctor` says what is missing."
        ) from error


def _fail(job: Job, folder: Path, error: Exception) -> int:
    """Write failure.json: a known error by its words, a bug with its traceback."""
    trace = "".join(traceback.format_exception(error))
    sys.stderr.write(trace)
    if no_memory(error):
        error = OutOfMemory(
            f"The run needed more memory than there is: {_first_line(error)}",
            "Close other programs, run fewer at once, or choose a smaller batch; then retry.",
        )
    known = isinstance(error, LabError)
    write_json(
        folder / "failure.json",
        {
            "attempt": job.attempt,
            "type": type(error).__name__,
            "message": error.message if known else _bug(error),
            "hint": error.hint if known else "The run's folder holds run.log and failure.json with the whole story.",
            "traceback": trace,
        },
    )
    return FAILED if known else BUG


def no_memory(error: Exception) -> bool:
    """Whether a library's error says that there was not enough memory."""
    if isinstance(error, LabError):
        return False
    # torch says it in its own class on a GPU and in words on a CPU; torch is not imported here to ask it.
    words = ("out of memory", "can't allocate memory", "cannot allocate memory")
    named = type(error).__name__ == "OutOfMemoryError"
    return isinstance(error, MemoryError) or named or any(w in str(error).lower() for w in words)


def _bug(error: Exception) -> str:
    said, place = f"{type(error).__name__}: {_first_line(error)}", place_of(error)
    return f"A file of your own stopped this run ({place}): {said}" if place else f"A bug stopped this run: {said}"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["(no message)"])[0][:300]


def _talk_to(log: Path, attempt: int) -> None:
    """Send whatever this process prints, from Python or from C, to the run's log."""
    fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    os.close(fd)
    sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    faulthandler.enable(sys.stderr)
    sys.stdout.write(f"--- attempt {attempt}, process {os.getpid()}, {time.strftime('%Y-%m-%d %H:%M:%S')}\n")


def be_nice() -> None:
    """The window and the user's other programs come first."""
    try:
        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else NICE)
    except (psutil.Error, OSError) as error:  # a slower window is no reason to fail a run
        sys.stderr.write(f"The priority could not be lowered: {error}\n")


def _watch(line: Connection, stop: threading.Event) -> None:
    try:
        while True:
            line.recv_bytes()
            stop.set()
    except (EOFError, OSError):
        stop.set()
        # The lab is gone. Whatever the run is doing, it must not outlive it for long; its checkpoints stand.
        time.sleep(ORPHAN_SECONDS)
        os._exit(ORPHANED)


def idle() -> None:
    """A job that does nothing: proof that the process all runs fork from is up."""
