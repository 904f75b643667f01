"""Where the gain comes from: each step of the decomposition as a bar that starts where the last one ended."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from gui.look.text import clean, number
from gui.look.theme import ArmStyle, Theme
from gui.widgets.chart import Chart, tick_digits, ticks

LEFT, TOP, BOTTOM = 36.0, 22.0, 34.0


@dataclass(frozen=True)
class Bar:
    """A bar from `start` to `end`, in shown units, with what stands above it and what is read out in its place."""

    label: str
    start: float
    end: float
    style: ArmStyle | None
    said: str
    heard: str = ""
    ci: tuple[float, float] | None = None
    total: bool = False


class Waterfall(Chart):
    """Draws the bars."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "Where the gain comes from", (240, 190))
        self._bars: list[Bar] = []
        self._least = 1e-3

    def show_bars(self, found: list[Bar], least: float = 1e-3) -> None:
        """Show these bars; the axis reaches up to `least` at least."""
        self._bars, self._least = found, least
        self.setAccessibleDescription("; ".join(f"{clean(b.label)}: {b.heard or b.said}" for b in found))
        self.update()

    def draw(self, painter: QPainter) -> None:
        """Paint grid, bars, intervals and labels."""
        if not self._bars:
            return
        tokens = self.theme.tokens
        values = [v for b in self._bars for v in (b.start, b.end, *(b.ci or ()))]
        marks = ticks(min(0.0, *values), max(self._least, *values), 5)
        low, high = marks[0], marks[-1]
        left, right, bottom = LEFT, float(self.width()), self.height() - BOTTOM

        def y(value: float) -> float:
            return bottom - (value - low) / (high - low) * (bottom - TOP)

        digits = tick_digits(marks[1] - marks[0])
        for mark in marks:
            self.level(painter, left, right, y(mark), number(mark, digits))
        slot = (right - left) / len(self._bars)
        wide = min(62.0, slot * 0.56)
        for at, bar in enumerate(self._bars):
            middle = left + slot * (at + 0.5)
            self._bar(painter, bar, middle, wide, y(bar.start), y(bar.end))
            if bar.ci is not None:
                painter.setPen(self.pen(tokens.text, 1.2))
                painter.drawLine(QPointF(middle, y(bar.ci[0])), QPointF(middle, y(bar.ci[1])))
            if at + 1 < len(self._bars):
                painter.setPen(self.pen(tokens.muted, 1, Qt.PenStyle.DotLine))
                painter.drawLine(QPointF(middle + wide / 2, y(bar.end)), QPointF(middle + slot - wide / 2, y(bar.end)))
            top = min(y(bar.start), y(bar.end), *(y(v) for v in bar.ci or ()))
            self.write(painter, bar.said, QRectF(middle - slot / 2, top - 18, slot, 16), tokens.text)
            self._label(painter, bar.label, QRectF(middle - slot / 2 + 2, bottom + 4, slot - 4, BOTTOM - 4))

    def _bar(self, painter: QPainter, bar: Bar, middle: float, wide: float, start: float, end: float) -> None:
        colour = QColor(bar.style.colour if bar.style else self.theme.tokens.muted)
        colour.setAlpha(130 if bar.total else 230)
        box = QRectF(middle - wide / 2, min(start, end), wide, max(2.0, abs(end - start)))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(box, 2, 2)

    def _label(self, painter: QPainter, text: str, box: QRectF) -> None:
        """The label below a bar, on two lines if it must be."""
        words, metrics = clean(text, 120).split(" "), QFontMetricsF(painter.font())
        first = words[0]
        rest = words[1:]
        while rest and metrics.horizontalAdvance(f"{first} {rest[0]}") <= box.width():
            first = f"{first} {rest.pop(0)}"
        upper = QRectF(box.left(), box.top(), box.width(), 14)
        self.write(painter, first, upper, self.theme.tokens.muted)
        if rest:
            self.write(painter, " ".join(rest), upper.translated(0, 13), self.theme.tokens.muted)
