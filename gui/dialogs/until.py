"""Whether a trial goes on until it is settled, and after how many seeds it ends in any case."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSpinBox, QVBoxLayout, QWidget

from engine.spec.study import MOST_SEEDS, ScaleSpec
from gui.look.text import tip
from gui.widgets.basics import Text

NEVER = "A smoke test is never settled: its figures mean nothing. Choose quick or full for that."
HOW = (
    "Runs the first seeds, looks whether the verdict or the answer to the question is still open, and adds seeds only "
    "while one is. The looks are fixed beforehand and share the error of 5 %, so intervals are wider at early looks."
)


class UntilField(QWidget):
    """A switch and the most seeds; at smoke scale it cannot be chosen, and says why.

    Signals:
        changed(): It was switched on or off, or another number of seeds is the most.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._sizes: ScaleSpec | None = None
        self.box, self.most = QCheckBox("Go on until it is settled"), QSpinBox()
        self.box.setAccessibleName("Go on until it is settled")
        self.box.setToolTip(tip(HOW))
        self.most.setRange(2, MOST_SEEDS)
        self.most.setPrefix("at most ")
        self.most.setSuffix(" seeds")
        self.most.setAccessibleName("The most seeds until it is settled")
        self.most.lineEdit().setTextMargins(7, 0, 0, 0)
        self.why = Text(NEVER, "caption", lines=2)
        self.setFocusProxy(self.box)
        self.setFocusPolicy(self.box.focusPolicy())  # without one, its label's shortcut would leave the focus alone
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.box)
        row.addWidget(self.most, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addLayout(row)
        column.addWidget(self.why)
        self.box.toggled.connect(self._toggled)
        self.most.valueChanged.connect(lambda _: self.changed.emit())

    @property
    def is_on(self) -> bool:
        """Whether the trial goes on until it is settled."""
        return self.box.isChecked()

    @property
    def looks(self) -> tuple[int, ...]:
        """After how many seeds it is looked at; empty where the seeds are fixed."""
        return self._sizes.looks_until(self.most.value()) if self._sizes is not None and self.is_on else ()

    def offer(self, scale: str, sizes: ScaleSpec) -> None:
        """Offer it for a scale: switched on where the scale has looks of its own."""
        self._sizes = sizes
        can = scale != "smoke"
        self.box.setEnabled(can)
        self.why.setVisible(not can)
        self.most.setValue(sizes.looks_until()[-1])
        self.box.setChecked(can and bool(sizes.looks))
        self.most.setEnabled(self.is_on)

    def _toggled(self, on: bool) -> None:
        self.most.setEnabled(on)
        self.changed.emit()
