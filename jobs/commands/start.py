"""`start` and the plain `python main.py`: the window, or what takes its place where there is no display."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from engine.spec.errors import LabError
from jobs.commands.terminal.screen import Screen

HINT = "`make run` runs the first study here without a window; `python main.py --help` lists the commands."


def has_display() -> bool:
    """Whether a window can be seen on this machine. Only Linux and its kin can be without a display."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def window(home: Path | None, open_window: Callable[[Path | None], int]) -> int:
    """Open the window. Raises LabError where there is no display, or Qt cannot be loaded."""
    if not has_display() and not os.environ.get("QT_QPA_PLATFORM"):
        raise LabError("There is no display to open the window on.", HINT)
    try:
        return open_window(home)
    except ImportError as error:
        if (error.name or "").split(".")[0] in ("gui", "jobs", "engine"):
            raise  # a bug of ours, not a missing library
        raise LabError(f"The window cannot be loaded: {error}", "`make setup` looks for what is missing.") from error


def start(home: Path | None, screen: Screen, open_window: Callable[[Path | None], int]) -> int:
    """Open the window; without a display, run the first study at its default size and write its report."""
    if has_display():
        return window(home, open_window)
    from jobs.commands.run import Request, run
    from jobs.studies import all_studies

    found = all_studies().found
    if not found:
        raise LabError("There is no study to run.", "resources/studies is empty: fetch the repository anew.")
    screen.note(f"There is no display, so the first study ({found[0].id}) runs here.")
    return run(Request(study=found[0].id, home=home), screen)
