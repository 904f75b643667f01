"""A process that looks at a trial (`engine.run.inspection`): no training library is loaded beside the window."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from engine.spec import errors
from engine.spec.errors import LabError, OutOfMemory, RunError, WorkerLost
from engine.spec.trial import TrialSpec
from engine.spec.understanding import Inspection, Understanding
from jobs.executors import worker
from jobs.executors.local import PRELOAD, child_environment, kill_tree, start_time
from jobs.paths import Home
from jobs.queue.endings import memory_kills

TICK = 0.05  # seconds between two looks at whether to stop
LAST_WORDS = 3.0  # seconds that a process has to end once it is asked
CANCELLED = "The look at model and data was given up."
SMALLER = "Nothing was queued. Choose a smaller model or a smaller batch (--batch), or close other programs."


class Task(NamedTuple):
    """What the process is told.

    Attributes:
        trial: As JSON; `understanding` likewise, "" for none.
        free: Bytes of memory that may be used.
        scratch: A folder for what it writes on the way; the lab removes it.
        home: The data folder.
        target: "module:function" that looks: `engine.run.inspection.inspection.inspect` or what stands for it.
    """

    trial: str
    understanding: str
    free: int
    scratch: str
    home: str
    target: str = "engine.run.inspection.inspection:inspect"


def look(task: Task, cancel: threading.Event | None, tell: Callable[[str], None]) -> Inspection:
    """Have a process of its own look at a trial.

    Raises:
        RunError: It was cancelled.
        WorkerLost, OutOfMemory: The process ended without an answer.
        LabError: What the process found, as it found it.
    """
    forks = "forkserver" in multiprocessing.get_all_start_methods() and sys.platform != "win32"
    context: Any = multiprocessing.get_context("forkserver" if forks else "spawn")
    if forks:
        context.set_forkserver_preload(list(PRELOAD))
    line, far_end = context.Pipe()
    kills = memory_kills()
    process = context.Process(target=main, args=(task, far_end), name="inspection", daemon=True)
    try:
        with child_environment():
            process.start()
    except (OSError, EOFError) as error:
        line.close()
        raise WorkerLost(f"No process could be started: {error!r}.", "Is there memory left?") from error
    finally:
        far_end.close()
    try:
        while True:
            if cancel is not None and cancel.is_set():
                raise RunError(CANCELLED, "Nothing was queued.")
            try:
                if not line.poll(TICK):
                    continue
                what, content = line.recv()
            except (EOFError, OSError):
                process.join(LAST_WORDS)
                raise _lost(process.exitcode, memory_kills() > kills) from None
            if what == "found":
                return Inspection.model_validate_json(content)
            if what == "failed":
                raise _error(*content)
            tell(content)
    finally:
        _end(process, line)


def _end(process: Any, line: Connection) -> None:
    with suppress(OSError, ValueError):
        line.send_bytes(b"stop")
    process.join(LAST_WORDS)
    if process.exitcode is None:
        kill_tree(process.pid, start_time(process.pid or 0))
        process.join(LAST_WORDS)
    line.close()


def _lost(code: int | None, for_memory: bool) -> LabError:
    if code is not None and -code == getattr(signal, "SIGKILL", 9) and for_memory:
        return OutOfMemory("The system ended the look at the model for want of memory.", SMALLER)
    said = f"by signal {-code}" if code is not None and code < 0 else f"with code {code}"
    return WorkerLost(
        f"The process that looked at model and data ended {said}.", f"Someone killed it, or memory ran out. {SMALLER}"
    )


def _error(name: str, message: str, hint: str) -> LabError:
    """A known error from its class's name (`_class`)."""
    kind: Any = getattr(errors, name, LabError)
    return kind(message, hint)


def main(task: Task, line: Connection) -> None:
    """The process's own side: looks, says what was found, and ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop = threading.Event()
    threading.Thread(target=_watch, args=(line, stop), name="watchdog", daemon=True).start()
    tempfile.tempdir = task.scratch
    Home(Path(task.home)).tell()
    _be_silent()
    worker.be_nice()
    lock = threading.Lock()

    def say(what: str, content: Any) -> None:
        with lock, suppress(OSError):
            line.send((what, content))

    try:
        say("found", _look(task, stop, lambda text: say("told", text)).model_dump_json())
    except LabError as error:
        say("failed", (_class(error), error.message, error.hint))
    except Exception as error:  # noqa: BLE001 - whatever a library raises is said where people look
        if worker.no_memory(error):
            say("failed", ("OutOfMemory", "The model and a step of training do not fit into memory.", SMALLER))
        else:
            said = f"A bug stopped the look at model and data: {type(error).__name__}: {str(error)[:300]}"
            say("failed", ("RunError", said, f"Nothing was queued. {traceback.format_exc()[-2000:]}"))
    os._exit(0)  # libraries leave threads behind that would keep the process waiting


def _look(task: Task, stop: threading.Event, tell: Callable[[str], None]) -> Inspection:
    understanding = Understanding.model_validate_json(task.understanding) if task.understanding else None
    inspect: Callable[..., Inspection] = worker.function(task.target)
    trial = TrialSpec.model_validate_json(task.trial)
    return inspect(trial, understanding, free=task.free, stop=stop, tell=tell)


def _class(error: LabError) -> str:
    """The nearest class of `engine.spec.errors` that an error is one of."""
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == errors.__name__)


def _watch(line: Connection, stop: threading.Event) -> None:
    """Any message asks to stop; the end of the line means that the lab is gone."""
    with suppress(EOFError, OSError):
        line.recv_bytes()
    stop.set()
    threading.Event().wait(LAST_WORDS)
    os._exit(worker.ORPHANED)


def _be_silent() -> None:
    """What libraries print while they load has no place here: what is wrong comes as an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
