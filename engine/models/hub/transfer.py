"""One file from the hub to the disk: from where an earlier try stopped, then verified."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from engine.models.hub.client import Hub
from engine.models.hub.errors import Cancelled, HubError
from engine.models.hub.file import File, check_digest, hash_of

TRIES = 4  # in a row without a byte of progress
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0  # seconds between tries
PART = ".part"


def fetch(
    hub: Hub, repository: str, revision: str, file: File, folder: Path, tell: Callable[[int], object],
    stop: threading.Event,
) -> Path:  # fmt: skip
    """Download a file into a folder, under its own name once it is whole and its checksum is right.

    What an earlier try left (`<name>.part`) is not asked for again.

    Args:
        tell: Called with the bytes that are there so far.
        stop: Set: give up, and write nothing more.

    Raises:
        Cancelled: `stop` was set.
        HubError: It cannot be had, or what came is not what the hub promised.
    """
    target, part = folder / file.name, folder / f"{file.name}{PART}"
    tries = 0
    # Unbuffered: once `stop` is set, nothing more reaches the disk.
    with part.open("ab", buffering=0) as out:
        if out.tell() > file.size:
            out.truncate(0)
        while (before := os.fstat(out.fileno()).st_size) < file.size:
            tell(before)
            try:
                _read(hub, repository, revision, file, out, tell, stop)
                error: HubError | None = None
            except HubError as caught:
                if not caught.is_passing:
                    raise
                error = caught
            if os.fstat(out.fileno()).st_size > before:
                tries = 0
            elif (tries := tries + 1) >= TRIES:
                raise error or _short(file)
            if error is not None:
                wait = error.retry_after if error.retry_after is not None else FIRST_WAIT * 2**tries
                if stop.wait(min(LONGEST_WAIT, wait)):
                    raise Cancelled
        os.fsync(out.fileno())
    tell(file.size)
    try:
        _verify(part, file, stop)
    except HubError:
        part.unlink()
        raise
    os.replace(part, target)
    return target


def _read(
    hub: Hub, repository: str, revision: str, file: File, out: FileIO, tell: Callable[[int], object],
    stop: threading.Event,
) -> None:  # fmt: skip
    """Append what one answer brings to a file."""
    have = os.fstat(out.fileno()).st_size
    asked = {"Range": f"bytes={have}-"} if have else {}
    with hub.stream(hub.url(repository, revision, file.name), repository, headers=asked) as answer:
        if stop.is_set():  # whoever goes on from here has the file now
            raise Cancelled
        if have and not _goes_on(answer.status_code, answer.headers.get("content-range", ""), have):
            out.truncate(0)
            have = 0
            if answer.status_code != 200:
                return
        for chunk in answer.iter_bytes():
            if stop.is_set():
                raise Cancelled
            if have + len(chunk) > file.size:
                out.truncate(0)
                raise HubError(
                    f"The hub sends more of {file.name} than it announced.",
                    "Try again; check HF_ENDPOINT.",
                    kind="damaged",
                )
            _write(out, chunk, file.name)
            have += len(chunk)
            tell(have)


def _write(out: FileIO, chunk: bytes, name: str) -> None:
    left = memoryview(chunk)
    try:
        while left:
            left = left[out.write(left) :]
    except OSError as error:
        raise HubError(
            f"{name} cannot be written: {error.strerror or error}.",
            "Make room. What had arrived is kept.",
            kind="space",
        ) from error


def _goes_on(status: int, span: str, have: int) -> bool:
    """Whether an answer really begins where the file ends."""
    return status == 206 and span.replace("bytes", "").strip().startswith(f"{have}-")


def _short(file: File) -> HubError:
    return HubError(
        f"The hub ends {file.name} before it is whole.", "Try again. What came is kept.", kind="unreachable"
    )


def _verify(path: Path, file: File, stop: threading.Event) -> None:
    made = hash_of(file)
    with path.open("rb") as data:
        while chunk := data.read(1 << 20):
            if stop.is_set():
                raise Cancelled
            made.update(chunk)
    check_digest(made.hexdigest(), file)
