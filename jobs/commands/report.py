"""`report`: the report of a trial that has run, without a window and without torch."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engine.errors import SpecError
from jobs.commands.screen import Screen
from jobs.commands.targets import check_targets
from jobs.lab import Lab, LabReader


@dataclass(frozen=True)
class Wanted:
    """What is to be written.

    Attributes:
        trial: The trial's name, or a beginning of it that only one trial has.
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
        SpecError: No such trial, format or probe.
        ReportError: The file cannot be written.
    """
    if wanted.probe is not None and not wanted.items:
        raise SpecError("--probe is for --items.", "Give both, or neither.")
    check_targets([wanted.target])
    with closing(Lab.reader(home)) as reader:
        trial = _named(reader, wanted.trial)
        if wanted.items:
            rows = reader.export_items(trial, wanted.target, wanted.probe)
            screen.say(f"Items: {wanted.target} ({rows} rows)")
        else:
            reader.export(trial, wanted.target)
            screen.say(f"Report: {wanted.target}")
    return 0


def _named(reader: LabReader, trial: str) -> str:
    names = [record.id for record in reader.snapshot().trials]
    found = [name for name in names if name == trial] or [name for name in names if name.startswith(trial)]
    if len(found) != 1:
        known = f"There are: {', '.join(names)}." if names else "Nothing has been run in this data folder yet."
        raise SpecError(f"{'No' if not found else 'More than one'} trial is named {trial!r}.", known)
    return found[0]
