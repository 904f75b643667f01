"""The lab's side of a child: starting it from a warm process, asking it to stop, and leaving none behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker, spawn
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil

from engine.spec.errors import WorkerLost
from engine.spec.run import RunSpec
from jobs.executors import host, worker
from jobs.executors.host import LOST, Forked, Host
from jobs.paths import Home, read_json

ENVIRONMENT: Mapping[str, str] = {
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # looking for a GPU must not keep a process from forking
    # Memory that a step has freed is kept for the next one, not given back and zeroed again (glibc alone knows these).
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 28),
    "MALLOC_TOP_PAD_": str(1 << 26),
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "512",  # kernels, one for each shape; few of 1024 would come again
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin starve everything else on a shared machine
    "OMP_NUM_THREADS": "1",  # one thread in each of two runs is faster than two in one
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
PRELOAD = ("jobs.executors.preload",)
HOSTS = 2  # base models that are held at once, beside those with runs at work
SAME_START = 2.0  # seconds by which a process's start time may differ between two readings of the clock

_changing = threading.Lock()


class Child:
    """One run's process."""

    def __init__(self, job: worker.Job, process: BaseProcess | Forked, line: Any) -> None:
        self.job = job
        self.pid: int = process.pid or 0
        self.started = start_time(self.pid)
        self._process = process
        self._line = line

    def ask_to_stop(self) -> None:
        """Ask for a checkpoint and an end. A child that has ended already is no error."""
        with suppress(OSError, ValueError):
            self._line.send_bytes(b"stop")

    def kill(self) -> None:
        """End the process and whatever it started, now."""
        kill_tree(self.pid, self.started)

    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it; 255: unknown, its fork server is gone."""
        code = self._process.exitcode
        if code == LOST:
            self.kill()  # it can no longer be waited for, so it must not work on unseen
        return code

    def wait(self, seconds: float) -> int | None:
        """The exit code, after at most so many seconds."""
        self._process.join(seconds)
        return self.exit_code()

    def close(self) -> None:
        """Let go of the pipe. A child that still lives sees the lab gone and ends."""
        with suppress(OSError):
            self._line.close()


class Launcher:
    """Starts children: forked where the platform can, from a host that holds their model; else spawned.

    Args:
        target: "module:function" that does a run's work.
        preload: Modules the warm process imports.
        prepare: "module:function" that makes what runs on one model share (`host.py`); "": they share nothing.
    """

    def __init__(
        self,
        target: str = "engine.run.execute:execute",
        preload: Sequence[str] = PRELOAD,
        prepare: str = "engine.run.shared:prepare",
    ) -> None:
        self.target = target
        self.home = Home.at()  # the lab names its own
        self.error: str = ""
        self._forks = "forkserver" in multiprocessing.get_all_start_methods() and sys.platform != "win32"
        self._context: Any = multiprocessing.get_context("forkserver" if self._forks else "spawn")
        if self._forks:
            self._context.set_forkserver_preload(list(preload))
        self._prepare = prepare
        self._hosts: dict[str, Host] = {}  # by the model's digest, the latest asked for last
        self._alone: set[str] = set()  # kinds of runs (`host.kind_of`) for which no host can be had
        self._ready = threading.Event()
        self._warming: threading.Thread | None = None
        self._asking = threading.Lock()

    def warm(self) -> bool:
        """Begin to load the libraries if that has not begun. Returns whether children can be started at once."""
        if not self._forks:
            return True
        with self._asking:  # the window may ask while the supervisor does
            if self._warming is None:
                self.error = ""
                self._warming = threading.Thread(target=self._warm, name="warm-up", daemon=True)
                self._warming.start()
        return self._ready.is_set()

    def _warm(self) -> None:
        try:
            process = self._context.Process(target=worker.idle, daemon=True)
            with child_environment():
                process.start()
            process.join()
            self._ready.set()
        except Exception as error:  # noqa: BLE001 - said by whoever asks `error`; the next warm() tries again
            self.error = f"{type(error).__name__}: {error}"
            self._warming = None

    @property
    def shares(self) -> bool:
        """Whether runs are forked from a process that holds what they share."""
        return self._forks and bool(self._prepare)

    def ready(self, spec: RunSpec) -> bool:
        """Whether a run can be started at once; if not, what it shares with others of its kind is being prepared."""
        kind = host.kind_of(spec)
        if not self.shares or kind in self._alone:
            return True
        held = self._hosts.pop(spec.model.digest, None)
        if held is not None and held.lost and kind in held.asked - held.held:
            self._alone.add(kind)  # it ended while it prepared: the run itself will meet the reason, and say it
            return True
        if held is None or held.lost:
            held = Host(self._launch_host, self._context.Pipe, self._prepare, self.home)
        self._hosts[spec.model.digest] = held
        idle = [digest for digest, other in self._hosts.items() if not other.children]
        for digest in idle[:-HOSTS]:
            self._hosts.pop(digest).close()
        return held.ready(spec)

    def unloaded(self, spec: RunSpec) -> set[str]:
        """Those of a run's models, by content, that no process holds for it: the base model's digest among them."""
        models = {spec.model.digest, *host.needed(spec)}
        if not self.shares or host.kind_of(spec) in self._alone:
            return models
        held = self._hosts.get(spec.model.digest)
        return models if held is None or held.lost else models - {spec.model.digest} - held.models

    def reset(self) -> None:
        """The warm process is gone: the next `warm()` starts another."""
        self._ready.clear()
        self._warming = None

    def close(self) -> None:
        """Let the hosts end."""
        while self._hosts:
            self._hosts.popitem()[1].close()

    def start(self, run: str, spec: str, folder: Path, attempt: int) -> Child:
        """Start a run's process. Raises WorkerLost where the system refuses."""
        job = worker.Job(run, spec, str(folder), attempt, self.target)
        line, far_end = None, None
        try:
            far_end, line = self._context.Pipe(duplex=False)
            return Child(job, self._process(job, far_end), line)
        except (OSError, EOFError) as error:
            self.reset()
            if line is not None:
                line.close()
            raise WorkerLost(f"A run's process could not be started: {error!r}.", "Is there memory left?") from error
        finally:
            if far_end is not None:
                far_end.close()

    def _process(self, job: worker.Job, far_end: Any) -> BaseProcess | Forked:
        held = self._hosts.get(RunSpec.model_validate_json(job.spec).model.digest) if self._hosts else None
        if held is not None and not held.lost:
            with suppress(WorkerLost):  # the run can as well do without
                return held.start(job, far_end)
        process = self._context.Process(target=worker.main, args=(job, far_end), name=f"run-{job.run}")
        with child_environment():
            process.start()
        return process

    def _launch_host(self, arguments: tuple[Any, ...]) -> BaseProcess:
        process = self._context.Process(target=host.main, args=arguments, name="host", daemon=True)
        with child_environment():
            process.start()
        return process


