"""From results from elsewhere to their verdict: choose files, say how to read them, name the arms' parts, judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from engine.data.tables.choices import Choices, Sketch, Source, Unclear
from engine.spec.errors import LabError
from gui import operations
from gui.dialogs.error import TextDialog
from gui.dialogs.wait import WaitDialog
from gui.look.text import clean
from gui.pages.page import Context

if TYPE_CHECKING:
    from gui.dialogs.results import ResultsDialog
    from jobs.elsewhere.judge import Contents, Thresholds
    from jobs.elsewhere.kept import Kept
    from jobs.elsewhere.roles import Roles

FILES = "Results (*.csv *.tsv *.txt *.jsonl *.json *.parquet *.eval *.gz *.bz2 *.xz);;All files (*)"
MOST_FILES = 200
"""More files than this are no table that somebody meant to drop."""


class Elsewhere(QObject):
    """One table at a time. Whatever is given up on the way leaves nothing behind; only a verdict is kept."""

    def __init__(self, context: Context, window: QWidget) -> None:
        super().__init__(window)
        self._context, self._window = context, window
        self._waiting: WaitDialog | None = None
        self._sketch: Sketch | None = None  # what was asked about these files, None where nothing was
        self._folder = ""  # where choosing begins: where the last file was

    def choose(self) -> None:
        """Ask for one or more files, then read them."""
        paths, _ = QFileDialog.getOpenFileNames(self._window, "Results from elsewhere", self._folder, FILES)
        if paths:
            self._folder = str(Path(paths[0]).parent)
            self.read(*map(Path, paths))

    def read(self, *paths: Path) -> None:
        """Read files as one table; what they do not say is asked for, then which arm plays which part."""
        self._sketch = None
        self._read([Source(path) for path in dict.fromkeys(paths)], Choices())

    def _read(self, sources: Sequence[Source], choices: Choices) -> None:
        """Read files in this way. Of two that are read at a time the later counts."""
        self._read_no_more()
        name = clean(sources[0].path.name, 120)
        wait = self._waiting = WaitDialog(
            f"Reading {name} …" if len(sources) == 1 else f"Reading {len(sources)} files …", self._window
        )
        wait.rejected.connect(self._forget)
        self._context.session.run(
            operations.read_table, sources, choices,
            done=lambda contents: self._contents(wait, contents),
            failed=lambda error: self._unreadable(wait, error, sources, choices),
        )  # fmt: skip

    def _read_no_more(self) -> bool:
        """Close what says that a file is being read; gives whether one was."""
        wait, self._waiting = self._waiting, None
        if wait is not None:
            wait.accept()
        return wait is not None

    def _forget(self) -> None:
        self._waiting = None

    def _unreadable(
        self, wait: WaitDialog, error: BaseException, sources: Sequence[Source], choices: Choices
    ) -> None:  # fmt: skip
        if wait is not self._waiting:
            return
        self._read_no_more()
        if isinstance(error, Unclear):
            self._ask(replace(error.sketch, sources=tuple(sources)), choices, error)
        elif isinstance(error, LabError) and self._sketch is not None:  # what was said last may be put right
            self._ask(replace(self._sketch, sources=tuple(sources)), choices, error)
        elif isinstance(error, LabError):
            title = "These results cannot be judged"
            dialog = TextDialog(title, error.hint, error.message, self._window, wrap=True)
            dialog.resize(720, 320)
            dialog.open()
        else:
            self._context.messages.error(error)

    def _ask(self, sketch: Sketch, choices: Choices, error: LabError | None = None) -> None:
        """Ask how the files are to be read."""
        from gui.dialogs.mapping import MappingDialog

        self._sketch = sketch
        dialog = MappingDialog(sketch, choices, error, self._window)
        dialog.wanted.connect(self._read)
        dialog.open()

    def _contents(self, wait: WaitDialog, contents: Contents) -> None:
        if wait is not self._waiting:
            return
        self._read_no_more()
        from gui.dialogs.results import ResultsDialog  # brings the statistics, which reading has loaded by now

        dialog = ResultsDialog(contents, self._window)
        dialog.wanted.connect(lambda parts, limits: self._judge(dialog, contents, parts, limits))
        dialog.columns_wanted.connect(lambda: self._ask(contents.table.sketch, contents.table.choices))
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


def dropped(data: QMimeData) -> list[Path]:
    """The local files that are dragged; none where anything else is among them."""
    paths = [Path(url.toLocalFile()) if url.isLocalFile() else Path() for url in data.urls()]
    return paths if all(path.name for path in paths) and len(paths) <= MOST_FILES else []
