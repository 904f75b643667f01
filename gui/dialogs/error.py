"""The dialog that shows an unexpected exception (a bug), with traceback and versions ready to copy."""

from __future__ import annotations

import platform
import traceback

import PySide6
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from gui.look.text import clean_lines
from gui.widgets.basics import Text, push_button


def describe(error: BaseException) -> str:
    """The traceback, and the versions it happened with."""
    versions = f"Python {platform.python_version()}, PySide6 {PySide6.__version__}, {platform.platform()}"
    return f"{''.join(traceback.format_exception(error))}\n{versions}\n"


class TextDialog(QDialog):
    """A long plain text in a fixed-width font, with a button that copies it."""

    def __init__(
        self, title: str, sentence: str, text: str, parent: QWidget | None = None, end: bool = False, wrap: bool = False
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.resize(820, 460)
        self.shown = QPlainTextEdit()
        self.shown.setReadOnly(True)
        modes = QPlainTextEdit.LineWrapMode
        self.shown.setLineWrapMode(modes.WidgetWidth if wrap else modes.NoWrap)
        self.shown.setPlainText(clean_lines(text))
        self.shown.setAccessibleName(title)
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPixelSize(12)
        self.shown.setFont(font)
        self.copy = push_button("Copy", self._copy, about=title)
        self.close_button = push_button("Close", self.accept, primary=True)
        self.close_button.setDefault(True)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.copy)
        buttons.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        column.addWidget(Text(title, pixels=16, bold=True, lines=2))
        column.addWidget(Text(sentence, "muted", lines=4))
        column.addWidget(self.shown, 1)
        column.addLayout(buttons)
        if end:
            bar = self.shown.verticalScrollBar()
            bar.setValue(bar.maximum())

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.shown.toPlainText())
        self.copy.setText("Copied")


class CrashDialog(TextDialog):
    """Shown for every exception that is not a LabError."""

    def __init__(self, error: BaseException, parent: QWidget | None = None) -> None:
        super().__init__(
            "Something in the lab is broken",
            "This is a bug, not something you did. Runs in progress go on, and what was measured is kept. "
            "The text below is what a bug report needs. It may quote file names and values of yours: read it before "
            "you send it.",
            describe(error),
            parent,
        )
