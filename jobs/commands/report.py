"""`report`: the report of a trial that has run, without a window and without torch."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from engine.errors import SpecError
from jobs.commands.screen import Screen
from jobs.commands.targets import check_targets
from jobs.lab import Lab


def report(trial: str, target: Path, home: Path | None, screen: Screen) -> int:
    """Write a trial's report; the format follows the file's ending.

    Args:
        trial: The trial's name, or a beginning of it that only one trial has.
        home: The data folder, None for the user's own.

    Raises:
        SpecError: No such trial, or no such format.
        ReportError: The file cannot be written.
    """
    check_targets([target])
    with closing(Lab.reader(home)) as reader:
        names = [record.id for record in reader.snapshot().trials]
        found = [name for name in names if name == trial] or [name for name in names if name.startswith(trial)]
        if len(found) != 1:
            known = f"There are: {', '.join(names)}." if names else "Nothing has been run in this data folder yet."
            raise SpecError(f"{'No' if not found else 'More than one'} trial is named {trial!r}.", known)
        reader.export(found[0], target)
    screen.say(f"Report: {target}")
    return 0
