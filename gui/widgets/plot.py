"""One live plot: a line with markers per arm, a band over its seeds, single seeds where wanted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPen
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from gui.curves import Array, Band
from gui.look.text import clean, number
from gui.look.theme import ArmStyle, Theme, sized
from gui.look.tokens import Tokens
from gui.widgets.basics import Card
from gui.widgets.chart import tick_digits, ticks

SYMBOLS = {
    "circle": "o", "square": "s", "triangle": "t1", "diamond": "d",
    "cross": "+", "star": "star", "pentagon": "p", "down": "t",
}  # fmt: skip
HEADING = 34
"""px of a heading that chooses, beside its words."""
MARKERS = 7
"""About so many markers a line: enough to tell lines apart, too few to hide them."""

pg.setConfigOptions(antialias=True, exitCleanup=False)


@dataclass(frozen=True)
class Series:
    """What is drawn of one arm. `singles`: (steps, values) of its runs, where they are wanted."""

    arm: str
    label: str
    style: ArmStyle
    band: Band
    singles: tuple[tuple[Array, Array], ...] = ()


PADDING = {"left": 0.06, "bottom": 0.02}
"""Room beyond the range, as a part of it, for the outermost figures."""


class _Axis(pg.AxisItem):
    """An axis of quiet round figures with real minus signs."""

    def tickValues(self, minVal, maxVal, size):  # noqa: N803 - pyqtgraph's names
        """Round values within the range, as many as have room."""
        low, high = sorted((minVal, maxVal))
        pad = (high - low) * PADDING[self.orientation] / (1 + 2 * PADDING[self.orientation])
        wanted = max(3, min(6, round(size / (40 if self.orientation == "left" else 100))))
        found = ticks(low + pad, high - pad, wanted, whole=self.orientation == "bottom")  # there is no half step
        edge = (high - low) * 1e-6
        return [(found[1] - found[0], [v for v in found if low - edge <= v <= high + edge])]

    def tickStrings(self, values, scale, spacing):
        """The figures at the ticks."""
        digits = tick_digits(spacing)
        return [number(v * scale, digits) for v in values]


def plain_view(name: str) -> pg.PlotWidget:
    """A plot without frame, menu and mouse, with quiet axes; `name` is for screen readers."""
    view = pg.PlotWidget(axisItems={"left": _Axis("left"), "bottom": _Axis("bottom")})
    view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    view.setAccessibleName(clean(name))
    plot: Any = view.getPlotItem()
    plot.hideButtons()
    plot.setMenuEnabled(False)
    plot.setMouseEnabled(False, False)
    plot.disableAutoRange()
    plot.setContentsMargins(0, 4, 6, 0)
    plot.getAxis("left").setWidth(38)
    plot.getAxis("bottom").setHeight(22)
    return view


def dress(view: pg.PlotWidget, tokens: Tokens) -> None:
    """Give a plot the colours of the light or the dark theme."""
    view.setBackground(tokens.surface)
    plot: Any = view.getPlotItem()
    for name in ("left", "bottom"):
        axis = plot.getAxis(name)
        axis.setPen(QPen(Qt.PenStyle.NoPen))
        axis.setTickPen(QPen(QColor(tokens.line), 1) if name == "left" else QPen(Qt.PenStyle.NoPen))
        axis.setTextPen(QColor(tokens.muted))
        axis.setTickFont(sized(11))
        axis.setStyle(tickLength=0, tickTextOffset=6, maxTickLevel=0, hideOverlappingLabels=30)
        axis.setZValue(-1000)
    plot.getAxis("left").setGrid(255)
    plot.getAxis("bottom").setStyle(tickAlpha=0)


class _Lines:
    """The items of one arm."""

    def __init__(self, plot: pg.PlotItem, depth: int) -> None:
        self._plot = plot
        self.low, self.high = pg.PlotCurveItem(pen=None), pg.PlotCurveItem(pen=None)
        self.band = pg.FillBetweenItem(self.low, self.high)
        self.line = pg.PlotCurveItem(skipFiniteCheck=True)
        self.marks = pg.ScatterPlotItem(pxMode=True)
        self.singles: list[pg.PlotCurveItem] = []
        for item, z in ((self.band, 1), (self.line, 20 + depth), (self.marks, 40 + depth)):
            item.setZValue(z)
            plot.addItem(item)

    def draw(self, series: Series, by: float, ratio: float) -> None:
        """Show the series, its values multiplied by `by`, on a screen of that pixel ratio."""
        band, colour = series.band, QColor(series.style.colour)
        wide = 2 * ratio if len(band.steps) <= 400 else 0  # wide pens are dear where points are many
        pen = QPen(colour, wide, series.style.pen_style)
        pen.setCosmetic(True)  # its width counts the screen's pixels
        self.line.setData(band.steps, band.mean * by, pen=pen)
        step = max(1, len(band.steps) // MARKERS)
        picked = slice(len(band.steps) % step if len(band.steps) > step else 0, None, step)
        self.marks.setData(
            band.steps[picked], band.mean[picked] * by, symbol=SYMBOLS[series.style.marker], size=9,
            pen=None, brush=colour,
        )  # fmt: skip
        known = np.isfinite(band.low)
        fill = QColor(colour)
        fill.setAlpha(38)
        self.band.setVisible(bool(known.sum() > 1))
        if known.sum() > 1:
            self.low.setData(band.steps[known], band.low[known] * by)
            self.high.setData(band.steps[known], band.high[known] * by)
            self.band.setBrush(fill)
        self._draw_singles(series, by, colour)

    def _draw_singles(self, series: Series, by: float, colour: QColor) -> None:
        while len(self.singles) > len(series.singles):
            self._plot.removeItem(self.singles.pop())
        faint = QColor(colour)
        faint.setAlpha(130)
        for at, (steps, values) in enumerate(series.singles):
            if at == len(self.singles):
                self.singles.append(pg.PlotCurveItem(skipFiniteCheck=True))
                self.singles[-1].setZValue(10)
                self._plot.addItem(self.singles[-1])
            self.singles[at].setData(steps, values * by, pen=QPen(faint, 0))

    def remove(self) -> None:
        """Take the items off the plot."""
        for item in (self.band, self.line, self.marks, *self.singles):
            self._plot.removeItem(item)


class PlotCard(Card):
    """A plot with its title, its unit and what its band is; where there are several curves, the title chooses one.

    Signals:
        chosen(name): The user wants another curve.

    Attributes:
        by: Values are multiplied by it to be shown (100 for shares).
        fixed: The y range, where it is known beforehand, in shown units.
    """

    chosen = Signal(str)

    def __init__(self, theme: Theme, title: str, place: str) -> None:
        """Make an empty plot; `place` says where on the page it stands, for screen readers."""
        super().__init__(title, " ")
        self.chooser = QComboBox()
        self.chooser.setAccessibleName(f"Curve shown {place}")
        self.chooser.setToolTip("Show another curve here")
        self.chooser.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.chooser.setProperty("heading", "true")
        self.chooser.setFont(sized(13, bold=True))
        self.chooser.hide()
        self.chooser.activated.connect(lambda at: self.chosen.emit(self.chooser.itemData(at)))
        self._curves: list[tuple[str, str]] = []
        self.layout_.insertWidget(0, self.chooser, 0, Qt.AlignmentFlag.AlignLeft)
        self._theme = theme
        self.by = 1.0
        self.fixed: tuple[float, float] | None = None
        self._lines: dict[str, _Lines] = {}
        self._ranges: tuple[tuple[float, float], tuple[float, float]] | None = None
        self.view = plain_view(title)
        self.plot: Any = self.view.getPlotItem()
        holder = QWidget()
        inside = QVBoxLayout(holder)
        inside.setContentsMargins(-4, 4, -4, -6)
        inside.addWidget(self.view)
        self.layout_.addWidget(holder, 1)
        theme.changed.connect(self._dress)
        self._dress()

    def offer(self, curves: list[tuple[str, str]], shown: str) -> None:
        """Offer these curves, (name, label); `shown` is the one that is drawn."""
        if curves != self._curves:
            self._curves = list(curves)
            self.chooser.clear()
            for name, label in curves:
                self.chooser.addItem(clean(label, 60), name)
        self.chooser.setCurrentIndex(self.chooser.findData(shown))
        metrics = QFontMetricsF(self.chooser.font())
        wide = [int(metrics.horizontalAdvance(self.chooser.itemText(n))) for n in range(self.chooser.count())]
        self.chooser.setFixedWidth(int(metrics.horizontalAdvance(self.chooser.currentText())) + HEADING)
        self.chooser.view().setMinimumWidth(max(wide, default=0) + HEADING)
        self.chooser.setVisible(len(curves) > 1)
        self.title.setVisible(len(curves) < 2)  # the chooser stands in its place

    def set_unit(self, title: str, caption: str, by: float, fixed: tuple[float, float] | None) -> None:
        """What is plotted from now on."""
        self.title.setText(title)
        self.set_caption(caption)
        self.view.setAccessibleName(clean(title))
        self.by, self.fixed = by, fixed

    def draw(self, series: list[Series], last_step: float) -> None:
        """Show these series and take away all others."""
        wanted = {s.arm for s in series}
        for arm in [a for a in self._lines if a not in wanted]:
            self._lines.pop(arm).remove()
        for depth, one in enumerate(series):
            if one.arm not in self._lines:
                self._lines[one.arm] = _Lines(self.plot, depth)
            self._lines[one.arm].draw(one, self.by, self.view.devicePixelRatioF())
        self._fit(series, last_step)
        said = [f"{s.label}: {number(s.band.last * self.by, 2)}" for s in series if s.band.last is not None]
        self.view.setAccessibleDescription("; ".join(said) or "no points yet")

    def _fit(self, series: list[Series], last_step: float) -> None:
        ranges = (0.0, max(1.0, last_step)), self.fixed or _span(series, self.by)
        if ranges != self._ranges:
            self._ranges = ranges
            self.plot.setXRange(*ranges[0], padding=PADDING["bottom"])
            self.plot.setYRange(*ranges[1], padding=PADDING["left"])

    def _dress(self) -> None:
        dress(self.view, self._theme.tokens)


def _span(series: list[Series], by: float) -> tuple[float, float]:
    """A y range that holds every mean and, as far as it does not drown them, every band."""
    means = [s.band.mean * by for s in series if len(s.band.mean)]
    if not means:
        return 0.0, 1.0
    low, high = min(float(m.min()) for m in means), max(float(m.max()) for m in means)
    room = max(high - low, 0.05 * by, 1e-3 * abs(high))  # where nothing differs, nothing is blown up
    edges = [(s.band.low * by, s.band.high * by) for s in series if len(s.band.mean) and np.isfinite(s.band.low).any()]
    wide_low = min([low, *(float(np.nanmin(e[0])) for e in edges)])
    wide_high = max([high, *(float(np.nanmax(e[1])) for e in edges)])
    step = 10 ** math.floor(math.log10(room))
    bottom = math.floor(max(wide_low, low - 0.4 * room) / step) * step
    top = math.ceil(min(wide_high, high + 0.4 * room) / step) * step
    return (bottom, top) if top - bottom >= room else (low - room, high + room)
