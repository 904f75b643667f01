"""One `Result` in every format, without torch."""

from __future__ import annotations

SUFFIXES = (".html", ".json", ".csv")
"""The endings of files that a report can be written to; the ending is the format."""
