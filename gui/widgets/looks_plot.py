"""The interval of the primary contrast, look by look: how it narrows as seeds are added."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine.spec.sequential import Sequential
from engine.stats.display.axis import axis
from gui.look.text import number
from gui.look.theme import Theme
from gui.widgets.chart import tick_digits, ticks
from gui.widgets.plot import PADDING, dress, plain_view
from jobs.report.content.sequential import look_answer

REACH = 3
"""How far the axis goes, in reaches of the last look: of a first look that knows next to nothing the bar leaves the
plot, which would else show nothing of how the later ones narrow. The table beside it has its figures."""
NAMED = 13  # looks that are all named on the axis; of more, about so many are


class LooksPlot(QWidget):
    """One vertical bar with a dot for each look that has a figure; across: seeds; shaded: too small to matter.

    A bar that is much longer than the last one leaves the plot.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._seen: Sequential | None = None
        self.view = plain_view("The interval at each look")
        self.plot: Any = self.view.getPlotItem()
        self.margin = pg.LinearRegionItem(orientation="horizontal", movable=False, pen=pg.mkPen(None))
        self.zero = pg.InfiniteLine(0, angle=0)
        self.bars = pg.PlotCurveItem(connect="pairs")
        self.dots = pg.ScatterPlotItem(size=9, hoverable=True, hoverSize=12, tip=lambda x, y, data: data)
        for item, depth in ((self.margin, 1), (self.zero, 2), (self.bars, 3), (self.dots, 4)):
            item.setZValue(depth)
            self.plot.addItem(item)
        column = QVBoxLayout(self)
        column.setContentsMargins(-4, 0, -4, -6)
        column.addWidget(self.view)
        self.setMinimumSize(220, 96)
        theme.changed.connect(self._draw)
        self._draw()

    def show_looks(self, seen: Sequential | None) -> None:
        """Show these looks; None: there is none yet."""
        if seen != self._seen:
            self._seen = seen
            self._draw()

    def _draw(self) -> None:
        tokens = self._theme.tokens
        dress(self.view, tokens)
        shade = QColor(tokens.muted)
        shade.setAlpha(34)
        self.margin.setBrush(shade)
        wide = self.view.devicePixelRatioF()
        self.zero.setPen(QPen(QColor(tokens.muted), wide))
        pen = QPen(QColor(tokens.accent), 2 * wide)
        for drawn in (pen, self.zero.pen):
            drawn.setCosmetic(True)  # its width counts the screen's pixels
        seen = self._seen
        looks = [look for look in seen.looks if look.difference is not None] if seen else []
        self.margin.setVisible(seen is not None)
        if seen is None:
            self.view.setAccessibleDescription("no look yet")
            self.bars.setData([], [])
            self.dots.setData([], [])
            return
        by, said = axis(seen.unit).factor, [look_answer(look, seen) for look in looks]
        self.view.setAccessibleDescription("; ".join(said))
        self.margin.setRegion((-seen.margin * by, seen.margin * by))
        barred = [(look.seeds, look.ci) for look in looks if look.ci is not None]
        self.bars.setData(np.repeat([at for at, _ in barred], 2), np.ravel([ci for _, ci in barred]) * by, pen=pen)
        self.dots.setData(
            [look.seeds for look in looks], [(look.difference or 0.0) * by for look in looks],
            data=said, pen=None, brush=QColor(tokens.accent),
            hoverBrush=QColor(tokens.accent),
        )  # fmt: skip
        last = max([seen.margin, *(abs(end) for _, ci in barred[-1:] for end in ci)])
        ends = [min(max(end, -REACH * last), REACH * last) for _, ci in barred for end in ci]
        self._fit(seen, [value * by for value in (0.0, *(look.difference or 0.0 for look in looks), *ends)])

    def _fit(self, seen: Sequential, values: list[float]) -> None:
        """Room for all looks of the plan, for these values and for the margin."""
        edge = seen.margin * axis(seen.unit).factor
        low, high = min(*values, -edge), max(*values, edge)
        marks = ticks(low, high, 4)
        digits = tick_digits(marks[1] - marks[0])
        self.plot.getAxis("left").setTicks([[(mark, number(mark, digits, sign=True)) for mark in marks]])
        self.plot.setYRange(low, high, padding=0.12)  # what would be beyond is not drawn
        self.plot.setXRange(seen.plan[0] - 0.5, seen.plan[-1] + 0.5, padding=PADDING["bottom"])
        step = -(-len(seen.plan) // NAMED)
        self.plot.getAxis("bottom").setTicks([[(seeds, str(seeds)) for seeds in seen.plan[::step]]])
