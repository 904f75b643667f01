"""Find a model on the Hugging Face hub, look closer, and download it. Nothing is asked before Search is pressed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QItemSelectionModel, Qt, QTimer, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QLineEdit, QProgressBar, QVBoxLayout, QWidget

from engine.spec.errors import LabError
from gui import operations
from gui.dialogs.findings import FindingsPanel, amount, parameters
from gui.look.text import clean
from gui.session import Session
from gui.tables.words import WordsTable
from gui.widgets.basics import Card, Text, push_button

if TYPE_CHECKING:
    from engine.models.hub import Details, Found

REST_MS = 200
"""A row is looked at once the user has stopped moving through the table."""
POLL_MS = 100  # between looks at how far a download is
HEADER = ["Model", "Parameters", "Size", "Licence", "Downloads", "Tool calls"]
WIDTHS = {1: 92, 2: 80, 3: 124, 4: 98, 5: 84}
ROWS = 8
START = "Type a name or a few words, and press Search. Nothing is sent before that."
TOOLS = {True: "yes", False: "no", None: "not said"}


class Progress:
    """How far a download is: written on the thread that downloads, read by the window."""

    def __init__(self, session: Session) -> None:
        self.done = self.total = 0
        self.cancelled = threading.Event()
        self._session = session

    def __call__(self, done: int, total: int) -> None:
        """Take a note; where the window is closing, give up."""
        self.done, self.total = done, total
        if self._session.is_closing:
            self.cancelled.set()


class HubDialog(QDialog):
    """Search, details and download; one of each at a time.

    Signals:
        chosen(name): A model is here, downloaded just now or before, and is to be used.
    """

    chosen = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Find a model")
        self.setMinimumSize(880, 600)
        self.resize(960, 640)
        self.is_over = False
        self._session = session
        self._found: list[Found] = []
        self._details: Details | None = None
        self._looked_at = ""
        self._progress: Progress | None = None
        self.words = QLineEdit()
        self.words.setPlaceholderText("for example SmolLM2 135M")
        self.words.setAccessibleName("Words to search for")
        self.words.setMaxLength(200)
        self.search = push_button("Search", self._search, about="the Hugging Face hub")
        self.table = WordsTable("Models found on the hub", ROWS)
        self.table.hide()
        self.said = Text(START, "muted", lines=2)
        self.findings = FindingsPanel()
        self.error = Text("", "bad", lines=5)
        self.error.hide()
        self.bar, self.how_far = QProgressBar(), Text("", "caption")
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setProperty("measured", "true")
        self.bar.setAccessibleName("How far the download is")
        self.download = push_button("Download", self._download, primary=True)
        self.stop = push_button("Stop the download", self._stop)
        self.close_ = push_button("Cancel", self.reject)
        self._ticking = QTimer(self)
        self._ticking.setInterval(POLL_MS)
        self._ticking.timeout.connect(self._tick)
        self._lay_out()
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(REST_MS)
        self._resting.timeout.connect(self._look)
        self.search.setDefault(True)
        self.words.textChanged.connect(self._enable)
        self.table.selectionModel().currentRowChanged.connect(self._resting.start)
        self._show_progress(False)
        self._enable()
        self.words.setFocus()

    def _lay_out(self) -> None:
        label = QLabel("&Words")
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setBuddy(self.words)
        top = QHBoxLayout()
        top.setSpacing(8)
        for widget, stretch in ((label, 0), (self.words, 1), (self.search, 0)):
            top.addWidget(widget, stretch)
        found = Card()
        found.layout_.addWidget(self.said)
        found.layout_.addWidget(self.table)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.how_far, 1)
        for button in (self.close_, self.stop, self.download):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 20, 22, 18)
        column.setSpacing(12)
        column.addWidget(Text("Find a model on the Hugging Face hub", pixels=15, bold=True))
        column.addLayout(top)
        column.addWidget(found)
        column.addWidget(self.findings, 1)
        column.addWidget(self.error)
        column.addStretch(0)
        column.addWidget(self.bar)
        column.addLayout(buttons)

    # What the user does.

    def _search(self) -> None:
        words = self.words.text().strip()
        if not words or not self.search.isEnabled():
            return
        self._forget()
        self._say("Asking the hub …")
        self.search.setEnabled(False)
        self._session.run(
            operations.search_hub, words,
            done=self._if_open(lambda found: self._show_found(words, found)), failed=self._if_open(self._not_found),
        )  # fmt: skip

    def _look(self) -> None:
        row = self.table.currentIndex().row()
        if not 0 <= row < len(self._found):
            return
        name = self._looked_at = self._found[row].repository
        self._details = None
        self.error.hide()
        self.findings.show_looking(name)
        self._enable()
        self._session.run(
            operations.hub_details, name,
            done=self._if_open(lambda details: self._show_details(name, details)),
            failed=self._if_open(lambda error: self._no_details(name, error)),
        )  # fmt: skip

    def _download(self) -> None:
        if self._details is None or self._progress is not None:
            return
        self.error.hide()
        self._progress = Progress(self._session)
        self._show_progress(True)
        self._ticking.start()
        self._enable()
        self._session.run(
            operations.download_model, self._details, self._progress, self._progress.cancelled,
            done=self._downloaded, failed=self._if_open(self._not_downloaded),
        )  # fmt: skip

    def _stop(self) -> None:
        if self._progress is not None:
            self._progress.cancelled.set()
            self.stop.setEnabled(False)
            self.how_far.setText("Stopping …")

    def done(self, result: int) -> None:
        """Close, however it came about; a download goes no further."""
        self.is_over = True
        self._ticking.stop()
        self._resting.stop()
        if self._progress is not None:
            self._progress.cancelled.set()
        super().done(result)

    # What comes back.

    def _show_found(self, words: str, found: list[Found]) -> None:
        self._found = found
        rows = [
            [
                model.repository, parameters(model.parameters), amount(model.bytes), model.licence or "not named",
                f"{model.downloads:,}".replace(",", " "), TOOLS[model.tools],
            ]
            for model in found
        ]  # fmt: skip
        self.table.show_words(HEADER, rows, WIDTHS)
        self.table.setVisible(bool(rows))
        self._say("" if rows else f"The hub has no text-generating model named “{clean(words, 100)}”.")
        self._enable()
        if rows:
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.table.selectionModel().setCurrentIndex(self.table.model().index(0, 0), flags)
            self.table.setFocus()

    def _not_found(self, error: BaseException) -> None:
        self._say(START)
        self._fail(error)
        self.words.setFocus()

    def _show_details(self, name: str, details: Details) -> None:
        if name != self._looked_at:
            return  # another row was chosen meanwhile
        self._details = details
        self.findings.show_details(details)
        self._enable()

    def _no_details(self, name: str, error: BaseException) -> None:
        if name == self._looked_at:
            self.findings.clear()
            self._fail(error)

    def _downloaded(self, name: str) -> None:
        """It is there, even where the dialog has been closed an instant before."""
        self._session.downloaded = tuple(dict.fromkeys((*self._session.downloaded, name)))
        if not self.is_over:
            self._end_download()
            self.chosen.emit(name)
            self.accept()

    def _not_downloaded(self, error: BaseException) -> None:
        stopped = self._progress is not None and self._progress.cancelled.is_set()
        self._end_download()
        if stopped and isinstance(error, LabError):
            self.how_far.setText(f"{error.message} {error.hint}".strip())
        else:
            self._fail(error)

    def _tick(self) -> None:
        progress = self._progress
        if progress is None or not progress.total or progress.cancelled.is_set():
            return
        self.bar.setValue(int(1000 * progress.done / progress.total))
        whole = progress.done >= progress.total
        self.how_far.setText(
            "Verifying …" if whole else f"{amount(progress.done)} of {amount(progress.total)} are here"
        )

    # Between them.

    def _if_open(self, then: Callable[[Any], object]) -> Callable[[Any], object]:
        """What comes back once the dialog is closed is not looked at."""
        return lambda value: None if self.is_over else then(value)

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, LabError):
            self.error.setText(f"{error.message} {error.hint}".strip())
            self.error.show()
        else:
            self._session.failed.emit(error)
        self._enable()

    def _say(self, words: str) -> None:
        self.said.setText(words)
        self.said.setVisible(bool(words))

    def _forget(self) -> None:
        self._resting.stop()
        self.how_far.setText("")
        self._found, self._details, self._looked_at = [], None, ""
        self.table.hide()
        self.findings.clear()
        self.error.hide()
        self._enable()

    def _end_download(self) -> None:
        self._ticking.stop()
        self._progress = None
        self._show_progress(False)
        self._enable()

    def _show_progress(self, shown: bool) -> None:
        self.bar.setValue(0)
        self.bar.setVisible(shown)
        self.how_far.setText("Beginning …" if shown else "")
        self.stop.setVisible(shown)
        self.stop.setEnabled(shown)
        self.close_.setVisible(not shown)

    def _enable(self) -> None:
        """What can be pressed now."""
        busy, details = self._progress is not None, self._details
        self.words.setEnabled(not busy)
        self.search.setEnabled(not busy and bool(self.words.text().strip()))
        self.table.setEnabled(not busy)
        here = details is not None and details.name in self._session.downloaded
        self.download.setText("Use" if here else "Download")
        self.download.setEnabled(not busy and details is not None and details.usable)
