"""One owner per data folder. Readers need no lock."""

from __future__ import annotations

import os
import time
from types import TracebackType

import psutil
from filelock import FileLock, Timeout

from engine.spec.errors import StoreError
from jobs.paths import Home, read_json, write_json


class OwnerLock:
    """The right to write to a data folder, held until `release()` or until the process ends, however it ends.

    Args:
        home: The data folder, created already.

    Raises:
        StoreError: Another process (named by its id) owns the folder, or the folder cannot be locked.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        # The lock belongs to the process, whichever thread closes the lab. A soft lock would outlive a killed owner.
        self._lock = FileLock(home.lock, timeout=0, thread_local=False, fallback_to_soft=False)
        try:
            self._lock.acquire()
        except Timeout:
            raise StoreError(
                f"The data folder {home.folder} is in use by {_owner(home)}.",
                "Close that window or command first, or choose another folder with --home. Nothing was changed.",
            ) from None
        except (OSError, NotImplementedError) as error:
            raise StoreError(
                f"The data folder {home.folder} cannot be locked: {error}.",
                "Choose a folder on a local disk that you can write to.",
            ) from error
        try:
            write_json(home.owner, {"pid": os.getpid(), "started": psutil.Process().create_time()})
        except OSError as error:
            self._lock.release(force=True)
            raise StoreError(
                f"The data folder {home.folder} cannot be written to: {error.strerror or error}.",
                "Free some space or choose another folder with --home.",
            ) from error

    def release(self) -> None:
        """Let another process own the folder; more than once does no harm."""
        if self._lock.is_locked:
            self._home.owner.unlink(missing_ok=True)
            self._lock.release(force=True)

    def __enter__(self) -> OwnerLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def _owner(home: Home) -> str:
    for _ in range(20):  # an owner writes its name a moment after it has the lock
        pid = (read_json(home.owner) or {}).get("pid")
        if isinstance(pid, int) and psutil.pid_exists(pid):
            return f"process {pid}"
        time.sleep(0.05)
    return "another process"
