"""Judged tables from elsewhere, kept in the reports folder so that the window can show them again."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from engine.spec.result import Result
from jobs.paths import Home

MOST = 50
"""So many are looked for, the newest first: enough to choose from, few enough to read while the window opens."""
LARGEST = 20_000_000  # bytes; none of ours comes near
NAME = re.compile(r"table-[0-9a-f]{8}")
log = logging.getLogger("tuning_fork.kept")


@dataclass(frozen=True)
class Kept:
    """A judged table. `moment`: when it was judged, in seconds since the epoch."""

    result: Result
    moment: float


def path_of(home: Home, trial: str) -> Path:
    """Where a judged table is kept."""
    return home.reports / f"{trial}.json"


def keep(home: Home, result: Result) -> None:
    """Keep a judged table; judged again in the same parts, it takes the old one's place.

    Raises:
        ReportError: The reports folder cannot be written.
    """
    from jobs.report import write

    write(result, path_of(home, result.study.trial))


def kept(home: Home) -> dict[str, Kept]:
    """The judged tables by their trial's name, the newest last. What cannot be read is left out, and logged."""
    found: list[tuple[float, Path]] = []
    for path in home.reports.glob("table-*.json"):
        try:
            stat = path.stat()
        except OSError:
            log.warning("%s cannot be looked at", path, exc_info=True)
            continue
        if NAME.fullmatch(path.stem) and stat.st_size <= LARGEST:
            found.append((stat.st_mtime, path))
    read = {path.stem: _read(path, moment) for moment, path in sorted(found)[-MOST:]}
    return {trial: one for trial, one in read.items() if one is not None}


def _read(path: Path, moment: float) -> Kept | None:
    try:
        result = Result.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        log.warning("%s holds no result that can be shown", path, exc_info=True)
        return None
    if result.study.trial != path.stem:
        log.warning("%s holds another result than its name says", path)
        return None
    return Kept(result, moment)
