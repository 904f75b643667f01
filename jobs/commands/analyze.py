"""`analyze`: results from elsewhere, judged by the lab's rules, without a window and without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from jobs.commands.screen import Screen
from jobs.commands.summary import summary
from jobs.commands.targets import check_targets
from jobs.elsewhere import Thresholds, analyse_file
from jobs.kept import keep
from jobs.paths import Home
from jobs.report import write


def analyze(
    path: Path, parts: Mapping[str, str | None], limits: Thresholds, reports: Sequence[Path], json: Path | None,
    home: Path | None, screen: Screen,
) -> int:  # fmt: skip
    """Judge a table, say what came out, and write its reports.

    Args:
        path: CSV, JSON lines or Parquet.
        parts: Which arm plays which part, None where nobody said.
        limits: What is too small to matter, and the accuracy needed for a verdict.
        reports: Files to write, and `json`: one more; the report as a page is always written, into the data folder.
        home: The data folder, None for the user's own. The window on it shows the result as well.

    Raises:
        DataError: The file cannot be used.
        SpecError: The arms do not make a comparison, or a report has no known ending or is the table itself.
        ReportError: A file cannot be written.
    """
    check_targets(reports, json, path)
    result = analyse_file(path, limits, **parts)
    summary(result, screen)
    for note in result.notes:
        screen.say(note, "bold yellow")
    keep(Home.at(home), result)
    for target in (Home.at(home).reports / f"{result.study.trial}.html", *reports, *([json] if json else [])):
        write(result, target)
        screen.say(f"Report: {target}")
    return 0
