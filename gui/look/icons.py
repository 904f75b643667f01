"""The window's own icons: line drawings in resources/icons, drawn in the colour asked for."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from gui.look.theme import RESOURCES

DRAWN_IN = b"#8A8F96"
RATIOS = (1.0, 2.0, 3.0)


@cache
def _drawing(name: str) -> bytes:
    return (RESOURCES / "icons" / f"{name}.svg").read_bytes()


def pixmap(name: str, colour: str, size: int = 16, ratio: float = 2.0) -> QPixmap:
    """The drawing `resources/icons/<name>.svg` in that colour ("#RRGGBB"), `size` px on a screen of that ratio."""
    made = QPixmap(round(size * ratio), round(size * ratio))
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    QSvgRenderer(QByteArray(_drawing(name).replace(DRAWN_IN, colour.encode()))).render(painter)
    painter.end()
    made.setDevicePixelRatio(ratio)
    return made


@cache
def icon(name: str, colour: str, size: int = 16) -> QIcon:
    """The drawing as an icon, sharp on every screen."""
    made = QIcon()
    for ratio in RATIOS:
        made.addPixmap(pixmap(name, colour, size, ratio))
    return made
