"""The window: side bar, pages, status strip."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeySequence,
    QShortcut,
)  # fmt: skip
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from engine.spec.errors import LabError
from gui import operations
from gui.look.theme import Mode, Theme
from gui.pages.data_import import Elsewhere, dropped
from gui.pages.page import Context, Empty, Page
from gui.pages.questions import QuestionsPage
from gui.pages.queue import QueuePage
from gui.session import Session
from gui.shell.messages import Messages
from gui.shell.sidebar import SideButton
from gui.shell.status import StatusStrip
from gui.widgets.basics import Text
from jobs.store.records import Snapshot

PAGES = (("questions", "Questions"), ("queue", "Queue"), ("live", "Live"), ("verdict", "Verdict"))
SIDEBAR = 172
MODES: tuple[tuple[Mode, str], ...] = (("system", "As the system"), ("light", "Light"), ("dark", "Dark"))


class MainWindow(QMainWindow):
    """Shows one page at a time. The live and the verdict page are made when they are first needed."""

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self.session, self.theme = session, theme
        self.setWindowTitle("Tuning Fork")
        self.resize(1280, 800)
        self.setMinimumSize(1100, 660)
        self.messages = Messages(theme)
        self.context = Context(session, theme, self.messages, self.go)
        self.elsewhere = Elsewhere(self.context, self)
        self.setAcceptDrops(True)
        self.pages: dict[str, Page] = {}
        self.buttons: dict[str, SideButton] = {}
        self._closed = False
        self._stack = QStackedWidget()
        self._trouble = Empty()
        self._stack.addWidget(self._trouble)
        self.strip = StatusStrip()
        self._lay_out()
        for at, (name, label) in enumerate(PAGES, 1):
            shortcut = QShortcut(QKeySequence(f"Ctrl+{at}"), self)
            shortcut.activated.connect(lambda name=name: self.go(name))
            self.buttons[name].setToolTip(f"{label} (Ctrl+{at})")
        session.opened.connect(self._opened)
        session.open_failed.connect(self._open_failed)
        session.snapshot_changed.connect(self._changed)
        session.failed.connect(self.messages.error)
        session.closed.connect(self._gone)
        self.go("questions")

    def go(self, name: str) -> None:
        """Show a page."""
        page = self.page(name)
        self._stack.setCurrentWidget(page)
        self.buttons[name].setChecked(True)

    def page(self, name: str) -> Page:
        """The page of that name, made if it is not there yet."""
        if name not in self.pages:
            self.pages[name] = self._make(name)
            self._stack.addWidget(self.pages[name])
        return self.pages[name]

    def _make(self, name: str) -> Page:
        if name == "questions":
            return QuestionsPage(self.context, self.elsewhere.choose)
        if name == "queue":
            return QueuePage(self.context)
        if name == "live":
            from gui.pages.live import LivePage  # brings the plotting library

            return LivePage(self.context)
        from gui.pages.verdict.page import VerdictPage

        return VerdictPage(self.context)

    def _lay_out(self) -> None:
        side = QFrame()
        side.setObjectName("sidebar")
        side.setFixedWidth(SIDEBAR)
        column = QVBoxLayout(side)
        column.setContentsMargins(10, 18, 10, 10)
        column.setSpacing(2)
        name = Text("Tuning Fork", pixels=15, bold=True)
        name.setContentsMargins(0, 0, 0, 0)
        head = QHBoxLayout()
        head.setContentsMargins(10, 0, 0, 14)
        head.addWidget(name)
        column.addLayout(head)
        group = QButtonGroup(self)
        for key, label in PAGES:
            made = SideButton(key, label, self.theme)
            made.clicked.connect(lambda _=False, key=key: self.go(key))
            group.addButton(made)
            self.buttons[key] = made
            column.addWidget(made)
        column.addStretch(1)
        self.appearance = self._appearance()
        column.addWidget(self.appearance)
        pages = QGridLayout()
        pages.addWidget(self._stack, 0, 0)
        pages.addWidget(self.messages, 0, 0, Qt.AlignmentFlag.AlignBottom)
        across = QHBoxLayout()
        across.setSpacing(0)
        across.addWidget(side)
        across.addLayout(pages, 1)
        middle = QWidget()
        whole = QVBoxLayout(middle)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(across, 1)
        whole.addWidget(self.strip)
        self.setCentralWidget(middle)
        self.messages.raise_()

    def _appearance(self) -> SideButton:
        button = SideButton("appearance", "Appearance", self.theme)
        button.setCheckable(False)
        button.setAccessibleDescription("light, dark or as the system")
        menu, group = QMenu(button), QActionGroup(self)
        for mode, label in MODES:
            action = QAction(label, self, checkable=True, checked=mode == self.theme.mode)
            action.triggered.connect(partial(self._choose_mode, mode))
            group.addAction(action)
            menu.addAction(action)
        button.clicked.connect(lambda: menu.popup(button.mapToGlobal(QPoint(0, -menu.sizeHint().height()))))
        return button

    def _choose_mode(self, mode: Mode, checked: bool = True) -> None:
        self.theme.choose(mode)
        if self.session.is_open:
            self.session.run(operations.keep_appearance, mode)

    def _opened(self) -> None:
        if self._stack.currentWidget() is self._trouble:
            self.go("questions")

    def _open_failed(self, error: BaseException) -> None:
        if not isinstance(error, LabError):
            self.messages.error(error)
            error = LabError("The lab could not be opened.")
        self._trouble.say(f"{error.message} {error.hint}".strip(), "Try again", self.session.open)
        self._stack.setCurrentWidget(self._trouble)

    def _changed(self, snapshot: Snapshot) -> None:
        open_runs = sum(r.state in ("running", "queued") for r in snapshot.runs)
        self.buttons["queue"].set_badge(open_runs)
        self.strip.show_snapshot(snapshot)
        if not self.session.trial and (snapshot.trials or self.session.tables):
            newest = max(snapshot.trials, key=lambda t: t.created).id if snapshot.trials else [*self.session.tables][-1]
            self.session.choose(newest)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A file may be dropped anywhere on the window once the lab is open."""
        if self.session.is_open and dropped(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Files are results from elsewhere."""
        if paths := dropped(event.mimeData()):
            event.acceptProposedAction()
            self.elsewhere.read(*paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Close the lab first: runs stop at a checkpoint and go on when the window is opened again."""
        if self._closed:
            event.accept()
            return
        event.ignore()
        for dialog in self.findChildren(QDialog):  # Qt would leave them on the screen
            dialog.reject()
        self.setEnabled(False)
        self.strip.say("Stopping; each run in progress writes a checkpoint first …")
        self.session.close()

    def _gone(self) -> None:
        self._closed = True
        self.close()
