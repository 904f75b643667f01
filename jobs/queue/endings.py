"""How a run ended, in words: from its exit code, what it wrote, and what it had been asked."""

from __future__ import annotations

import errno
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.spec.runs import State
from jobs.executors import worker
from jobs.executors.local import LOST
from jobs.paths import read_json

Intent = Literal["", "cancel", "stop", "close"]
RETRY = "Retry: it goes on from its last checkpoint."
LOG = "run.log in its folder may say why."
LITTLE = 1 << 20  # bytes: with less than this left, a disk counts as full

BY_INTENT: dict[Intent, tuple[State, str]] = {
    "cancel": ("cancelled", "cancelled by you"),
    "stop": ("paused", "stopped by you; it goes on from its last checkpoint when retried"),
    "close": ("interrupted", "the lab was closed; it goes on from its last checkpoint"),
}


@dataclass(frozen=True)
class Ending:
    """What a run's row is set to. `kind` is the error's class, for the program; the rest is for people."""

    state: State
    kind: str = ""
    reason: str = ""
    hint: str = ""


def judge(
    complete: bool | None, intent: Intent, code: int | None, attempt: int, folder: Path, killed_for_memory: bool = False
) -> Ending:
    """The ending of a run whose stream was read to its end.

    Args:
        complete: True: `Finished` and all events before it are stored; False: some are missing; None: no `Finished`.
        intent: What the user or the lab had asked of the run; "" for nothing.
        code: The process's exit code, negative for a signal; None where nobody saw it.
        killed_for_memory: Whether the system killed any process for memory (always by SIGKILL) while this one ran.
    """
    if complete:
        return Ending("succeeded")
    if complete is False:
        return Ending(
            "failed", "damaged", "Some of the run's events are damaged, so its figures cannot be trusted.",
            "Retry: it begins anew.",
        )  # fmt: skip
    if intent:
        state, reason = BY_INTENT[intent]
        return Ending(state, reason=reason)
    told = read_json(folder / "failure.json")
    if told is not None and told.get("attempt") == attempt:
        return Ending("failed", str(told.get("type", "")), str(told.get("message", "")), str(told.get("hint", "")))
    if code == worker.DISK_FULL or (code != worker.DONE and disk_full(folder)):
        return Ending("interrupted", "DiskFull", "The disk is full.", "Free some space and resume the queue.")
    if code in (None, worker.STOPPED, worker.ORPHANED):
        return Ending("interrupted", reason="it was stopped from outside; it goes on from its last checkpoint")
    if code == LOST:
        return Ending("failed", "WorkerLost", "The parent process of all runs ended.", RETRY)
    if code < 0:
        return _signalled(-code, killed_for_memory)
    if code == worker.DONE:
        return Ending("failed", "WorkerLost", "The run's process ended without finishing the run.", LOG)
    return Ending("failed", "WorkerLost", f"The run's process ended with code {code}.", LOG)


def _signalled(number: int, killed_for_memory: bool) -> Ending:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if killed_for_memory and name == "SIGKILL":
        return Ending(
            "failed", "OutOfMemory", f"The system ended the run for want of memory ({name}).",
            f"Close other programs or run fewer at once. {RETRY}",
        )  # fmt: skip
    hint = RETRY
    if name == "SIGKILL":
        hint = f"Someone killed it, or memory ran out. {hint}"
    return Ending("failed", "WorkerLost", f"The run's process was ended by {name}.", hint)


def disk_full(folder: Path) -> bool:
    """Whether the disk under a folder has no room left."""
    try:
        return shutil.disk_usage(folder).free < LITTLE
    except OSError as error:
        return error.errno == errno.ENOSPC


def memory_kills() -> int:
    """How many processes the system has killed for memory since it started (0 where it does not tell)."""
    try:
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    except (OSError, ValueError):
        return 0
    return 0
