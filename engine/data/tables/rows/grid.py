"""A file as rows of named cells, whatever format it is in: CSV, JSON lines, a JSON list, Parquet, a log of inspect."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.data.problems import Problems, printable, shown, unusable
from engine.data.strict_json import flaw
from engine.data.tables.rows import inspect_log
from engine.data.tables.rows.json_rows import Text, rows
from engine.data.tables.rows.unpacking import EXPECTED, FEWER, read_unpacked, to_text

MOST_ROWS = 1_000_000
LONGEST_CELL = 100_000  # characters
_MOST_COLUMNS = 10_000
_LARGEST_BATCH = 256 * 2**20  # bytes of a thousand rows of a Parquet file

Row = tuple[int, dict[str, Any]]
"""A row's number, from 1 after the header, and its cells by column, as the file spells it."""


@dataclass(frozen=True)
class Grid:
    """A file's rows.

    Attributes:
        digest: sha256 of the file's bytes.
        form: "table", or "inspect" for a log of inspect_ai.
        notes: What whoever reads the result should know of the file.
    """

    path: Path
    digest: str
    form: str
    rows: Iterator[Row]
    notes: tuple[str, ...] = ()


def open_grid(path: Path, problems: Problems) -> Grid:
    """A file's rows; what cannot be read of a row goes to `problems`.

    Raises:
        DataError: The file as a whole cannot be read.
    """
    raw, data = read_unpacked(path)
    digest = hashlib.sha256(raw).hexdigest()
    if data.startswith(b"PAR1"):
        return Grid(path, digest, "table", _parquet_rows(path, data))
    if data.startswith(b"PK\x03\x04") and (log := inspect_log.of_zip(path, data)) is not None:
        return Grid(path, digest, "inspect", _sound(log.rows, problems), log.notes)
    text = to_text(path, data)
    if text.lstrip()[:1] in ("{", "["):
        if (log := inspect_log.of_json(path, text)) is not None:
            return Grid(path, digest, "inspect", _sound(log.rows, problems), log.notes)
        return Grid(path, digest, "table", _objects(Text(path, text, digest), problems))
    return Grid(path, digest, "table", _csv_rows(path, text, problems))


def _objects(source: Text, problems: Problems) -> Iterator[Row]:
    for row, value in rows(source, problems, MOST_ROWS, EXPECTED, FEWER):
        if not isinstance(value, dict):
            problems.add(row, "", f"must be an object with a value for each column, not {shown(value)}")
        elif len(value) > _MOST_COLUMNS:
            problems.add(row, "", f"has too many columns ({len(value):,}; at most {_MOST_COLUMNS:,})")
        else:
            yield row, value


def _sound(found: Iterator[Row], problems: Problems) -> Iterator[Row]:
    """Rows of a log, of which some hold what JSON does not have."""
    for row, cells in found:
        if refused := flaw(cells):
            problems.add(row, refused[0], refused[1])
        else:
            yield row, cells


def _csv_rows(path: Path, text: str, problems: Problems) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_CELL)
    named = re.match(r"\s*\"?sep=(\\t|[^\"\r\n])\"?[ \t;,]*(\r\n|\r|\n)", text, re.IGNORECASE)  # as Excel writes it
    if named:
        text = text[named.end() :]
        delimiter = "\t" if named[1] == "\\t" else named[1]
    else:
        delimiter = max(",;\t|", key=lambda mark: _width(text, mark))
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    row = 0
    try:
        head = _header(path, next(lines, []))
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            row += 1
            if row > MOST_ROWS:
                raise unusable(path, f"has too many rows (more than {MOST_ROWS:,})", FEWER)
            if len(cells) != len(head):
                commas = delimiter == "," and len(cells) > len(head)
                more = " (a decimal comma outside quotes would do that)" if commas else ""
                problems.add(row, "", f"has {len(cells)} cells where the header has {len(head)}{more}")
                continue
            yield row, {name: cell for name, cell in zip(head, cells, strict=True) if name or cell.strip()}
    except csv.Error as error:
        why = printable(str(error))
        raise unusable(path, f"is no CSV from row {row + 1} on ({why})", "Check its quotes.") from error


def _width(text: str, delimiter: str) -> int:
    """How many columns the header has when it is cut at this delimiter."""
    try:
        return len(next(csv.reader(io.StringIO(text[:LONGEST_CELL], newline=""), delimiter=delimiter), []))
    except csv.Error:
        return 0


def _header(path: Path, names: list[str]) -> list[str]:
    """The columns' names; at most one has none (the index that pandas writes)."""
    if len(names) > _MOST_COLUMNS:
        raise unusable(path, f"has too many columns ({len(names):,}; at most {_MOST_COLUMNS:,})", FEWER)
    found: list[str] = []
    for at, name in enumerate((name.strip() for name in names), 1):
        if name and name in found:
            raise unusable(path, f"has two columns named {shown(name)}", "Rename or remove one of them.")
        found.append(name or (f"(column {at} without a name)" if at > 1 else ""))
    return found


def _parquet_rows(path: Path, data: bytes) -> Iterator[Row]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pa.BufferReader(data))
        if file.metadata.num_rows > MOST_ROWS:
            raise unusable(path, f"has too many rows (more than {MOST_ROWS:,})", FEWER)
        row = 0
        for batch in file.iter_batches(batch_size=1000):
            if batch.nbytes > _LARGEST_BATCH:
                raise unusable(path, "holds cells that are too long", "Leave out columns of long texts.")
            for value in batch.to_pylist():
                row += 1
                yield row, value
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        why = printable(str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise unusable(path, f"is a Parquet file that cannot be read ({why})", "Write it anew.") from error
