"""What a user's file may be, said wherever another one is refused, and the files that are told by their first bytes."""

from __future__ import annotations

EXPECTED = (
    "The lab reads JSON lines, a JSON list or Parquet (each also packed by gzip) of chat `messages` with `tools`, "
    "ShareGPT `conversations` with `tools`, Gemini's `contents`, `query`, `tools` and `answers` as xLAM has them, a "
    "`prompt` and its `completion` with `tools`, Glaive's `system` and `chat`, and BFCL's `question` with `function`, "
    "in UTF-8."
)
MAGIC = (
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
