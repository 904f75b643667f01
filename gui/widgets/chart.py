"""What the painted charts share: axes of round numbers, quiet grid lines, text that fits."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.stats.display import axis
from gui.look.text import clean
from gui.look.theme import Theme, sized


def ticks(low: float, high: float, wanted: int = 5, whole: bool = False) -> list[float]:
    """The marks of an axis (`engine.stats.display.axis.ticks`), also where nothing finite is drawn on it."""
    low = low if math.isfinite(low) else 0.0
    return axis.ticks(low, high if math.isfinite(high) and high > low else low + 1.0, wanted, whole)


def tick_digits(step: float) -> int:
    """How many digits after the point tell such ticks apart."""
    return next((d for d in range(5) if math.isclose(round(step, d), step, rel_tol=1e-6)), 4)


class Chart(QWidget):
    """A chart that paints itself in the theme's colours.

    Subclasses override `draw` and set the accessible description to what the picture says.
    """

    def __init__(self, theme: Theme, name: str, least: tuple[int, int]) -> None:
        super().__init__()
        self.theme = theme
        self.small = sized(11)
        self.setAccessibleName(name)
        self.setMinimumSize(*least)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self.update)

    def draw(self, painter: QPainter) -> None:
        """Paint everything; the painter is antialiased and has the small font."""
        raise NotImplementedError

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self.small)
        self.draw(painter)
        painter.end()

    def pen(self, colour: str, width: float = 1, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
        """A pen."""
        return QPen(QColor(colour), width, style)

    def write(
        self,
        painter: QPainter,
        text: str,
        box: QRectF,
        colour: str,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignCenter,
    ) -> None:
        """Write a line of plain text into the box, cut in its middle if it does not fit."""
        shown = QFontMetricsF(painter.font()).elidedText(clean(text, 300), Qt.TextElideMode.ElideMiddle, box.width())
        painter.setPen(QColor(colour))
        painter.drawText(box, align | Qt.TextFlag.TextSingleLine, shown)

    def level(self, painter: QPainter, left: float, right: float, y: float, text: str) -> None:
        """A horizontal grid line with its figure to the left."""
        painter.setPen(self.pen(self.theme.tokens.line))
        painter.drawLine(QPointF(left, round(y) + 0.5), QPointF(right, round(y) + 0.5))
        box = QRectF(0, y - 8, left - 6, 16)
        self.write(
            painter, text, box, self.theme.tokens.muted, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        )
