"""The writing end of a run's event stream: whole lines, numbered, never a torn one in the middle."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any

from engine.spec.events import EVENT, Event, Finished, Probed, encode

FILE = "events.ndjson"


class Journal:
    """Appends events to `events.ndjson` of a run's folder (a context manager).

    A line is one write, so a reader sees all of it or none, save for a kill in the middle of the write: such a
    torn end is cut off before anything is appended. Measurements and the end are synced to the disk.

    Args:
        folder: The run's folder.
        seq: The number of the next event.
    """

    def __init__(self, folder: Path, seq: int = 0) -> None:
        self.path = folder / FILE
        self.seq = seq
        _cut_torn_line(self.path)
        self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def emit(self, kind: str, **fields: Any) -> Event:
        """Number an event of that kind and write it."""
        event = EVENT.validate_python({"kind": kind, "seq": self.seq, **fields})
        self.seq += 1
        line = (encode(event) + "\n").encode()
        while line:  # a full disk or a signal may leave a part unwritten
            line = line[os.write(self._fd, line) :]
        if isinstance(event, Probed | Finished):
            os.fsync(self._fd)
        return event

    def close(self) -> None:
        """Close the file; more than once does no harm."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def finished(folder: Path) -> bool:
    """Whether the run's stream already holds its last event."""
    path = folder / FILE
    if not path.exists():
        return False
    tail = path.read_bytes()[-65536:]
    return any(line.startswith(b'{"kind":"finished"') and line.endswith(b"}") for line in tail.split(b"\n"))


def _cut_torn_line(path: Path) -> None:
    if not path.exists():
        return
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        keep = size
        while keep:
            start = max(0, keep - 65536)
            file.seek(start)
            at = file.read(keep - start).rfind(b"\n")
            if at >= 0:
                keep = start + at + 1
                break
            keep = start
        if keep < size:
            file.truncate(keep)
