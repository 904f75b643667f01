"""`report`: the report of a trial that has run, without a window and without torch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engine.spec.errors import SpecError
from engine.spec.result import Result
from jobs.commands.targets import check_targets
from jobs.commands.terminal.screen import Screen
from jobs.elsewhere.kept import kept
from jobs.lab import Lab
from jobs.paths import Home
from jobs.report import write

NOTHING = "Nothing has been run in this data folder yet."
_MOST = 8  # trials that are listed


@dataclass(frozen=True)
class Wanted:
    """What is to be written.

    Attributes:
        trial: The name of a trial or of a judged table, or a beginning of it that only one has.
        target: The file; its ending is the format.
        items: Every item's outcome as a table, in place of the report.
        probe: Only this probe's items; None: all.
    """

    trial: str
    target: Path
    items: bool = False
    probe: str | None = None


def report(wanted: Wanted, home: Path | None, screen: Screen) -> int:
    """Write a trial's report, or its items.

    Args:
        wanted: What, and where to.
        home: The data folder, None for the user's own.

    Raises:
        SpecError: No such trial, format, folder or probe.
        ReportError: The file cannot be written.
    """
    if wanted.probe is not None and not wanted.items:
        raise SpecError("--probe is for --items.", "Give both, or neither.")
    check_targets([wanted.target], placed=wanted.target)
    place = Home.at(home)
    tables = kept(place)
    moments = {name: table.moment for name, table in tables.items()}
    if place.database.exists() or not tables:  # where nothing has run, tables may have been judged all the same
        with closing(Lab.reader(home)) as reader:
            moments |= {record.id: record.created for record in reader.snapshot().trials}
    trial = _named(wanted.trial, moments)
    if trial in tables:
        _report_table(tables[trial].result, wanted, screen)
        return 0
    with closing(Lab.reader(home)) as reader:
        if wanted.items:
            rows = reader.export_items(trial, wanted.target, wanted.probe)
            screen.say(f"Items: {wanted.target} ({rows} rows)")
        else:
            reader.export(trial, wanted.target)
            screen.say(f"Report: {wanted.target}")
    return 0


def _report_table(result: Result, wanted: Wanted, screen: Screen) -> None:
    if wanted.items:
        source = result.data.get("source", "a table")
        raise SpecError(f"{result.study.trial} was judged from {source}.", "Its items are there; no copy was kept.")
    write(result, wanted.target)
    screen.say(f"Report: {wanted.target}")


def _named(name: str, moments: Mapping[str, float]) -> str:
    """The trial that is meant, of those there are, each with when it began."""
    found = [name] if name in moments else [known for known in moments if known.startswith(name)]
    if len(found) == 1:
        return found[0]
    newest = sorted(found or moments, key=lambda known: -moments[known])
    said = (f"{known} ({time.strftime('%d %b %Y %H:%M', time.localtime(moments[known]))})" for known in newest[:_MOST])
    more = f" and {len(newest) - _MOST} more" if len(newest) > _MOST else ""
    hint = f"There are, the newest first: {', '.join(said)}{more}." if newest else NOTHING
    raise SpecError(f"{'More than one' if found else 'No'} trial is named {name!r}.", hint)
