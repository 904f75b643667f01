"""From the bytes of a table to rows, within bounds of size and length. Data to learn from: see `engine/data/files`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.data.expected import EXPECTED, FEWER, MAGIC
from engine.data.files.opening import ordinary
from engine.data.problems import Problems, unusable
from engine.data.strict_json import LONGEST_ROW, SPACE, NotJson, decode_value, flaw

MOST_BYTES = 128 * 2**20


@dataclass(frozen=True)
class Text:
    """A file's content. `digest` is the sha256 of its bytes."""

    path: Path
    text: str
    digest: str


def read_bytes(path: Path, fewer: str = FEWER) -> bytes:
    """A user's file. Raises DataError where it is not there, no ordinary file, or too large; then with what to do."""
    with ordinary(path, MOST_BYTES, fewer) as file:
        return file.read(MOST_BYTES + 1)


def decode(path: Path, data: bytes, expected: str = EXPECTED, kind: str = "JSON") -> str:
    """A file's bytes as text. Raises DataError, with what is expected, where they are empty, binary or not UTF-8."""
    if not data.strip():
        raise unusable(path, "is empty", expected)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise unusable(path, "is UTF-16, not UTF-8", "Save it as UTF-8.")
    for magic, what in MAGIC:
        if data.startswith(magic):
            raise unusable(path, f"is {what}, not {kind}", expected)
    if re.match(rb"\x80[\x02-\x05]", data):
        raise unusable(path, f"is a pickle, not {kind}", f"Pickles can run code; this one was not opened. {expected}")
    if b"\0" in data:
        row = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise unusable(path, f"is binary, not {kind} (a NUL byte on line {row})", expected)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise unusable(path, f"is not UTF-8 (line {row}, byte {column} of the line)", "Save it as UTF-8.") from error


def rows(source: Text, problems: Problems, most: int, expected: str, fewer: str) -> Iterator[tuple[int, Any]]:
    """Each row's number and value; a row that is no JSON, or is refused, goes to `problems` instead.

    Args:
        most: With more rows than this, DataError is raised.
        expected: What the file should be, said where it is refused.
        fewer: What to do about too many rows.
    """
    start = _after_space(source.text, 0)
    first = source.text[start : start + 1]
    if first == "[":
        found = _list_rows(source, start + 1, problems, expected)
    elif first == "{":
        found = _line_rows(source, problems, expected)
    else:
        row = source.text.count("\n", 0, start) + 1
        raise unusable(source.path, f"is not JSON: row {row} begins with {first!r}, not with {{ or [", expected)
    count = 0
    for row, value in found:
        count += 1
        if count > most:
            raise unusable(source.path, f"has too many rows (more than {most:,})", fewer)
        if refused := flaw(value):
            problems.add(row, refused[0], refused[1])
        else:
            yield row, value


def _line_rows(source: Text, problems: Problems, expected: str) -> Iterator[tuple[int, Any]]:
    text, start, row = source.text, 0, 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        row += 1
        if end - start > LONGEST_ROW:
            problems.add(row, "", f"is too long ({end - start:,} characters; at most {LONGEST_ROW:,})")
        elif line := text[start:end].strip(" \t\r"):
            try:
                value, at = decode_value(line, 0)
                if at < len(line):
                    raise NotJson("more follows after the end of the row", at=at)
                yield row, value
            except NotJson as error:
                if row == 1 and _is_one_value(text):
                    what = "is one JSON object, not a list of rows or JSON lines"
                    raise unusable(source.path, what, expected) from error
                problems.add(row, "", f"is not JSON: {error} at column {error.at + 1}")
        start = end + 1


def _list_rows(source: Text, start: int, problems: Problems, expected: str) -> Iterator[tuple[int, Any]]:
    """The elements of a JSON list, one at a time: an error names its row, and what follows it is not read."""
    text, row = source.text, 0
    at = _after_space(text, start)
    if text[at : at + 1] == "]":
        raise unusable(source.path, "is empty: a list without rows", expected)
    while True:
        row += 1
        try:
            value, end = decode_value(text, at)
        except NotJson as error:
            line, column = _place(text, error.at)
            ends = error.at >= len(text.rstrip()) or "Unterminated" in str(error)
            cut = " (the file seems to be cut off)" if ends else ""
            problems.add(row, "", f"is not JSON: {error} at line {line}, column {column}{cut}")
            return
        if end - at > LONGEST_ROW:
            problems.add(row, "", f"is too long ({end - at:,} characters; at most {LONGEST_ROW:,})")
        else:
            yield row, value
        at = _after_space(text, end)
        mark = text[at : at + 1]
        if mark == "]":
            break
        if mark != ",":
            line, column = _place(text, at)
            cut = "the file is cut off after this row" if not mark else "a comma or ] must follow this row"
            problems.add(row, "", f"is not JSON: {cut}, at line {line}, column {column}")
            return
        at = _after_space(text, at + 1)
    if _after_space(text, at + 1) < len(text):
        line, column = _place(text, at + 1)
        problems.add(row, "", f"is not JSON: more follows after the list, at line {line}, column {column}")


def _is_one_value(text: str) -> bool:
    try:
        at = decode_value(text, _after_space(text, 0))[1]
    except NotJson:
        return False
    return _after_space(text, at) >= len(text)


def _after_space(text: str, at: int) -> int:
    match = SPACE.match(text, at)
    return match.end() if match else at


def _place(text: str, at: int) -> tuple[int, int]:
    """Line and column (both from 1) of an offset."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
