"""A user's file, opened within bounds: an ordinary file, hashed, and unpacked where it is packed by gzip."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.data.expected import EXPECTED, FEWER, MAGIC
from engine.data.problems import printable, unusable
from engine.spec.errors import DataError

MOST_BYTES = 4 * 2**30
MOST_RATIO = 200  # unpacked bytes for a packed one; gzip itself can reach a thousand, honest rows do not
ALWAYS_UNPACKED = 64 * 2**20  # bytes that are unpacked whatever the ratio
HEAD = 64 * 2**10  # bytes that tell what a file is
_CHUNK = 2**20
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class File:
    """A file that can be read.

    Attributes:
        digest: sha256 of its bytes as they lie on the disk.
        size: Their number.
        written: When it was last written, in nanoseconds.
        head: The first `HEAD` bytes, unpacked.
        packed: Whether it is packed by gzip.
    """

    path: Path
    digest: str
    size: int
    written: int
    head: bytes
    packed: bool

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Its bytes, unpacked. Raises DataError where they cannot be read, or unpack to far too many."""
        try:
            with self.path.open("rb") as file:
                yield io.BufferedReader(_Unpacked(file, self.path, self.size), _CHUNK) if self.packed else file
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            why = printable(str(error))
            raise unusable(self.path, f"is packed by gzip and broken or cut off ({why})", "Fetch it anew.") from error
        except OSError as error:
            raise _unreadable(self.path, error) from error

    def changed(self) -> bool:
        """Whether the file was written to since it was opened."""
        try:
            now = self.path.stat()
        except OSError:
            return True
        return (now.st_size, now.st_mtime_ns) != (self.size, self.written)

    @property
    def parquet(self) -> bool:
        """Whether it is a Parquet file."""
        return self.head.startswith(b"PAR1")


@contextmanager
def ordinary(path: Path, most: int, fewer: str) -> Iterator[io.BufferedReader]:
    """A user's file, open for reading.

    Args:
        most: Bytes that it may have at most; `fewer` says what to do about more.

    Raises:
        DataError: It is not there, no ordinary file, too large, or cannot be read.
    """
    try:
        mode = path.stat()
        if stat.S_ISDIR(mode.st_mode):
            raise unusable(path, "is a folder, not a file", "Name one file in it.")
        if not stat.S_ISREG(mode.st_mode):  # a pipe or a device could keep the lab waiting for ever
            raise unusable(path, "is not an ordinary file", "Copy its content into a file first.")
        if mode.st_size > most:
            size = f"{mode.st_size / 2**20:.0f} MiB; at most {most // 2**20} MiB"
            raise unusable(path, f"is too large ({size})", fewer)
        with path.open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise unusable(path, "does not exist", "Check the path.") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise _unreadable(path, error) from error


def opened(path: Path) -> File:
    """A user's file.

    Raises:
        DataError: It is not there, no ordinary file, too large, empty, binary, or of a kind that is not read.
    """
    with ordinary(path, MOST_BYTES, FEWER) as file:
        mode = os.fstat(file.fileno())
        packed = file.read(2) == _GZIP
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    bare = File(path, digest, mode.st_size, mode.st_mtime_ns, b"", packed)
    with bare.open() as stream:
        head = stream.read(HEAD)
    found = File(path, digest, mode.st_size, mode.st_mtime_ns, head, packed)
    _check_head(found)
    return found


def _check_head(file: File) -> None:
    path, head = file.path, file.head
    if not head:
        raise unusable(path, "is empty", EXPECTED)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise unusable(path, "is UTF-16, not UTF-8", "Save it as UTF-8.")
    for magic, what in MAGIC:
        if head.startswith(magic) and not file.parquet:
            raise unusable(path, f"is {what}, not JSON", EXPECTED)
    if re.match(rb"\x80[\x02-\x05]", head):
        raise unusable(path, "is a pickle, not JSON", f"Pickles can run code; this one was not opened. {EXPECTED}")
    if b"\0" in head and not file.parquet:
        row = head.count(b"\n", 0, head.index(b"\0")) + 1
        raise unusable(path, f"is binary, not JSON (a NUL byte on line {row})", EXPECTED)


def _unreadable(path: Path, error: Exception) -> DataError:
    return unusable(path, f"cannot be read ({printable(str(error))})", "Check the path and its permissions.")


class _Unpacked(io.RawIOBase):
    """The content of a gzip file, up to as many bytes as an honest file of its size can hold."""

    def __init__(self, file: BinaryIO, path: Path, size: int) -> None:
        self._inner = gzip.GzipFile(fileobj=file, mode="rb")
        self._path = path
        self._left = min(MOST_BYTES, max(ALWAYS_UNPACKED, MOST_RATIO * size))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._inner.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise unusable(self._path, "unpacks to far more bytes than its size allows", FEWER)
        buffer[: len(data)] = data
        return len(data)
