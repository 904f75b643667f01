"""Opens the window."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QLocale, Qt, QTimer
from PySide6.QtWidgets import QApplication

from gui.look.theme import APPEARANCE_FILE, Theme, read_mode
from gui.session import Session
from gui.shell.main_window import MainWindow

PRELOAD_MS = 400
"""After so long the plotting library is loaded, so that neither the start nor the first look at a plot waits for it."""


def open_window(home: Path | None = None) -> int:
    """Open the window on a data folder (None: the user's own) and run it. Gives the exit code."""
    app = application()
    from jobs.paths import Home

    theme = Theme(read_mode(Home.at(home).folder / APPEARANCE_FILE))
    theme.apply()
    session = Session(home)
    window = MainWindow(session, theme)
    _show_bugs(window)
    window.show()
    session.open()
    QTimer.singleShot(PRELOAD_MS, window, _preload)
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: window.close())
    beat = QTimer(window)  # Python hears signals only when it gets a turn
    beat.timeout.connect(_turn)
    beat.start(500)
    return app.exec()


def application() -> QApplication:
    """The application, made once, with what must be set before any window."""
    app = QApplication.instance()
    if isinstance(app, QApplication):
        return app
    QLocale.setDefault(QLocale.c())  # figures look the same in the window and in the reports
    made = QApplication(sys.argv[:1])
    made.setApplicationName("tuning-fork")
    made.setApplicationDisplayName("Tuning Fork")
    made.setDesktopFileName("tuning-fork")
    made.setStyle("Fusion")
    made.setAttribute(Qt.ApplicationAttribute.AA_DontShowIconsInMenus, True)
    return made


def _preload() -> None:
    import gui.pages.live
    import gui.pages.verdict.page  # noqa: F401


def _turn() -> None:
    """Nothing: that Python code runs at all is what lets a signal in."""


def _show_bugs(window: MainWindow) -> None:
    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        if issubclass(kind, Exception) and not window.session.is_closing:
            window.messages.error(error)

    sys.excepthook = hook
