"""JSON lines: one row a line. The lines are not parsed here."""

from __future__ import annotations

from typing import BinaryIO

from engine.data.expected import FEWER
from engine.data.files.sample import Sample
from engine.data.problems import Problems, unusable
from engine.data.strict_json import LONGEST_ROW

MOST_LINES = 5_000_000  # blank ones count: a packed file may hold little else
_BLANK = b" \t\r\n"
_CHUNK = 2**20


def take_lines(stream: BinaryIO, sample: Sample, problems: Problems) -> None:
    """Offer each line that is not blank to the sample; its row is the line's number. A long one is a problem."""
    row = 0
    first = True
    while line := stream.readline(LONGEST_ROW + 1):
        row += 1
        if row > MOST_LINES:
            raise unusable(problems.file, f"has too many lines (more than {MOST_LINES:,})", FEWER)
        if first:
            line, first = line.removeprefix(b"\xef\xbb\xbf"), False
        if len(line) > LONGEST_ROW and not line.endswith(b"\n"):
            length = len(line) + _rest(stream)
            problems.add(row, "", f"is too long ({length:,} bytes; at most {LONGEST_ROW:,})")
            sample.total += 1
        elif data := line.strip(_BLANK):
            sample.offer(row, data)


def _rest(stream: BinaryIO) -> int:
    """Read on to the end of a line; its length."""
    length = 0
    while part := stream.readline(_CHUNK):
        length += len(part)
        if part.endswith(b"\n"):
            break
    return length
