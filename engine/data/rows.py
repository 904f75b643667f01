"""From a file's bytes to rows: strict JSON, within bounds of size, length and depth.

Everything a user's file can do to a parser ends here: what comes out is finite, at most `DEEPEST` deep, and holds
only text that can be written again as UTF-8.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.data.problems import Problems, path_of, printable, unusable

MOST_BYTES = 128 * 2**20
MOST_ROWS = 100_000
LONGEST_ROW = 2 * 2**20  # characters
DEEPEST = 64  # nested lists and objects in a row

EXPECTED = (
    "The lab reads JSON lines of chat `messages` with `tools`, ShareGPT-style `conversations` with `tools` "
    "(a JSON list or JSON lines), and BFCL-style `question` with `function`, in UTF-8."
)
_MAGIC = (
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x89PNG", "an image"),
    (b"%PDF", "a PDF document"),
)
FEWER = "Take a sample of its rows."
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(parse_constant=float)  # NaN and Infinity become floats, and are found with their field


class NotJson(ValueError):
    """Text that is no JSON, or JSON that is refused.

    Attributes:
        field: Where, in a value that could be parsed.
        at: Characters before the place, in a text that could not.
    """

    def __init__(self, text: str, field: str = "", at: int = 0) -> None:
        super().__init__(text)
        self.field = field
        self.at = at


@dataclass(frozen=True)
class Text:
    """A file's content. `digest` is the sha256 of its bytes."""

    path: Path
    text: str
    digest: str


def read_text(path: Path) -> Text:
    """A user's file as text. Raises DataError where it is not there, too large, binary or not UTF-8."""
    data = read_bytes(path)
    return Text(path, decode(path, data), hashlib.sha256(data).hexdigest())


def read_bytes(path: Path, fewer: str = FEWER) -> bytes:
    """A user's file. Raises DataError where it is not there, no ordinary file, or too large; then with what to do."""
    try:
        mode = path.stat()
        if stat.S_ISDIR(mode.st_mode):
            raise unusable(path, "is a folder, not a file", "Name one file in it.")
        if not stat.S_ISREG(mode.st_mode):  # a pipe or a device could keep the lab waiting for ever
            raise unusable(path, "is not an ordinary file", "Copy its content into a file first.")
        if mode.st_size > MOST_BYTES:
            size = f"{mode.st_size / 2**20:.0f} MiB; at most {MOST_BYTES // 2**20} MiB"
            raise unusable(path, f"is too large ({size})", fewer)
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise unusable(path, "does not exist", "Check the path.") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = printable(str(error))
        raise unusable(path, f"cannot be read ({why})", "Check the path and its permissions.") from error


def decode(path: Path, data: bytes, expected: str = EXPECTED, kind: str = "JSON") -> str:
    """A file's bytes as text. Raises DataError, with what is expected, where they are empty, binary or not UTF-8."""
    if not data.strip():
        raise unusable(path, "is empty", expected)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise unusable(path, "is UTF-16, not UTF-8", "Save it as UTF-8.")
    for magic, what in _MAGIC:
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


def rows(
    source: Text, problems: Problems, most: int | None = None, expected: str = EXPECTED, fewer: str = FEWER
) -> Iterator[tuple[int, Any]]:
    """Each row's number and value; a row that is no JSON, or is refused, goes to `problems` instead.

    Args:
        most: With more rows than this, DataError is raised.
        expected: What the file should be, for whoever reads why it is refused.
        fewer: What to do about too many rows.
    """
    most = MOST_ROWS if most is None else most
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
                value, at = _decode_value(line, 0)
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
            value, end = _decode_value(text, at)
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


def loads(text: str) -> Any:
    """A JSON value inside a row (such as a call's arguments). Raises NotJson."""
    if len(text) > LONGEST_ROW:
        raise NotJson("the text is too long")
    stripped = text.strip(" \t\r\n")
    value, at = _decode_value(stripped, 0)
    if at < len(stripped):
        raise NotJson("more follows after its end", at=at)
    if refused := flaw(value):
        raise NotJson(refused[1], refused[0])
    return value


def flaw(value: Any) -> tuple[str, str] | None:
    """The field and the reason why a parsed value is refused; None where it is fine."""
    stack: list[tuple[Any, tuple[Any, ...] | None, int]] = [(value, None, 0)]
    while stack:  # not recursive: the value may be deeper than Python's own stack
        entry, path, depth = stack.pop()
        if isinstance(entry, str):
            if not entry.isascii() and any("\ud800" <= c <= "\udfff" for c in entry):
                return _keys(path), "holds half of a surrogate pair, which is no character"
            if "\0" in entry:
                return _keys(path), "holds a NUL character"
        elif isinstance(entry, float):
            if not math.isfinite(entry):
                return _keys(path), "is NaN or infinite, which JSON does not have"
        elif isinstance(entry, dict | list):
            if depth >= DEEPEST:
                return _keys(path), f"is nested too deeply (more than {DEEPEST} levels)"
            pairs = entry.items() if isinstance(entry, dict) else enumerate(entry)
            for key, inner in pairs:
                stack.append((inner, (key, path), depth + 1))
                if isinstance(key, str) and not key.isprintable():
                    stack.append((key, (key, path), depth + 1))
    return None


def _keys(path: tuple[Any, ...] | None) -> str:
    keys: list[Any] = []
    while path is not None:
        keys.append(path[0])
        path = path[1]
    return path_of(reversed(keys))


def _decode_value(text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise NotJson(error.msg, at=error.pos) from error
    except RecursionError as error:
        raise NotJson(f"it is nested too deeply (more than {DEEPEST} levels)", at=at) from error
    except ValueError as error:  # a number of thousands of digits
        raise NotJson("it holds a number that is too long", at=at) from error


def _is_one_value(text: str) -> bool:
    try:
        at = _decode_value(text, _after_space(text, 0))[1]
    except NotJson:
        return False
    return _after_space(text, at) >= len(text)


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _place(text: str, at: int) -> tuple[int, int]:
    """Line and column (both from 1) of an offset."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
