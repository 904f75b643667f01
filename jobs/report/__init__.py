"""One `Result` in every format, without torch."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable
from pathlib import Path

from engine.errors import ReportError
from jobs.result import Result

FORMATS: dict[str, str] = {".html": "Web page", ".json": "JSON", ".csv": "Table of figures (CSV)"}
"""Ending of a file -> what people call the format; the ending is the format."""
SUFFIXES = tuple(FORMATS)
"""The endings of files that a report can be written to."""


def write(result: Result, path: Path) -> None:
    """Write a report; the file appears whole or not at all, and folders on the way are made.

    Args:
        result: What to report.
        path: The file; its ending is the format, one of `SUFFIXES`.

    Raises:
        ReportError: No such format, or the file cannot be written.
    """
    try:
        made = _formats()[path.suffix.lower()]
    except KeyError:
        raise ReportError(
            f"No report can be written as {path.name!r}.", f"Known endings: {', '.join(SUFFIXES)}."
        ) from None
    try:
        text = made(result)
    except ValueError as error:
        raise ReportError(f"This result cannot be written as {path.suffix}: {error}.") from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text.encode("utf-8", "replace"))
    except OSError as error:
        why = error.strerror or str(error)
        raise ReportError(f"{path} cannot be written: {why}.", "Choose another folder or file.") from error


def _formats() -> dict[str, Callable[[Result], str]]:
    from jobs.report import files, page

    return dict(zip(SUFFIXES, (page.render, files.as_json, files.as_csv), strict=True))


def _replace(path: Path, content: bytes) -> None:
    """Write beside the file, then rename: whoever reads it sees the old one or the new one."""
    if path.is_dir():
        raise IsADirectoryError(None, "it is a folder")
    part = path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        with contextlib.suppress(OSError):  # gone already where all went well
            part.unlink()
