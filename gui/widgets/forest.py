"""Paired differences between arms, each with its interval; what is too small to matter is shaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from gui.look.text import clean, number
from gui.look.theme import Theme, weighted
from gui.widgets.chart import Chart, tick_digits, ticks

AXIS, ROW, TALLEST = 24.0, 26.0, 44.0
UNIT = 15.0
"""px, of the line below an axis that says its unit."""
Range = tuple[float, float]
Place = Callable[[float], float]


@dataclass(frozen=True)
class Difference:
    """One paired difference in shown units.

    Attributes:
        margin: Differences within +- margin are too small to matter, and shaded; None where none is fixed.
        arms: The names in its label.
    """

    label: str
    value: float
    ci: Range | None
    said: str
    primary: bool = False
    margin: float | None = None
    arms: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Group:
    """Differences in one unit, which share an axis."""

    unit: str
    rows: list[Difference]


class Forest(Chart):
    """Draws one row for each difference: its name, its interval, its figures; below each group its axis."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "Paired differences", (320, 120))
        self._groups: list[Group] = []

    def show_groups(self, groups: list[Group]) -> None:
        """Show these differences."""
        self._groups = [group for group in groups if group.rows]
        rows = [row for group in self._groups for row in group.rows]
        self.setMinimumHeight(int(len(rows) * ROW + len(self._groups) * self._foot + 4))
        self.setAccessibleDescription("; ".join(f"{clean(row.label)}: {row.said}" for row in rows))
        self.update()

    @property
    def _foot(self) -> float:
        """The height of an axis, px: with several, each says its unit."""
        return AXIS + (UNIT if len(self._groups) > 1 else 0.0)

    def draw(self, painter: QPainter) -> None:
        """Paint names, intervals and figures."""
        rows = [row for group in self._groups for row in group.rows]
        if not rows:
            return
        metrics = QFontMetricsF(weighted(self.small, True))
        name = min(self.width() * 0.4, 8 + max(metrics.horizontalAdvance(clean(r.label, 200)) for r in rows))
        figures = min(self.width() * 0.36, 8 + max(metrics.horizontalAdvance(r.said) for r in rows))
        wide = max(60.0, self.width() - name - figures - 24)
        height = min(TALLEST, (self.height() - self._foot * len(self._groups)) / len(rows))
        top = 0.0
        for group in self._groups:
            box = QRectF(name + 10, top, wide, height * len(group.rows))
            self._group(painter, group, box, (name, figures))
            top = box.bottom() + self._foot

    def _group(self, painter: QPainter, group: Group, box: QRectF, sides: tuple[float, float]) -> None:
        tokens, (name, figures) = self.theme.tokens, sides
        values = [v for r in group.rows for v in (r.value, *(r.ci or ()), r.margin or 0.0, -(r.margin or 0.0))]
        marks = ticks(min(values), max(values), 6)

        def x(value: float) -> float:
            return box.left() + (value - marks[0]) / ((marks[-1] - marks[0]) or 1.0) * box.width()

        height = box.height() / len(group.rows)
        self._ground(painter, group, box, marks, x)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for at, row in enumerate(group.rows):
            middle = box.top() + height * (at + 0.5)
            painter.setFont(weighted(self.small, row.primary))
            self.write(painter, fitted(row, painter, name), QRectF(0, middle - 9, name, 18), tokens.text, left)
            self.write(painter, row.said, QRectF(self.width() - figures, middle - 9, figures, 18), tokens.text, right)
            painter.setPen(self.pen(tokens.text, 2 if row.primary else 1.3))
            if row.ci is not None:
                painter.drawLine(QPointF(x(row.ci[0]), middle), QPointF(x(row.ci[1]), middle))
            half = 4.0 if row.primary else 3.2
            painter.fillRect(QRectF(x(row.value) - half, middle - half, 2 * half, 2 * half), QColor(tokens.text))
        painter.setFont(self.small)

    def _ground(self, painter: QPainter, group: Group, box: QRectF, marks: list[float], x: Place) -> None:
        """The shaded margins, the line of no difference, the axis and its unit."""
        tokens = self.theme.tokens
        shade = QColor(tokens.muted)
        shade.setAlpha(34)
        height = box.height() / len(group.rows)
        for at, row in enumerate(group.rows):
            if row.margin is not None:
                low, high = x(-row.margin), x(row.margin)
                painter.fillRect(QRectF(low, box.top() + height * at, high - low, height), shade)
        painter.setPen(self.pen(tokens.muted))
        zero = round(x(0)) + 0.5
        painter.drawLine(QPointF(zero, box.top()), QPointF(zero, box.bottom()))
        painter.setFont(self.small)
        digits = tick_digits(marks[1] - marks[0])
        for mark in marks:
            text = QRectF(x(mark) - 26, box.bottom() + 6, 52, 14)
            self.write(painter, number(mark, digits, sign=True), text, tokens.muted)
        if len(self._groups) > 1 and group.unit:
            self.write(painter, group.unit, QRectF(box.left(), box.bottom() + 20, box.width(), 14), tokens.muted)


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
