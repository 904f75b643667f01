"""Paired differences between arms, each with its interval; what is too small to matter is shaded."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from gui.look.text import clean, number
from gui.look.theme import Theme, weighted
from gui.widgets.chart import Chart, tick_digits, ticks

AXIS, ROW = 24.0, 26.0
Range = tuple[float, float]


@dataclass(frozen=True)
class Difference:
    """One paired difference in shown units.

    Attributes:
        comparable: It can share the axis of the others.
        arms: The names in its label.
    """

    label: str
    value: float
    ci: Range | None
    said: str
    primary: bool = False
    comparable: bool = True
    arms: tuple[str, str] = ("", "")


class Forest(Chart):
    """Draws one row for each difference: its name, its interval, its figures."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "Paired differences", (320, 120))
        self._rows: list[Difference] = []
        self._margin = 0.0

    def show_rows(self, rows: list[Difference], margin: float) -> None:
        """Show these differences, with +- margin (the axis' unit) shaded."""
        self._rows, self._margin = rows, margin
        self.setMinimumHeight(int(len(rows) * ROW + AXIS + 4))
        self.setAccessibleDescription("; ".join(f"{clean(r.label)}: {r.said}" for r in rows))
        self.update()

    def draw(self, painter: QPainter) -> None:
        """Paint names, intervals and figures."""
        if not self._rows:
            return
        tokens, metrics = self.theme.tokens, QFontMetricsF(weighted(self.small, True))
        name = min(self.width() * 0.4, 8 + max(metrics.horizontalAdvance(clean(r.label, 200)) for r in self._rows))
        figures = min(self.width() * 0.36, 8 + max(metrics.horizontalAdvance(r.said) for r in self._rows))
        box = QRectF(name + 10, 0, max(60.0, self.width() - name - figures - 24), self.height() - AXIS)
        drawn = [r for r in self._rows if r.comparable]
        values = [v for r in drawn for v in (r.value, *(r.ci or ()))] + [-self._margin, self._margin]
        marks = ticks(min(values), max(values), 6)

        def x(value: float) -> float:
            return box.left() + (value - marks[0]) / ((marks[-1] - marks[0]) or 1.0) * box.width()

        if drawn:
            self._ground(painter, box, marks, x)
        height = min(44.0, box.height() / len(self._rows))
        for at, row in enumerate(self._rows):
            middle = height * (at + 0.5)
            painter.setFont(weighted(self.small, row.primary))
            left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            self.write(painter, fitted(row, painter, name), QRectF(0, middle - 9, name, 18), tokens.text, left)
            self.write(painter, row.said, QRectF(self.width() - figures, middle - 9, figures, 18), tokens.text, right)
            if row.comparable:
                painter.setPen(self.pen(tokens.text, 2 if row.primary else 1.3))
                if row.ci is not None:
                    painter.drawLine(QPointF(x(row.ci[0]), middle), QPointF(x(row.ci[1]), middle))
                half = 4.0 if row.primary else 3.2
                painter.fillRect(QRectF(x(row.value) - half, middle - half, 2 * half, 2 * half), QColor(tokens.text))

    def _ground(self, painter: QPainter, box: QRectF, marks: list[float], x) -> None:
        tokens = self.theme.tokens
        shade = QColor(tokens.muted)
        shade.setAlpha(34)
        painter.fillRect(QRectF(x(-self._margin), 0, x(self._margin) - x(-self._margin), box.height()), shade)
        painter.setPen(self.pen(tokens.muted))
        painter.drawLine(QPointF(round(x(0)) + 0.5, 0), QPointF(round(x(0)) + 0.5, box.height()))
        digits = tick_digits(marks[1] - marks[0])
        for mark in marks:
            text = QRectF(x(mark) - 26, box.bottom() + 6, 52, 14)
            self.write(painter, number(mark, digits, sign=True), text, tokens.muted)


def fitted(row: Difference, painter: QPainter, width: float) -> str:
    """A row's label in this width (px), both of its arms' names cut in the middle where they must be."""
    metrics, label = QFontMetricsF(painter.font()), clean(row.label, 600)
    names = [clean(arm, 200) for arm in row.arms if arm]
    over = metrics.horizontalAdvance(label) - width
    if over <= 0 or not names:
        return label
    wide = [metrics.horizontalAdvance(name) for name in names]
    room = max(24.0, (sum(wide) - over) / len(names) - 1)
    spare = sum(max(0.0, room - own) for own in wide)  # what a short name leaves is the other's
    for name, own in zip(names, wide, strict=True):
        if own > room:
            cut = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room + spare)
            label = label.replace(name, cut, 1)
    return label
