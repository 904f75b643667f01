"""One door: the window, or a command (`python main.py --help`). No logic of its own.

Worker processes import this file anew, so nothing may happen here outside the guard, and nothing heavy is imported
before a command asks for it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path


def open_window(home: Path | None) -> int:
    """Open the window on a data folder (None: the user's own). Gives the exit code."""
    from gui.app import open_window as show

    return show(home)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command of the lab. Gives its exit code."""
    from jobs.console import main as console

    return console(sys.argv[1:] if argv is None else argv, open_window)


if __name__ == "__main__":
    sys.exit(main())
