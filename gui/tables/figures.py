"""The table of all figures: a row for each metric, a column for each arm."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView

from gui.look.text import clean, elided, tip
from gui.tables.runs import Index
from gui.tables.view import Table

WIDTHS = (206, 62)
"""px of the columns of words, metric and unit."""
FIGURE, SPARE = 125, 12  # px: the narrowest column of figures, and what one has beside its text


class FiguresModel(QAbstractTableModel):
    """Cells of plain text.

    Args:
        words: How many of the first columns are words; the others are figures.
    """

    def __init__(self, words: int = len(WIDTHS)) -> None:
        super().__init__()
        self._words = words
        self._header: list[str] = []
        self._rows: list[list[str]] = []

    def show_figures(self, header: list[str], rows: list[list[str]]) -> None:
        """Show these cells."""
        self.beginResetModel()
        self._header, self._rows = header, rows
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        """How many metrics."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index | None = None) -> int:
        """Metric, unit, and the arms."""
        return 0 if parent is not None and parent.isValid() else len(self._header)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The arms' labels."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._side(section)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(self._header[section])
        return elided(self._header[section], 80) if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell."""
        cell = self._rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return clean(cell, 200)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(cell)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return clean(f"{self._header[index.column()]}: {cell}")
        return self._side(index.column()) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def _side(self, column: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignLeft if column < self._words else Qt.AlignmentFlag.AlignRight
        return side | Qt.AlignmentFlag.AlignVCenter


class FiguresTable(Table):
    """Shows all rows, for the page scrolls. Columns that do not fit side by side are scrolled to: no figure is cut.

    Args:
        name: For screen readers.
        widths: px of the first columns, which hold words; the first takes what it needs where the figures leave it.
    """

    def __init__(self, name: str = "All figures", widths: tuple[int, ...] = WIDTHS) -> None:
        self.figures, self._widths = FiguresModel(len(widths)), widths
        super().__init__(self.figures, name, stretch=-1)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._needed: list[int] = []

    def show_figures(self, header: list[str], rows: list[list[str]]) -> None:
        """Show these cells, all of them."""
        self.figures.show_figures(header, rows)
        head = self.horizontalHeader()
        for column in range(len(header)):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
        for column, width in zip(range(len(header)), self._widths, strict=False):
            self.setColumnWidth(column, width)
        self._needed = [max(FIGURE, self.sizeHintForColumn(c) + SPARE) for c in range(len(self._widths), len(header))]
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        room = self.viewport().width() - sum(self._widths[1:]) - sum(self._needed)
        wide = max(self._widths[0], min(self.sizeHintForColumn(0) + 6, room))
        self.setColumnWidth(0, wide)
        spare = max(0, room - wide) // max(1, len(self._needed))
        for column, width in enumerate(self._needed, start=len(self._widths)):
            self.setColumnWidth(column, width + spare)
        scrolled = self.horizontalScrollBar().sizeHint().height() if room < wide else 0
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + 29 * self.figures.rowCount() + 4 + scrolled)
