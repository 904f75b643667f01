"""A quiet table: no grid, whole rows, reachable and readable by keyboard; and a bar for the column of progress."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from gui.look.theme import Theme
from gui.tables.runs import COLOUR, FRACTION, Index


class Table(QTableView):
    """A read-only table.

    Args:
        name: For screen readers.
        stretch: The column that takes the room that is left.
        widths: Column to width, px.
    """

    def __init__(
        self, model: QAbstractItemModel, name: str, stretch: int = 0, widths: dict[int, int] | None = None
    ) -> None:
        super().__init__()
        self.setModel(model)
        self.setAccessibleName(name)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setItemDelegateForColumn(0, _NameDelegate(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(29)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header.setSectionsClickable(False)
        header.setMinimumSectionSize(30)
        header.setStretchLastSection(False)
        for column in range(model.columnCount()):
            fixed = QHeaderView.ResizeMode.Stretch if column == stretch else QHeaderView.ResizeMode.Interactive
            header.setSectionResizeMode(column, fixed)
        for column, width in (widths or {}).items():
            self.setColumnWidth(column, width)


class _NameDelegate(QStyledItemDelegate):
    """A name that is too long is cut in its middle: at its end stands the seed."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """How the cell is drawn."""
        super().initStyleOption(option, index)
        option.textElideMode = Qt.TextElideMode.ElideMiddle


class ProgressDelegate(QStyledItemDelegate):
    """Draws how much is done as a bar in the arm's colour, with the steps in figures beside it."""

    def __init__(self, theme: Theme, parent: QTableView) -> None:
        super().__init__(parent)
        self._theme = theme

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one cell."""
        tokens = self._theme.tokens
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(option.rect)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.fillRect(box, QColor(tokens.selection if selected else tokens.surface))
        painter.fillRect(QRectF(box.left(), box.bottom() - 1, box.width(), 1), QColor(tokens.line))
        wide = max(20.0, min(110.0, box.width() - 89))
        bar = QRectF(box.left() + 9, box.center().y() - 3, wide, 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.line))
        painter.drawRoundedRect(bar, 3, 3)
        done = float(index.data(FRACTION) or 0.0)
        if done > 0:
            painter.setBrush(QColor(str(index.data(COLOUR))))
            painter.drawRoundedRect(QRectF(bar.left(), bar.top(), max(6.0, bar.width() * done), 6), 3, 3)
        painter.setPen(QColor(tokens.muted))
        painter.setFont(option.font)
        text = QRectF(bar.right() + 10, box.top(), box.right() - bar.right() - 12, box.height())
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, str(index.data() or ""))
        painter.restore()
