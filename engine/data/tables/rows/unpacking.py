"""From a file to text: compression and encoding undone, within bounds."""

from __future__ import annotations

import bz2
import lzma
import zlib
from pathlib import Path
from typing import Any

from engine.data.problems import printable, unusable
from engine.data.tables.rows.json_rows import MOST_BYTES, decode, read_bytes

KIND = "a table"
EXPECTED = (
    "The lab reads results as CSV with a header, JSON lines or Parquet (also compressed with gzip, bzip2 or xz): one "
    "row for each arm, seed and item, with `arm`, `seed`, `item` and either `correct` or `prediction` and `gold`. It "
    "also reads tables with one column for each arm, lm-eval's sample files and inspect_ai's logs."
)
FEWER = "Keep fewer items, the same ones in every run."
"""Not a sample of rows: arms are compared item by item."""
_XZ_MEMORY = 256 * 2**20  # bytes; an xz file may ask its reader for 4 GiB


def read_unpacked(path: Path) -> tuple[bytes, bytes]:
    """A file's bytes as they are, and with their compression undone.

    Raises:
        DataError: The file is not there, too large, or damaged.
    """
    data = read_bytes(path, FEWER)
    if data.startswith(b"\x1f\x8b"):
        return data, _unpacked(path, data, lambda: zlib.decompressobj(31), "a gzip archive")
    if data.startswith(b"BZh"):
        return data, _unpacked(path, data, bz2.BZ2Decompressor, "a bzip2 archive")
    if data.startswith(b"\xfd7zXZ"):
        return data, _unpacked(path, data, lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY), "an xz archive")
    return data, data


def _unpacked(path: Path, data: bytes, make: Any, what: str) -> bytes:
    """The content of one or more compressed streams, one after the other, of at most `MOST_BYTES`."""
    parts, room = [], MOST_BYTES + 1
    try:
        while data:
            stream = make()
            part = stream.decompress(data, room)
            parts.append(part)
            room -= len(part)
            if room <= 0:
                raise unusable(path, f"is too large once unpacked (more than {MOST_BYTES // 2**20} MiB)", FEWER)
            if not stream.eof:
                raise unusable(path, f"is {what} that is cut off", "Copy or write it anew.")
            data = stream.unused_data.lstrip(b"\0")
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise unusable(path, f"is {what} that cannot be read ({printable(str(error))})", "Write it anew.") from error
    return b"".join(parts)


def to_text(path: Path, data: bytes) -> str:
    """A table's bytes as text: UTF-8, or UTF-16 as Excel writes it.

    Raises:
        DataError: They are neither, or empty.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            text = data.decode("utf-16").removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            raise unusable(path, "begins as UTF-16 and is not", "Save it as UTF-8.") from error
        if "\0" in text:
            raise unusable(path, f"is binary, not {KIND} (it holds a NUL character)", EXPECTED)
        if not text.strip():
            raise unusable(path, "is empty", EXPECTED)
        return text
    return decode(path, data, EXPECTED, KIND)
