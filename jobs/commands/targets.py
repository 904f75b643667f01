"""The files that a command is to write: whatever can be known about them is said before the work, not after."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.errors import SpecError
from jobs.report import SUFFIXES


def check_targets(reports: Sequence[Path], json: Path | None = None) -> None:
    """Raises SpecError where a file's ending is no known format, or a folder is in its place."""
    if json is not None and json.suffix.lower() != ".json":
        raise SpecError(f"--json {json} does not end in .json.", "Name it so, or use --report.")
    for path in (*reports, *([json] if json else [])):
        if path.suffix.lower() not in SUFFIXES:
            raise SpecError(f"No report can be written as {path.name!r}.", f"Known endings: {', '.join(SUFFIXES)}.")
        if path.is_dir():
            raise SpecError(f"{path} is a folder.", "Name a file in it.")
