"""One `Result` in every format, without torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.spec.errors import ReportError
from engine.spec.result import Result
from jobs.report.atomic import replacing

FORMATS: dict[str, str] = {
    ".html": "Web page",
    ".pdf": "PDF",
    ".md": "Markdown",
    ".tex": "LaTeX tables",
    ".json": "JSON",
    ".csv": "Table of figures (CSV)",
}
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
        content = made(result)
    except ValueError as error:
        raise ReportError(f"This result cannot be written as {path.suffix}: {error}.") from error
    with replacing(path) as file:
        file.write(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))


def _formats() -> dict[str, Callable[[Result], str | bytes]]:
    from jobs.report.content.sections import report_of
    from jobs.report.formats import files, latex, markdown, page, pdf

    return {
        ".html": lambda result: page.render(report_of(result)),
        ".pdf": lambda result: pdf.render(report_of(result)),
        ".md": lambda result: markdown.render(report_of(result)),
        ".tex": lambda result: latex.render(report_of(result)),
        ".json": files.as_json,
        ".csv": files.as_csv,
    }
