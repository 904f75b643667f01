"""Accuracy against reliance: each arm as a marker with both intervals, and the corner where one wants to be."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QPainter
from PySide6.QtWidgets import QToolTip

from gui.look.text import clean, number, tip
from gui.look.theme import ArmStyle, Theme
from gui.widgets.chart import Chart, tick_digits, ticks
from gui.widgets.marks import draw_marker

LEFT, TOP, RIGHT, BOTTOM = 40.0, 8.0, 12.0, 36.0
Range = tuple[float, float]
PLACES = [(dx, dy) for away in range(4) for dy in (-9 - 15 * away, 10 + 15 * away) for dx in (9, -9)]
"""Where a name may stand beside its marker, px, the best first."""
NEAR = 12
"""How near the mouse must be to a marker to be told its arm, px."""


@dataclass(frozen=True)
class Spot:
    """One arm: accuracy `x` and reliance `y` in shown units, with intervals where they are known; `said` in words."""

    label: str
    style: ArmStyle
    x: float
    y: float
    said: str
    x_ci: Range | None = None
    y_ci: Range | None = None


class Scatter(Chart):
    """Draws the spots."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "Accuracy and reliance", (220, 190))
        self._spots: list[Spot] = []
        self._placed: list[tuple[Spot, QPointF]] = []
        self._corner: tuple[float, float, float] | None = None
        self._ends: Range | None = None
        self._x_title = ""

    def show_spots(
        self, spots: list[Spot], corner: tuple[float, float, float] | None, x_title: str, ends: Range | None = None
    ) -> None:
        """Show these arms.

        Args:
            corner: The good corner is at least so accurate, and from so to so reliant; None: it is not drawn.
            x_title: What the horizontal axis measures, with its unit.
            ends: From where to where that can be at all; None: the axis ends where the spots do.
        """
        self._spots, self._corner, self._x_title, self._ends = spots, corner, x_title, ends
        self.setAccessibleDescription("; ".join(f"{clean(s.label)}: {s.said}" for s in spots))
        self.update()

    def draw(self, painter: QPainter) -> None:
        """Paint corner, grid, spots and their names."""
        if not self._spots:
            return
        tokens = self.theme.tokens
        ys = [v for s in self._spots for v in (s.y, *(s.y_ci or ()))] + ([self._corner[2]] if self._corner else [])
        marks = ticks(min(0.0, *ys), max(*ys, 1e-9), 4)
        xs = [v for s in self._spots for v in (s.x, *(s.x_ci or ()))]
        across = ticks(*(self._ends or (min(0.0, *xs), max(1e-3, *xs))), 5)
        box = QRectF(LEFT, TOP, self.width() - LEFT - RIGHT, self.height() - TOP - BOTTOM)

        def place(x: float, y: float) -> QPointF:
            return QPointF(
                box.left() + (x - across[0]) / (across[-1] - across[0]) * box.width(),
                box.bottom() - (y - marks[0]) / (marks[-1] - marks[0]) * box.height(),
            )

        self._good_corner(painter, box, place)
        digits = tick_digits(marks[1] - marks[0])
        for mark in marks:
            self.level(painter, box.left(), box.right(), place(0, mark).y(), number(mark, digits))
        digits = tick_digits(across[1] - across[0])
        for mark in across:
            x = round(place(mark, 0).x()) + 0.5
            painter.setPen(self.pen(tokens.line))
            painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
            self.write(painter, number(mark, digits), QRectF(x - 22, box.bottom() + 4, 44, 14), tokens.muted)
        self.write(painter, self._x_title, QRectF(box.left(), box.bottom() + 19, box.width(), 15), tokens.muted)
        for spot in self._spots:
            for line in self._lines(spot, place, across):
                painter.setPen(self.pen(spot.style.colour, 1.5))
                painter.drawLine(line)
            draw_marker(painter, spot.style, place(spot.x, spot.y), 10)
        lines = [line for spot in self._spots for line in self._lines(spot, place, across)]
        self._placed = [(s, place(s.x, s.y)) for s in self._spots]
        self._names(painter, box, self._placed, lines)

    def event(self, event: QEvent) -> bool:
        """Say which arm the mouse points at, and its figures."""
        if event.type() != QEvent.Type.ToolTip or not isinstance(event, QHelpEvent):
            return super().event(event)
        near = [(QLineF(at, event.pos()).length(), spot) for spot, at in self._placed]
        away, spot = min(near, key=lambda one: one[0], default=(NEAR + 1, None))
        shown = tip(f"{spot.label}: {spot.said}") if spot is not None and away <= NEAR else ""
        QToolTip.showText(event.globalPos(), shown, self)
        return True

    def _good_corner(self, painter: QPainter, box: QRectF, place) -> None:
        """Shade it; the card's caption says what it is."""
        if self._corner is None:
            return
        accurate, low, high = self._corner
        at, below = place(accurate, high), min(box.bottom(), place(accurate, low).y())
        shade = QColor(self.theme.tokens.good)
        shade.setAlpha(28)
        area = QRectF(QPointF(max(box.left(), at.x()), max(box.top(), at.y())), QPointF(box.right(), below))
        painter.fillRect(area, shade)

    @staticmethod
    def _lines(spot: Spot, place, across: list[float]) -> list[QLineF]:
        """The intervals of a spot, as far as they are within the chart."""
        found = []
        if spot.x_ci is not None:
            low, high = max(across[0], spot.x_ci[0]), min(spot.x_ci[1], across[-1])
            found.append(QLineF(place(low, spot.y), place(high, spot.y)))
        if spot.y_ci is not None:
            found.append(QLineF(place(spot.x, spot.y_ci[0]), place(spot.x, spot.y_ci[1])))
        return found

    def _names(self, painter: QPainter, box: QRectF, spots: list[tuple[Spot, QPointF]], lines: list[QLineF]) -> None:
        """Each name beside its marker, at the first of a few places where it covers nothing.

        Where it would cover something at each of them it is left out: the mouse has it.
        """
        metrics = QFontMetricsF(painter.font())
        taken = [QRectF(at.x() - 6, at.y() - 6, 12, 12) for _, at in spots]
        taken += [QRectF(line.p1(), line.p2()).normalized().adjusted(-1, -1, 1, 1) for line in lines]
        for spot, at in spots:
            name = metrics.elidedText(clean(spot.label, 200), Qt.TextElideMode.ElideMiddle, 130)
            wide = metrics.horizontalAdvance(name) + 2
            places = [
                QRectF(at.x() + dx if dx > 0 else at.x() + dx - wide, at.y() + dy - 7, wide, 14) for dx, dy in PLACES
            ]
            free = (p for p in places if box.contains(p) and not any(p.intersects(t) for t in taken))
            if (chosen := next(free, None)) is None:
                continue
            taken.append(chosen)
            self.write(
                painter,
                name,
                chosen,
                self.theme.tokens.text,
                Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
            )
