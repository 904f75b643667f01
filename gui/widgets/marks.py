"""The marks of the arms: dashes and markers, in the legend, in tables and on plots; one drawing for all of them."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from gui.look.theme import ArmStyle, Marker
from gui.widgets.basics import Text
from gui.widgets.flow import Flow


def marker_path(marker: Marker, at: QPointF, size: float) -> QPainterPath:
    """The outline of a marker, `size` px across, centred at `at`."""
    path, half = QPainterPath(), size / 2
    if marker == "circle":
        path.addEllipse(at, half, half)
    elif marker == "square":
        path.addRect(QRectF(at.x() - half * 0.9, at.y() - half * 0.9, size * 0.9, size * 0.9))
    elif marker == "cross":
        bar = size / 3
        path.addRect(QRectF(at.x() - half, at.y() - bar / 2, size, bar))
        path.addRect(QRectF(at.x() - bar / 2, at.y() - half, bar, size))
        path.setFillRule(Qt.FillRule.WindingFill)
    else:
        path.addPolygon(_polygon(marker, at, half * 1.15))
        path.closeSubpath()
    return path


def _polygon(marker: Marker, at: QPointF, radius: float) -> QPolygonF:
    corners, turn = {"triangle": (3, 0.0), "down": (3, math.pi), "diamond": (4, 0.0), "pentagon": (5, 0.0)}.get(
        marker, (10, 0.0)
    )
    points = []
    for i in range(corners):
        reach = radius * (0.45 if corners == 10 and i % 2 else 1.0)
        angle = turn + 2 * math.pi * i / corners
        points.append(QPointF(at.x() + reach * math.sin(angle), at.y() - reach * math.cos(angle)))
    return QPolygonF(points)


def draw_marker(painter: QPainter, style: ArmStyle, at: QPointF, size: float = 9) -> None:
    """Draw an arm's marker, filled with its colour."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillPath(marker_path(style.marker, at, size), QColor(style.colour))


class Swatch(QWidget):
    """A piece of an arm's line with its marker."""

    def __init__(self, style: ArmStyle, wide: int = 34) -> None:
        super().__init__()
        self._arm, self._wide = style, wide
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Wide enough to tell the dashes apart."""
        return QSize(self._wide, 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw line and marker."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(QColor(self._arm.colour), 2, self._arm.pen_style)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        middle = self.height() / 2
        painter.drawLine(QPointF(0, middle), QPointF(self.width(), middle))
        draw_marker(painter, self._arm, QPointF(self.width() / 2, middle), 9)
        painter.end()


class Legend(QWidget):
    """Every arm with its line and marker, in the study's order, in as many rows as they need."""

    def __init__(self) -> None:
        super().__init__()
        self._row = Flow(self, across=16, down=5)
        self._shown: list[tuple[str, ArmStyle]] = []
        self.setAccessibleName("Legend")

    def show_arms(self, arms: list[tuple[str, ArmStyle]]) -> None:
        """Show these (label, style) pairs."""
        if arms == self._shown:
            return
        self._shown = list(arms)
        while (item := self._row.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for label, style in arms:
            self._row.addWidget(_Entry(label, style))
        words = (f"{label}: {style.dash} line, {style.marker}" for label, style in arms)
        self.setAccessibleDescription("; ".join(words))


class _Entry(QWidget):
    """One arm of the legend."""

    def __init__(self, label: str, style: ArmStyle) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(7)
        row.addWidget(Swatch(style))
        row.addWidget(Text(label))
