"""Seconds and memory of a piece of work, so that other programs on the machine change them as little as possible."""

from __future__ import annotations

import ctypes
import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import torch

SELF = Path("/proc/self")
EVERY = 0.005  # seconds between two looks at the memory where the system keeps no peak


def on_gpu() -> bool:
    """Whether runs work on a GPU here."""
    return torch.cuda.is_available()


def now() -> float:
    """A clock in seconds for this process's work.

    On a CPU with one thread it is the processor time of this thread, which is the wall time on an idle machine and
    does not run while other programs have the processor. With several threads, or on a GPU, it is the wall time.
    """
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.thread_time() if torch.get_num_threads() == 1 else time.perf_counter()


def held() -> int:
    """Bytes of memory that this process holds now, shared ones included."""
    return int(psutil.Process().memory_info().rss)


def settled() -> int:
    """The same after what was freed is given back to the system."""
    gc.collect()
    with suppress(OSError, AttributeError):  # glibc alone keeps freed memory, and can be asked to give it back
        ctypes.CDLL(None).malloc_trim(0)
    return held()


def own() -> int:
    """Bytes of memory that this process shares with no other."""
    return int(psutil.Process().memory_full_info().uss)


class Peak:
    """The most that this process held while a piece of work was done.

    Attributes:
        before: Bytes held when it began.
        bytes: The most held until it ended.
    """

    before: int = 0
    bytes: int = 0

    @property
    def more(self) -> int:
        """Bytes beyond those that were held before."""
        return max(0, self.bytes - self.before)


@contextmanager
def peak() -> Iterator[Peak]:
    """Measure the most memory held within. What was freed before is given back to the system first."""
    found = Peak()
    found.before = found.bytes = settled()
    if _reset():
        try:
            yield found
        finally:
            found.bytes = max(_highest(), held())
        return
    done = threading.Event()

    def watch() -> None:
        while not done.wait(EVERY):
            found.bytes = max(found.bytes, held())

    watcher = threading.Thread(target=watch, name="memory", daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        found.bytes = max(found.bytes, held())
        done.set()
        watcher.join()


def _reset() -> bool:
    """Ask Linux to forget the process's peak. Returns whether it keeps one that can be forgotten."""
    try:
        (SELF / "clear_refs").write_text("5")
        return _highest() > 0
    except (OSError, ValueError):
        return False


def _highest() -> int:
    for line in (SELF / "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    return 0
