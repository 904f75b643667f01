"""Labels, cards, pills and buttons. No text here is ever read as HTML, whatever it holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen, QTextLayout, QTextOption
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from engine.spec.result import Tone
from gui.look.text import button as button_text
from gui.look.text import clean, tip
from gui.look.theme import Theme, sized

SCROLL_ROOM = 18
"""px at a scrolled page's right, out of its margin, for the scroll bar."""
Role = Literal["text", "muted", "caption", "good", "warn", "bad"]


class Text(QLabel):
    """A plain-text label of one or more lines that elides what does not fit and then says it in its tooltip.

    Unlike QLabel, it breaks a word that is longer than a line, so that no text can widen the window.

    Args:
        lines: At most so many lines are shown.
    """

    def __init__(
        self, text: str = "", role: Role = "text", pixels: int = 13, bold: bool = False, lines: int = 1
    ) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self._lines = lines
        self._font = sized(12 if role == "caption" else pixels, bold)
        self.setFont(self._font)
        self._elided = False
        self._lead = ""
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(lines > 1)
        self.setSizePolicy(policy)
        self.setText(text)

    def setText(self, text: str) -> None:  # noqa: N802 - Qt's name
        """Show another text; nothing happens where it is the one already shown."""
        cleaned = clean(text)
        if cleaned != self.text():
            super().setText(cleaned)
            self.setAccessibleName(cleaned)
            self.updateGeometry()

    def set_role(self, role: Role) -> None:
        """Show the text in another role's colour."""
        if self.property("role") != role:
            self.setProperty("role", role)
            self.style().unpolish(self)
            self.style().polish(self)

    def hasHeightForWidth(self) -> bool:
        """Whether the height depends on the width."""
        return self._lines > 1

    def heightForWidth(self, width: int) -> int:
        """The height of the lines shown at this width, px."""
        found, _ = self._layout(width)
        return int(len(found) * self._line_height() + 0.999)

    def sizeHint(self) -> QSize:
        """One line of the text, or a readable width where it may take several."""
        wide = QFontMetricsF(self._font).horizontalAdvance(self.text()[:300]) + 2
        if self._lines == 1:
            return QSize(int(wide + 0.999), int(self._line_height() + 0.999))
        width = int(min(wide, 320))
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        """A few letters of one line: anything longer elides."""
        wide = QFontMetricsF(self._font).horizontalAdvance(self.text()[:300]) + 2
        least = int(min(wide + 0.999, 48))
        return QSize(
            least, int(self._line_height() + 0.999) if self._lines == 1 else self.heightForWidth(max(1, self.width()))
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the lines that fit, the last one elided if there are more."""
        found, cut = self._layout(self.width())
        painter = QPainter(self)
        painter.setFont(self._font)
        painter.setPen(self.palette().color(self.foregroundRole()))
        height, metrics = self._line_height(), QFontMetricsF(self._font)
        top = max(0.0, (self.height() - height * len(found)) / 2) if self._lines == 1 else 0.0
        for at, line in enumerate(found):
            box = QRectF(0, top + at * height, self.width(), height)
            align = self.alignment() & Qt.AlignmentFlag.AlignHorizontal_Mask
            painter.drawText(
                QPointF(_left(box, metrics.horizontalAdvance(line), align), box.top() + metrics.ascent()), line
            )
        painter.end()
        if cut != self._elided:
            self._elided = cut
            self.setToolTip(tip(self.text()) if cut else "")

    def _line_height(self) -> float:
        metrics = QFontMetricsF(self._font)
        return metrics.height() * (1.12 if self._lines > 1 else 1.0)

    def _layout(self, width: int) -> tuple[list[str], bool]:
        """The lines shown at this width, and whether something was cut."""
        text, metrics = self.text(), QFontMetricsF(self._font)
        if self._lines == 1:
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)
            return [shown], shown != text
        layout = QTextLayout(text, self._font)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        layout.beginLayout()
        found: list[str] = []
        while (line := layout.createLine()).isValid():
            line.setLineWidth(max(1, width))
            start = line.textStart()
            if len(found) == self._lines - 1 and start + line.textLength() < len(text):
                found.append(metrics.elidedText(text[start : start + 500], Qt.TextElideMode.ElideRight, width))
                layout.endLayout()
                return found, True
            found.append(text[start : start + line.textLength()].rstrip())
        layout.endLayout()
        return found or [""], False


def _left(box: QRectF, wide: float, align: Qt.AlignmentFlag) -> float:
    if align & Qt.AlignmentFlag.AlignRight:
        return box.right() - wide
    if align & Qt.AlignmentFlag.AlignHCenter:
        return box.center().x() - wide / 2
    return box.left()


class Card(QFrame):
    """A surface with a hairline and round corners; `layout_` holds what is on it.

    Args:
        title: Shown at the top, semibold; "" for none.
        caption: Shown below it: unit, what a band is.
        lines: Of the caption, at most.
    """

    def __init__(self, title: str = "", caption: str = "", lines: int = 1) -> None:
        super().__init__()
        self.setObjectName("card")
        self.layout_ = QVBoxLayout(self)
        self.layout_.setContentsMargins(16, 14, 16, 14)
        self.layout_.setSpacing(3)
        self.title = Text(title, bold=True)
        self.caption = Text(caption, "caption", lines=lines)
        if title:
            self.layout_.addWidget(self.title)
            self.layout_.addWidget(self.caption)
            self.caption.setVisible(bool(caption))
            self.setAccessibleName(title)

    def set_caption(self, text: str) -> None:
        """Say something else below the title."""
        self.caption.setText(text)
        self.caption.setVisible(bool(text))


class Scroll(QScrollArea):
    """Scrolls `inside` vertically. Its bar stands in the page's margin, so that what scrolls keeps its width."""

    def __init__(self, inside: QWidget, name: str) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(name)
        self.setWidget(inside)
        self.verticalScrollBar().rangeChanged.connect(self._make_room)
        self._make_room(0, 0)

    def _make_room(self, low: int, high: int) -> None:
        bar = self.verticalScrollBar().sizeHint().width() if high > low else 0
        self.setViewportMargins(0, 0, max(0, SCROLL_ROOM - bar), 0)


class Pill(QWidget):
    """A word in a rounded shape: filled for the verdict page, outlined in lists. Colour never stands alone."""

    def __init__(self, theme: Theme, filled: bool = False) -> None:
        super().__init__()
        self._theme, self._filled = theme, filled
        self._word: str = ""
        self._tone: Tone | None = None
        self._font = sized(12, True)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_word(self, word: str, tone: Tone | None = None) -> None:
        """Show the word, in a verdict's colour if it is one."""
        self._word, self._tone = clean(word, 40), tone
        self.setAccessibleName(f"Verdict: {self._word}" if tone else self._word)
        self.updateGeometry()
        self.update()

    @property
    def word(self) -> str:
        """What it says."""
        return self._word

    def sizeHint(self) -> QSize:
        """The word and its margins."""
        return QSize(int(QFontMetricsF(self._font).horizontalAdvance(self._word)) + 21, 22)

    def minimumSizeHint(self) -> QSize:
        """The same: a verdict is never elided."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw shape and word."""
        tokens = self._theme.tokens
        colour = QColor(tokens.verdict(self._tone))
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colour, 1))
        painter.setBrush(colour if self._filled else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 10.5, 10.5)
        painter.setPen(QColor(tokens.surface) if self._filled else colour)
        painter.setFont(self._font)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._word)
        painter.end()


def push_button(
    text: str,
    clicked: Callable[[], object],
    *,
    primary: bool = False,
    small: bool = False,
    quiet: bool = False,
    about: str = "",
) -> QPushButton:
    """A button with an accessible name.

    Args:
        about: What it acts on, for screen readers ("Run" alone says little among twelve of them).
    """
    made = QPushButton(button_text(text))
    made.setAccessibleName(clean(f"{text}: {about}" if about else text, 300))
    for name, wanted in (("primary", primary), ("small", small), ("quiet", quiet)):
        made.setProperty(name, "true" if wanted else "false")
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    made.setAutoDefault(False)
    made.clicked.connect(lambda _=False: clicked())
    return made


def set_primary(button: QPushButton, primary: bool) -> None:
    """Make a button the page's first choice, or no longer."""
    value = "true" if primary else "false"
    if button.property("primary") != value:
        button.setProperty("primary", value)
        button.style().unpolish(button)
        button.style().polish(button)


def rule() -> QFrame:
    """A hairline."""
    line = QFrame()
    line.setObjectName("rule")
    return line


def tabular(font: QFont) -> QFont:
    """The font with figures of equal width."""
    made = QFont(font)
    made.setFeature(QFont.Tag("tnum"), 1)
    return made
