"""Rows of a Parquet file, as JSON. Columns that no form reads are left alone."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection
from typing import Any, BinaryIO

from engine.data.expected import EXPECTED, FEWER
from engine.data.files.opening import File
from engine.data.files.sample import Sample
from engine.data.problems import Problems, printable, shown, unusable
from engine.data.strict_json import LONGEST_ROW
from engine.spec.errors import DataError

_BATCH = 64  # rows that are made Python values at a time
_CHUNK = 2**20
_MOST_PACKED = 2**30  # bytes of a Parquet file inside a gzip file, which is unpacked to the disk
_MOST_GROUP = 4 * 2**30  # bytes of a row group, unpacked


def take_rows(file: File, wanted: Collection[str], sample: Sample, problems: Problems) -> None:
    """Offer the rows of a Parquet file, with the columns of those names.

    Raises:
        DataError: The file cannot be read, or has none of the columns.
    """
    import pyarrow as pa

    try:
        with file.open() as stream:
            if not file.packed:
                _take(stream, file, wanted, sample, problems)
                return
            with tempfile.TemporaryFile() as whole:  # Parquet is read from its end
                size = 0
                while data := stream.read(_CHUNK):
                    size += len(data)
                    if size > _MOST_PACKED:
                        raise unusable(file.path, "unpacks to a Parquet file that is too large", FEWER)
                    whole.write(data)
                whole.seek(0)
                _take(whole, file, wanted, sample, problems)
    except DataError:
        raise
    except (pa.ArrowException, ValueError, KeyError, OverflowError, UnicodeError, MemoryError) as error:
        why = printable(str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise unusable(file.path, f"is a Parquet file that cannot be read ({why})", "Write it anew.") from error


def _take(stream: BinaryIO, file: File, wanted: Collection[str], sample: Sample, problems: Problems) -> None:
    from pyarrow import parquet

    source = parquet.ParquetFile(stream, buffer_size=_CHUNK, pre_buffer=False)
    columns = [name for name in source.schema_arrow.names if name in wanted]
    if not columns:
        there = ", ".join(shown(name) for name in source.schema_arrow.names[:5]) or "none"
        raise unusable(
            file.path, f"cannot be used: it has none of the columns that are read (it has {there})", EXPECTED
        )
    for group in range(source.num_row_groups):
        if source.metadata.row_group(group).total_byte_size > _MOST_GROUP:
            raise unusable(file.path, "has a row group that is too large", "Write it anew with smaller row groups.")
    row = 0
    for batch in source.iter_batches(batch_size=_BATCH, columns=columns, use_threads=False):
        chosen = [at for at in range(batch.num_rows) if sample.wants_numbered(row + at + 1)]
        if not chosen:
            row += batch.num_rows
            continue
        for at in chosen:
            number = row + at + 1
            try:
                values = batch.slice(at, 1).to_pylist(maps_as_pydicts="strict")[0]
                text = json.dumps(values, ensure_ascii=False, default=_no_json).encode("utf-8", "surrogatepass")
            except (TypeError, ValueError, KeyError) as error:
                problems.add(number, "", printable(str(error)))
                continue
            if len(text) > LONGEST_ROW:
                problems.add(number, "", f"is too long ({len(text):,} bytes; at most {LONGEST_ROW:,})")
            else:
                sample.keep(number, text)
        row += batch.num_rows
    if not row:
        raise unusable(file.path, "is empty: a table without rows", EXPECTED)


def _no_json(value: Any) -> Any:
    raise TypeError(f"holds a value of type {type(value).__name__}, which JSON does not have")
