"""The files that a command is to write: whatever can be known about them is said before the work, not after."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.spec.errors import ReportError, SpecError
from jobs.report import SUFFIXES


def check_targets(
    reports: Sequence[Path], json: Path | None = None, source: Path | None = None, placed: Path | None = None
) -> None:
    """Look at files before they are written.

    Args:
        source: What the user brought; no report may take its place.
        placed: The one of the files for which no folder is made: its own must be there.

    Raises:
        SpecError: A file's ending is no known format, a folder or the source is in its place, or its folder is missing.
        ReportError: It cannot be there, e.g. its name is too long.
    """
    if json is not None and json.suffix.lower() != ".json":
        raise SpecError(f"--json {json} does not end in .json.", "Name it so, or use --report.")
    for path in (*reports, *([json] if json else [])):
        if path.suffix.lower() not in SUFFIXES:
            raise SpecError(f"No report can be written as {path.name!r}.", f"Known endings: {', '.join(SUFFIXES)}.")
        try:
            is_folder, has_folder = path.is_dir(), path.parent.is_dir()
            is_source = source is not None and path.exists() and source.exists() and path.samefile(source)
        except OSError as error:
            why = error.strerror or str(error)
            raise ReportError(f"{path} cannot be written: {why}.", "Choose another folder or file.") from error
        if path == placed and not has_folder:
            raise SpecError(f"There is no folder {path.parent} for {path.name}.", "Make it first, or name another.")
        if is_folder:
            raise SpecError(f"{path} is a folder.", "Name a file in it.")
        if is_source:
            raise SpecError(f"{path} is the file that is read.", "A report would take its place: name another file.")
