"""From a file of results from elsewhere to its verdict: choose it, read it, name the arms' parts, judge it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from engine.errors import LabError
from gui import operations
from gui.dialogs.error import TextDialog
from gui.dialogs.wait import WaitDialog
from gui.pages.page import Context
from gui.text import clean

if TYPE_CHECKING:
    from gui.dialogs.results import ResultsDialog
    from jobs.elsewhere import Contents, Thresholds
    from jobs.kept import Kept
    from jobs.parts import Roles

FILES = "Results (*.csv *.tsv *.jsonl *.json *.parquet);;All files (*)"


class Elsewhere(QObject):
    """One file at a time. Whatever is given up on the way leaves nothing behind; only a verdict is kept."""

    def __init__(self, context: Context, window: QWidget) -> None:
        super().__init__(window)
        self._context, self._window = context, window
        self._waiting: WaitDialog | None = None
        self._folder = ""  # where choosing begins: where the last file was

    def choose(self) -> None:
        """Ask for a file, then read it."""
        path, _ = QFileDialog.getOpenFileName(self._window, "Results from elsewhere", self._folder, FILES)
        if path:
            self._folder = str(Path(path).parent)
            self.read(Path(path))

    def read(self, path: Path) -> None:
        """Read a file; the dialog that names the arms' parts follows. Of two files the later counts."""
        self._read_no_more()
        wait = self._waiting = WaitDialog(f"Reading {clean(path.name, 120)} …", self._window)
        wait.rejected.connect(self._forget)
        self._context.session.run(
            operations.read_table, path,
            done=lambda contents: self._contents(wait, contents), failed=lambda error: self._unreadable(wait, error),
        )  # fmt: skip

    def _read_no_more(self) -> bool:
        """Close what says that a file is being read; gives whether one was."""
        wait, self._waiting = self._waiting, None
        if wait is not None:
            wait.accept()
        return wait is not None

    def _forget(self) -> None:
        self._waiting = None

    def _unreadable(self, wait: WaitDialog, error: BaseException) -> None:
        if wait is not self._waiting:
            return
        self._read_no_more()
        if isinstance(error, LabError):
            title = "These results cannot be judged"
            dialog = TextDialog(title, error.hint, error.message, self._window, wrap=True)
            dialog.resize(720, 320)
            dialog.open()
        else:
            self._context.messages.error(error)

    def _contents(self, wait: WaitDialog, contents: Contents) -> None:
        if wait is not self._waiting:
            return
        self._read_no_more()
        from gui.dialogs.results import ResultsDialog  # brings the statistics, which reading has loaded by now

        dialog = ResultsDialog(contents, self._window)
        dialog.wanted.connect(lambda parts, limits: self._judge(dialog, contents, parts, limits))
        dialog.open()

    def _judge(self, dialog: ResultsDialog, contents: Contents, parts: Roles, limits: Thresholds) -> None:
        self._context.session.run(
            operations.judge_table, contents.table, parts, limits,
            done=lambda judged: self._judged(dialog, judged), failed=lambda error: self._not_judged(dialog, error),
        )  # fmt: skip

    def _judged(self, dialog: ResultsDialog, judged: Kept) -> None:
        if dialog.is_over:
            return
        dialog.accept()
        self._context.session.run(operations.keep_table, judged.result)
        self._context.session.show_table(judged)
        self._context.go("verdict")

    def _not_judged(self, dialog: ResultsDialog, error: BaseException) -> None:
        if not dialog.show_error(error):
            self._context.messages.error(error)


def dropped(data: QMimeData) -> Path | None:
    """The one local file that is dragged; None where it is something else."""
    urls = data.urls()
    if len(urls) != 1 or not urls[0].isLocalFile():
        return None
    path = Path(urls[0].toLocalFile())
    return path if path.name else None
