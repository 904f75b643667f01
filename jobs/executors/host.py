"""A process that holds a base model and its data, and forks the runs.

Weights, data and measurements of the base lie in memory once, and the next run loads nothing. What it is to hold is
the engine's matter (`engine.run.shared`).
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import reduction
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from engine.spec.errors import WorkerLost
from engine.spec.run import RunSpec, digest
from jobs.executors import worker
from jobs.paths import Home

LOST = 255  # also multiprocessing's exit code of a child whose fork server is gone
TICK = 0.02  # seconds between two looks at the children
FORK_SECONDS = 20.0  # a host that does not answer for so long is lost


class Host:
    """The lab's side: what the host holds, and its children. One thread's alone.

    Attributes:
        asked: Kinds of runs (`kind_of`) that it was asked to prepare for; `held`: those it has.
        models: Other models that it has been asked to load, by content.
        children: Process numbers of its runs at work; `codes`: exit codes of those that ended.
        lost: Whether it has ended, or does not answer.

    Args:
        launch: Starts a process that calls `main` with these arguments.
        prepare: "module:function" that makes what runs share.
        home: The data folder.
    """

    def __init__(
        self, launch: Callable[[tuple[Any, ...]], BaseProcess], pipe: Callable[[], Any], prepare: str, home: Home
    ) -> None:
        self._line, far_end = pipe()
        try:
            self._process = launch((far_end, prepare, home))
        finally:
            far_end.close()
        self.asked: set[str] = set()
        self.held: set[str] = set()
        self.models: set[str] = set()
        self._started: dict[str, int] = {}
        self.codes: dict[int, int] = {}
        self.children: set[int] = set()
        self.lost = False

    def ready(self, spec: RunSpec) -> bool:
        """Whether runs like this one can be forked at once; the first time it is asked, the host begins to prepare."""
        kind = kind_of(spec)
        if kind not in self.asked and not self.lost:
            self.asked.add(kind)
            self.models |= needed(spec)
            self._send(("prepare", spec.model_dump_json()))
        self.read()
        return kind in self.held

    def start(self, job: worker.Job, far_end: Any) -> Forked:
        """Fork a run that listens to `far_end`. Raises WorkerLost where the host does not answer."""
        self._send(("start", job))
        with suppress(OSError):
            reduction.send_handle(self._line, far_end.fileno(), self._process.pid)
        until = time.monotonic() + FORK_SECONDS
        while job.run not in self._started and not self.lost and time.monotonic() < until:
            self.read(TICK)
        if job.run not in self._started:
            self.lost = True
            raise WorkerLost("The process that holds the model is gone.", "It is started anew.")
        pid = self._started.pop(job.run)
        return Forked(self, pid)

    def read(self, seconds: float = 0.0) -> None:
        """Take in what the host has said; waits at most so long for the first word."""
        try:
            while not self.lost and self._line.poll(seconds):
                seconds = 0.0
                what, name, number = self._line.recv()
                if what == "ready":
                    self.held.add(name)
                elif what == "started":
                    self._started[name] = number
                    self.children.add(number)
                else:
                    self.children.discard(int(name))
                    self.codes[int(name)] = number
        except (OSError, EOFError):
            self.lost = True

    def close(self) -> None:
        """Let it end; children that still live are not touched."""
        self.lost = True
        with suppress(OSError):
            self._line.close()

    def _send(self, message: tuple[Any, ...]) -> None:
        try:
            self._line.send(message)
        except OSError:
            self.lost = True


class Forked:
    """A run's process that a host has forked, as far as `jobs.executors.local.Child` needs one."""

    def __init__(self, host: Host, pid: int) -> None:
        self.host, self.pid = host, pid

    @property
    def exitcode(self) -> int | None:
        """None while it runs; negative: the signal that ended it; 255: unknown, its host is gone."""
        self.host.read()
        if self.pid in self.host.codes:
            return self.host.codes[self.pid]
        return LOST if self.host.lost else None

    def join(self, seconds: float) -> None:
        """Wait for its end, at most so long."""
        until = time.monotonic() + seconds
        while self.exitcode is None and time.monotonic() < until:
            time.sleep(min(TICK, max(0.0, until - time.monotonic())))


def kind_of(spec: RunSpec) -> str:
    """Runs of the same kind share all that is prepared for them: what is measured, and which other models they use."""
    return digest([spec.measures, sorted(needed(spec))])


def needed(spec: RunSpec) -> set[str]:
    """The other models that a run uses, by content."""
    return {need.content for need in (*spec.tune.needs.values(), *spec.needs.values())}


def main(line: Connection, prepare: str, home: Home) -> None:
    """The host's own side: prepares, forks, and tells how children ended, until the lab is gone."""
    home.tell()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _be_silent()
    worker.be_nice()
    module, _, name = prepare.partition(":")
    make = getattr(importlib.import_module(module), name)
    shared: Any = None
    busy = False
    while True:
        try:
            if line.poll(0.0 if busy else TICK):
                what, content = line.recv()
                if what == "prepare":
                    shared = _prepared(make, RunSpec.model_validate_json(content), shared, home, line)
                else:
                    _fork(content, reduction.recv_handle(line), line, shared)
                busy = True
            elif busy:  # what runs to come will need, a little at a time
                busy = hasattr(shared, "work") and shared.work()
            _reap(line)
        except (OSError, EOFError):
            os._exit(0)


def _prepared(make: Callable[..., Any], spec: RunSpec, shared: Any, home: Home, line: Connection) -> Any:
    try:
        shared = make(spec, shared, weights=home.weights)
    except Exception as error:  # noqa: BLE001 - the run itself meets the same error, and says it where people look
        sys.stderr.write(f"{error}\n")
    line.send(("ready", kind_of(spec), 0))
    return shared


def _fork(job: worker.Job, fd: int, line: Connection, shared: Any) -> None:
    pid = os.fork()
    if pid == 0:
        line.close()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        worker.main(job, Connection(fd, writable=False), shared)
    os.close(fd)
    line.send(("started", job.run, pid))


def _reap(line: Connection) -> None:
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            line.send(("ended", str(pid), os.waitstatus_to_exitcode(status)))


def _be_silent() -> None:
    """Libraries print while they load; a run's own process has its log for that."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
