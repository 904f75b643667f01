"""The window's appearance, light or dark: palette, fonts, and how each arm is drawn."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from gui.look.style import sheet
from gui.look.tokens import DARK, LIGHT, Tokens
from jobs.report.content.looks import Look

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
APPEARANCE_FILE = "window.json"
"""Lies in the data folder."""
Mode = Literal["system", "light", "dark"]
T = TypeVar("T")
Dash = Literal["solid", "dashed", "dotted", "dashdot"]
Marker = Literal["circle", "square", "triangle", "diamond", "cross", "star", "pentagon", "down"]


QUIET_COLOUR, REFERENCE_COLOUR = "#8A8F96", "#E69F00"
ARM_COLOURS = ("#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", REFERENCE_COLOUR)  # Okabe and Ito
ARM_DASHES: tuple[Dash, ...] = ("solid", "dashed", "dashdot", "solid", "dashed", "dashdot", "dotted")
ARM_MARKERS: tuple[Marker, ...] = ("square", "triangle", "cross", "star", "down", "pentagon", "diamond")


@dataclass(frozen=True)
class ArmStyle:
    """How an arm is drawn everywhere: colour, dash and marker, so that none of the three has to be seen alone."""

    colour: str
    dash: Dash
    marker: Marker

    @property
    def pen_style(self) -> Qt.PenStyle:
        """The dash as Qt calls it."""
        styles = {"solid": Qt.PenStyle.SolidLine, "dashed": Qt.PenStyle.DashLine, "dotted": Qt.PenStyle.DotLine}
        return styles.get(self.dash, Qt.PenStyle.DashDotLine)


def luminance(colour: str) -> float:
    """Relative luminance of "#RRGGBB" as WCAG 2 defines it, 0..1."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1..21 (WCAG 2)."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def reach(colour: str, surface: str, ratio: float) -> str:
    """The colour, made lighter on a dark surface or darker on a light one until the contrast is `ratio`."""
    made, lighten = QColor(colour), luminance(surface) < 0.5
    hue, saturation, lightness = made.hslHueF(), made.hslSaturationF(), made.lightnessF()
    while contrast(made.name(), surface) < ratio and 0 < lightness < 1:
        lightness = min(1.0, lightness + 0.01) if lighten else max(0.0, lightness - 0.01)
        made = QColor.fromHslF(max(0.0, hue), saturation, lightness)
    return made.name().upper()


def arm_styles(found: Mapping[str, Look], tokens: Tokens) -> dict[str, ArmStyle]:
    """A style for every arm by its look."""
    ratio = 3.0 if tokens.dark else 1.9  # on light, only Okabe and Ito's yellow needs help to be seen as a line
    palette = len(ARM_COLOURS) - any(kind == "reference" for kind, _ in found.values())
    fixed = {
        "quiet": ArmStyle(reach(QUIET_COLOUR, tokens.surface, ratio), "dotted", "circle"),
        "reference": ArmStyle(reach(REFERENCE_COLOUR, tokens.surface, ratio), "dotted", "diamond"),
    }
    return {arm: fixed.get(kind) or _free(place, palette, tokens, ratio) for arm, (kind, place) in found.items()}


def _free(place: int, palette: int, tokens: Tokens, ratio: float) -> ArmStyle:
    """The look at a place; where there are more arms than colours, the same ones with other dashes and markers."""
    turn, at = divmod(place, palette)
    colour = reach(ARM_COLOURS[at], tokens.surface, ratio)
    return ArmStyle(colour, _turned(ARM_DASHES, at + turn), _turned(ARM_MARKERS, at + 3 * turn))


def _turned(kinds: Sequence[T], at: int) -> T:
    return kinds[at % len(kinds)]


class Theme(QObject):
    """The appearance in use; it follows the system unless the user chose one.

    Signals:
        changed: The tokens are others now; widgets that paint themselves repaint.
    """

    changed = Signal()

    def __init__(self, mode: Mode = "system", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.mode: Mode = mode
        self.tokens = self._wanted()
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._refresh)

    def choose(self, mode: Mode) -> None:
        """Follow the system, or stay light or dark."""
        self.mode = mode
        self._refresh()

    def apply(self) -> None:
        """Put palette, font and style sheet on the application."""
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.setFont(ui_font())
            app.setPalette(_palette(self.tokens))
            app.setStyleSheet(sheet(self.tokens, RESOURCES / "icons"))

    def _wanted(self) -> Tokens:
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return DARK if self.mode == "dark" or (self.mode == "system" and dark) else LIGHT

    def _refresh(self) -> None:
        wanted = self._wanted()
        if wanted is not self.tokens:
            self.tokens = wanted
            self.apply()
            self.changed.emit()


def _palette(tokens: Tokens) -> QPalette:
    palette = QPalette()
    roles = QPalette.ColorRole
    pairs = {
        roles.Window: tokens.background, roles.WindowText: tokens.text, roles.Base: tokens.surface,
        roles.AlternateBase: tokens.background, roles.Text: tokens.text, roles.Button: tokens.surface,
        roles.ButtonText: tokens.text, roles.Highlight: tokens.selection, roles.HighlightedText: tokens.text,
        roles.ToolTipBase: tokens.surface, roles.ToolTipText: tokens.text, roles.PlaceholderText: tokens.muted,
        roles.Link: tokens.accent, roles.Mid: tokens.line,
    }  # fmt: skip
    for role, colour in pairs.items():
        palette.setColor(role, QColor(colour))
    for role in (roles.Text, roles.ButtonText, roles.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(tokens.muted))
    return palette


def ui_font() -> QFont:
    """13 px of the system's font; the bundled Inter where a Linux system has only a fallback."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    if sys.platform.startswith("linux") and _is_fallback(font.family()):
        families = QFontDatabase.families()
        if not any(f.startswith("Inter") for f in families):
            QFontDatabase.addApplicationFont(str(RESOURCES / "styles" / "fonts" / "Inter.ttf"))
            families = QFontDatabase.families()
        inter = next((f for f in families if f.startswith("Inter")), None)
        font = QFont(inter) if inter else font
    font.setPixelSize(13)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)  # hinted advances tear small words apart
    font.setFeature(QFont.Tag("tnum"), 1)  # tabular numbers: columns of figures stand still
    return font


def _is_fallback(family: str) -> bool:
    names = ("dejavu", "sans", "sans serif", "noto sans cjk", "bitstream", "helvetica", "arial", "")
    return any(family.lower() == n or (n and family.lower().startswith(n + " ")) for n in names) or not family


def sized(pixels: int, bold: bool = False) -> QFont:
    """The window's font at another size; semibold where `bold`."""
    font = QFont(QApplication.font())
    font.setPixelSize(pixels)
    return weighted(font, bold)


def weighted(font: QFont, bold: bool) -> QFont:
    """The font, semibold or normal. Qt does not move a variable font's axis by itself."""
    made = QFont(font)
    made.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    if made.family().startswith("Inter"):
        made.setVariableAxis(QFont.Tag("wght"), 600.0 if bold else 400.0)
    return made


def read_mode(path: Path) -> Mode:
    """The appearance the user chose last; "system" where the file says nothing usable."""
    try:
        mode = json.loads(path.read_text("utf-8")).get("appearance", "system")
    except (OSError, ValueError, AttributeError):
        return "system"
    return "light" if mode == "light" else "dark" if mode == "dark" else "system"


def write_mode(path: Path, mode: Mode) -> None:
    """Keep the appearance for the next start. Raises OSError where the folder cannot be written."""
    path.write_text(json.dumps({"appearance": mode}) + "\n", "utf-8")
