"""The colours of the window, light and dark. The style sheet is made from these and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from engine.spec.result import Tone


@dataclass(frozen=True)
class Tokens:
    """The colours of one appearance, as "#RRGGBB"."""

    dark: bool
    background: str
    surface: str
    line: str
    text: str
    muted: str
    accent: str
    on_accent: str
    selection: str
    hover: str
    good: str
    warn: str
    bad: str

    def verdict(self, tone: Tone | None) -> str:
        """The colour of a verdict; it never stands without its word."""
        colours = {"good": self.good, "form": self.warn, "mixed": self.warn, "bad": self.bad}
        return colours.get(tone or "open", self.muted)


LIGHT = Tokens(
    False, "#F7F6F2", "#FFFFFF", "#E5E2DA", "#1E2227", "#6A6F76", "#2F5DA8", "#FFFFFF", "#E8EEF8", "#F1EFE9",
    "#0B7A5B", "#B26A00", "#A83232",
)  # fmt: skip
DARK = Tokens(
    True, "#141619", "#1B1E22", "#2B2F35", "#E7E9EC", "#9AA1A9", "#7FA8E8", "#10151F", "#24304A", "#22262B",
    "#4CC29A", "#E0A34A", "#E57373",
)  # fmt: skip
