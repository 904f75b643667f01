"""Reading a file that another process appends to: whole lines only, from a byte offset."""

from __future__ import annotations

from pathlib import Path

CHUNK = 1 << 20  # bytes per read


def whole_lines(path: Path, offset: int, chunk: int = CHUNK) -> tuple[list[bytes], int]:
    """The whole lines that begin at `offset`, at most about `chunk` bytes of them, and the offset after the last.

    A last line without its end is left for later: its writer may be in the middle of it, or was killed there. A file
    that is gone has no lines; one that is shorter than the offset is read from its beginning again.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if size < offset:
                offset = 0
            file.seek(offset)
            data = file.read(chunk)
            while data and b"\n" not in data and (more := file.read(chunk)):
                data += more
    except FileNotFoundError:
        return [], offset
    end = data.rfind(b"\n") + 1
    return [line for line in data[:end].split(b"\n") if line.strip()], offset + end