@contextmanager
def child_environment() -> Iterator[None]:
    """What children must find when they begin: environment, import path, a quiet Ctrl-C, and no second `__main__`.

    Libraries read their environment when they are loaded, so it must stand before the warm process starts. The main
    module is kept out of children: it would open the window again, and they need nothing of it.
    """
    paths = [p or str(Path.cwd()) for p in sys.path]
    wanted = {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
    with _changing:
        before = {name: os.environ.get(name) for name in wanted}
        describe = spawn.get_preparation_data
        blocked = hasattr(signal, "pthread_sigmask")
        if blocked:
            resource_tracker.ensure_running()  # it would unblock the signal again, were it started later
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if blocked else set()
        try:
            os.environ.update(wanted)
            spawn.get_preparation_data = lambda name: {  # pyright: ignore[reportAttributeAccessIssue]
                key: value for key, value in describe(name).items() if not key.startswith("init_main_from")
            }
            yield
        finally:
            spawn.get_preparation_data = describe  # pyright: ignore[reportAttributeAccessIssue]
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            if blocked:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def start_time(pid: int) -> float:
    """When a process began (seconds since 1970); 0.0 where it is gone."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0


def alive(pid: int | None, started: float | None) -> bool:
    """Whether this very process lives: the same number and the same start, since numbers are used again."""
    if not pid or not started:
        return False
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < SAME_START and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def kill_tree(pid: int | None, started: float | None) -> bool:
    """Kill a process and all it started. Returns whether it was there."""
    if not pid or not alive(pid, started):
        return False
    try:
        process = psutil.Process(pid)
        family = [*process.children(recursive=True), process]
    except psutil.Error:
        return False
    for member in family:
        with suppress(psutil.Error):
            member.kill()
    psutil.wait_procs(family, timeout=3)
    return True


def kill_leftover(folder: Path, pid: int | None, started: float | None) -> None:
    """End the process that an earlier lab left at work on a run, as the database or the run's folder names it."""
    kill_tree(pid, started)
    told = read_json(folder / "worker.json") or {}
    if isinstance(told.get("pid"), int) and isinstance(told.get("started"), float):
        kill_tree(told["pid"], told["started"])


def wait_all(children: Sequence[Child], seconds: float) -> list[Child]:
    """Wait until all have ended or the time is over. Returns those that still live."""
    until = time.monotonic() + seconds
    return [c for c in children if c.wait(max(0.0, until - time.monotonic())) is None]
