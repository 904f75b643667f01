"""A table of results from elsewhere as rows: CSV, JSON lines (or a JSON list), or Parquet."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.data.problems import Problems, printable, shown, unusable
from engine.data.rows import Text, decode, read_bytes, rows

MOST_ROWS = 1_000_000
LONGEST_CELL = 100_000  # characters
KIND = "a table"
EXPECTED = (
    "The lab reads results as CSV with a header, as JSON lines or as Parquet: one row for each arm, seed and item, "
    "with `arm`, `seed`, `item` and either `correct` or `prediction` and `gold`."
)
FEWER = "Keep fewer items, the same ones in every run."
"""Not a sample of rows: arms are compared item by item."""

Row = tuple[int, dict[str, Any]]
"""A row's number, from 1 after the header, and its cells by column, as the file spells it."""


def read_table(path: Path, problems: Problems) -> tuple[str, Iterator[Row]]:
    """A file's sha256 and its rows; what cannot be read of a row goes to `problems`.

    Raises:
        DataError: The file as a whole cannot be read.
    """
    data = read_bytes(path, FEWER)
    digest = hashlib.sha256(data).hexdigest()
    if data.startswith(b"PAR1"):
        return digest, _parquet_rows(path, data)
    text = decode(path, data, EXPECTED, KIND)
    if text.lstrip()[:1] in ("{", "["):
        return digest, _objects(Text(path, text, digest), problems)
    return digest, _csv_rows(path, text, problems)


def _objects(source: Text, problems: Problems) -> Iterator[Row]:
    for row, value in rows(source, problems, MOST_ROWS, EXPECTED, FEWER):
        if isinstance(value, dict):
            yield row, value
        else:
            problems.add(row, "", f"must be an object with a value for each column, not {shown(value)}")


def _csv_rows(path: Path, text: str, problems: Problems) -> Iterator[Row]:
    first = text[: text.find("\n") + 1] or text
    delimiter = max(",;\t", key=first.count)
    csv.field_size_limit(LONGEST_CELL)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    row = 0
    try:
        head = [name.strip() for name in next(lines)]
        for name in head:
            if head.count(name) > 1:
                raise unusable(path, f"has two columns named {shown(name)}", "Rename or remove one of them.")
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            row += 1
            if row > MOST_ROWS:
                raise unusable(path, f"has too many rows (more than {MOST_ROWS:,})", FEWER)
            if len(cells) != len(head):
                problems.add(row, "", f"has {len(cells)} cells where the header has {len(head)}")
                continue
            yield row, dict(zip(head, cells, strict=True))
    except csv.Error as error:
        why = printable(str(error))
        raise unusable(path, f"is no CSV from row {row + 1} on ({why})", "Check its quotes.") from error


def _parquet_rows(path: Path, data: bytes) -> Iterator[Row]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pa.BufferReader(data))
        if file.metadata.num_rows > MOST_ROWS:
            raise unusable(path, f"has too many rows (more than {MOST_ROWS:,})", FEWER)
        row = 0
        for batch in file.iter_batches(batch_size=10_000):
            for value in batch.to_pylist():
                row += 1
                yield row, value
    except (pa.ArrowException, OSError, ValueError) as error:
        why = printable(str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise unusable(path, f"is a Parquet file that cannot be read ({why})", "Write it anew.") from error
