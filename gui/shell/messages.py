"""How the window speaks: banners for what is known, a dialog with the traceback for what is a bug."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from engine.spec.errors import LabError
from gui.dialogs.error import CrashDialog
from gui.look.icons import icon
from gui.look.theme import Theme
from gui.widgets.basics import Text, push_button

MOST = 3
"""No more banners than this; the oldest makes room."""
SHOWN_MS = 8000
"""How long a message that asks for nothing stays."""


class Banner(QFrame):
    """One message, with its hint, a button to do something about it and one to close it.

    Signals:
        closed: The user wants it gone.
    """

    closed = Signal()

    def __init__(
        self, theme: Theme, kind: str, message: str, hint: str, action: tuple[str, Callable[[], object]] | None
    ) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setProperty("kind", kind)
        self.message, self.hint = Text(message, bold=True, lines=3), Text(hint, "muted", lines=3)
        self.hint.setVisible(bool(hint))
        self.setAccessibleName(
            f"{'Error' if kind == 'error' else 'Message'}: {self.message.text()} {self.hint.text()}".strip()
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 9, 8, 9)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.message)
        words.addWidget(self.hint)
        row.addLayout(words, 1)
        if action is not None:
            row.addWidget(push_button(action[0], action[1], small=True), 0, Qt.AlignmentFlag.AlignVCenter)
        self.close_button = push_button("", self.closed.emit, quiet=True, small=True, about="close this message")
        self.close_button.setAccessibleName("Close this message")
        self.close_button.setIcon(icon("close", theme.tokens.muted))
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)


class Messages(QWidget):
    """The banners, over the foot of a page: a page that moved would slide other buttons under the pointer."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(24, 0, 24, 14)
        self._column.setSpacing(8)
        self.hide()

    def error(self, error: BaseException, action: tuple[str, Callable[[], object]] | None = None) -> None:
        """Show a LabError as a banner, anything else as the bug it is."""
        if isinstance(error, LabError):
            self._show("error", error.message, error.hint, action)
        else:
            self._crash(error)

    def warn(self, message: str, hint: str = "", action: tuple[str, Callable[[], object]] | None = None) -> None:
        """Show something that should be known; it stays."""
        self._show("warn", message, hint, action)

    def done(self, message: str, hint: str = "", action: tuple[str, Callable[[], object]] | None = None) -> None:
        """Show what was done; it goes by itself."""
        banner = self._show("done", message, hint, action)
        QTimer.singleShot(SHOWN_MS, banner, lambda: self._take_away(banner))

    def banners(self) -> list[Banner]:
        """Those that are shown, the newest first."""
        return [w for i in range(self._column.count()) if isinstance(w := self._widget(i), Banner) and not w.isHidden()]

    def _widget(self, at: int) -> QWidget | None:
        item = self._column.itemAt(at)
        return item.widget() if item is not None else None

    def _show(self, kind: str, message: str, hint: str, action: tuple[str, Callable[[], object]] | None) -> Banner:
        for old in self.banners():
            same = old.message.text() == Text(message).text()
            if same or len(self.banners()) >= MOST:
                self._take_away(old if same else self.banners()[-1])
        banner = Banner(self._theme, kind, message, hint, action)
        banner.closed.connect(lambda: self._take_away(banner))
        self._column.insertWidget(0, banner)
        self.show()
        banner.show()  # a layout would show it only at the next turn
        return banner

    def _take_away(self, banner: Banner) -> None:
        # Not in answer to `destroyed`: by then the layout still holds a widget of which half is gone.
        banner.hide()
        self._column.removeWidget(banner)
        banner.deleteLater()
        self.setVisible(bool(self.banners()))

    def _crash(self, error: BaseException) -> None:
        CrashDialog(error, self.window()).open()
