"""The rows of a user's file, whatever it is written as: at most as many as a `Sample` keeps, as JSON text."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from engine.data.expected import EXPECTED
from engine.data.files.columns import take_rows
from engine.data.files.lines import take_lines
from engine.data.files.lists import take_list, take_objects, take_wrapped
from engine.data.files.opening import File
from engine.data.files.sample import Sample
from engine.data.problems import Problems, unusable
from engine.data.strict_json import LONGEST_ROW, SPACE, NotJson, decode_value

_TEXT = r'"(?:[^"\\]|\\.)*"'
_WRAPPED = re.compile(  # an object whose first list holds objects: {"version": 1, "data": [{
    rf'\s*\{{\s*(?:{_TEXT}\s*:\s*(?:{_TEXT}|[-+0-9.eE]+|true|false|null)\s*,\s*)*"((?:[^"\\]|\\.)*)"\s*:\s*\[\s*[\{{\]]'
)


@dataclass(frozen=True)
class Rows:
    """Rows that are read.

    Attributes:
        kept: Number and JSON text of each, in the file's order.
        total: Rows of the file.
        chosen: Whether the file has more rows than are read.
        wrapper: The name of the list that holds them, "" where they are all of the file.
    """

    kept: list[tuple[int, bytes]]
    total: int
    chosen: bool
    wrapper: str = ""


def take(file: File, fields: Collection[str], problems: Problems) -> Rows:
    """The rows of a file.

    Args:
        fields: Names of a row's fields that are read.

    Raises:
        DataError: The file as a whole cannot be read; what is wrong with a row alone goes to `problems`.
    """
    sample, wrapper = Sample(file.path), ""
    if file.parquet:
        take_rows(file, fields, sample, problems)
        return Rows(sample.rows(), sample.total, not sample.whole)
    kind = _kind(file, fields)
    with file.open() as stream:
        if kind == "list":
            take_list(stream, sample, problems)
        elif kind == "wrapped":
            wrapper = take_wrapped(stream, sample, problems)
        elif kind == "objects":
            take_objects(stream, sample, problems)
        else:
            take_lines(stream, sample, problems)
    return Rows(sample.rows(), sample.total, not sample.whole, wrapper)


def _kind(file: File, fields: Collection[str]) -> str:
    """Which way of writing: "list", "wrapped", "objects" or "lines"."""
    head = file.head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    start = _after_space(head, 0)
    if start == len(head):
        if file.size <= len(file.head) and not file.packed:
            raise unusable(file.path, "is empty", EXPECTED)
        raise unusable(file.path, f"is not JSON: it begins with {len(head):,} spaces", EXPECTED)
    if head[start] == "[":
        return "list"
    if head[start] != "{":
        row = head.count("\n", 0, start) + 1
        raise unusable(file.path, f"is not JSON: row {row} begins with {head[start]!r}, not with {{ or [", EXPECTED)
    with file.open() as stream:
        text = stream.read(LONGEST_ROW + 1).removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").lstrip(" \t\r\n")
    line = text.partition("\n")[0]
    match = _WRAPPED.match(head)
    wrapped = match is not None and match[1] not in fields
    try:
        end = decode_value(line, 0)[1]
    except NotJson:  # the first line is no whole object: it is broken, or the object goes on
        if wrapped:
            return "wrapped"
        return _spread(file, text)
    alone = _after_space(line, end) == len(line) and not text[len(line) :].strip()
    return "wrapped" if wrapped and alone and len(text) < LONGEST_ROW else "lines"


def _spread(file: File, text: str) -> str:
    """Whether objects are written over several lines. Raises DataError for a single one, which is no list of rows."""
    try:
        end = decode_value(text, 0)[1]
    except NotJson:
        return "lines"
    if not text[end:].strip():
        raise unusable(file.path, "is one JSON object, not a list of rows or JSON lines", EXPECTED)
    return "objects"


def _after_space(text: str, at: int) -> int:
    match = SPACE.match(text, at)
    return match.end() if match else at
