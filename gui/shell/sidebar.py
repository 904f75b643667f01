"""A button of the side bar: an icon, a word, and a badge with a count where there is one."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QEnterEvent, QFocusEvent, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from gui.look.icons import icon
from gui.look.theme import Theme, sized


class SideButton(QAbstractButton):
    """Shows one page; checked while that page is seen."""

    def __init__(self, name: str, label: str, theme: Theme) -> None:
        super().__init__()
        self._icon, self._theme, self._badge = name, theme, 0
        self._ring = False
        self.setText(label)
        self.setCheckable(True)
        self.setFont(sized(13))
        self.setAccessibleName(label)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def set_badge(self, number: int) -> None:
        """Show a count, or none where it is 0."""
        if number != self._badge:
            self._badge = number
            self.setAccessibleName(f"{self.text()}, {number} open" if number else self.text())
            self.update()

    @property
    def badge(self) -> int:
        """The count shown."""
        return self._badge

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(150, 33)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Keep in mind whether the keyboard brought the focus: only then a ring helps."""
        self._ring = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        super().focusInEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Light up."""
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """And down again."""
        super().leaveEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw ground, icon, word and badge."""
        tokens, box = self._theme.tokens, QRectF(self.rect())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.isChecked() or self.underMouse():
            painter.setBrush(QColor(tokens.selection if self.isChecked() else tokens.hover))
            painter.drawRoundedRect(box, 7, 7)
        if self.hasFocus() and self._ring:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(tokens.accent), 1.5))
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 6, 6)
        colour = tokens.text if self.isChecked() else tokens.muted
        top = int(box.center().y() - 8)
        icon(self._icon, colour).paint(painter, 11, top, 16, 16)
        painter.setPen(QColor(colour))
        painter.setFont(self.font())
        painter.drawText(
            box.adjusted(38, 0, -8, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text()
        )
        if self._badge:
            self._draw_badge(painter, box)
        painter.end()

    def _draw_badge(self, painter: QPainter, box: QRectF) -> None:
        tokens, words = self._theme.tokens, str(self._badge) if self._badge < 1000 else "999+"
        painter.setFont(sized(11))
        wide = max(20.0, QFontMetricsF(painter.font()).horizontalAdvance(words) + 12)
        shape = QRectF(
            QPointF(box.right() - wide - 9, box.center().y() - 8), QPointF(box.right() - 9, box.center().y() + 8)
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.line))
        painter.drawRoundedRect(shape, 8, 8)
        painter.setPen(QColor(tokens.text))
        painter.drawText(shape, Qt.AlignmentFlag.AlignCenter, words)
