"""Something takes a while: said, and it can be given up."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QDialog, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from gui.widgets.basics import Text, push_button

DELAY_MS = 250
"""What is over before that needs no dialog."""


class WaitDialog(QDialog):
    """Appears after a moment, and goes when it is accepted. Rejected: the user no longer waits."""

    def __init__(self, sentence: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Please wait")
        self.setMinimumWidth(420)
        self.sentence = Text(sentence, lines=2)
        bar = QProgressBar()
        bar.setRange(0, 0)
        bar.setTextVisible(False)
        bar.setFixedHeight(4)
        bar.setAccessibleName(sentence)
        self.cancel = push_button("Cancel", self.reject)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 20, 22, 18)
        column.setSpacing(14)
        column.addWidget(self.sentence)
        column.addWidget(bar)
        column.addLayout(buttons)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self.open)
        self._later.start(DELAY_MS)

    def done(self, result: int) -> None:
        """Go, whether it has appeared yet or not."""
        self._later.stop()
        super().done(result)
        self.deleteLater()
