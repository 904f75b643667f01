"""What is known of a model on the hub before it is downloaded, in words: what speaks for it, and what against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout

from gui.look.text import clean, count
from gui.widgets.basics import Card, Role, Text

if TYPE_CHECKING:
    from engine.models.hub import Details

MARKS: dict[str, tuple[str, Role]] = {"good": ("✓", "text"), "warn": ("!", "warn"), "bad": ("✕", "bad")}
WORDS = {"good": "good", "warn": "to know", "bad": "forbids it"}


class FindingsPanel(Card):
    """A model's name, its sizes, and one line for each finding; the worst first."""

    def __init__(self) -> None:
        super().__init__()
        self.name, self.facts = Text("", bold=True), Text("", "muted", lines=2)
        self._shown: list[tuple[Text, Text]] = []
        self._lines = QGridLayout()
        self._lines.setContentsMargins(0, 8, 0, 0)
        self._lines.setHorizontalSpacing(8)
        self._lines.setVerticalSpacing(4)
        self._lines.setColumnStretch(1, 1)
        self._lines.setColumnMinimumWidth(0, 14)
        for widget in (self.name, self.facts):
            self.layout_.addWidget(widget)
        self.layout_.addLayout(self._lines)
        self.layout_.addStretch(1)
        self.clear()

    def clear(self) -> None:
        """Show nothing."""
        self._show("", "", [])
        self.hide()

    def show_looking(self, name: str) -> None:
        """Say that the hub is asked about this model."""
        self._show(name, "Looking at its files …", [])

    def show_details(self, details: Details) -> None:
        """Say what is known."""
        parts = [f"{parameters(details.parameters)} parameters"] if details.parameters is not None else []
        if details.files:
            parts.append(f"{amount(details.bytes)} to download in {count(len(details.files), 'file')}")
        parts.append(f"revision {details.revision}")
        lines = []
        for finding in details.findings:
            mark, role = MARKS[finding.level]
            line = Text(f"{finding.text} {finding.hint}".rstrip(), role, lines=3)
            line.setAccessibleName(clean(f"{WORDS[finding.level]}: {finding.text} {finding.hint}"))
            lines.append((Text(mark, role), line))
        self._show(details.repository, " · ".join(parts), lines)

    def words(self) -> list[str]:
        """The lines that are shown."""
        return [line.text() for _, line in self._shown]

    def _show(self, name: str, facts: str, lines: list[tuple[Text, Text]]) -> None:
        for pair in self._shown:
            for widget in pair:
                self._lines.removeWidget(widget)
                widget.hide()
                widget.deleteLater()
        self._shown = lines
        for row, (mark, line) in enumerate(lines):
            self._lines.addWidget(mark, row, 0, Qt.AlignmentFlag.AlignTop)
            self._lines.addWidget(line, row, 1)
        self.name.setText(clean(name, 200))
        self.facts.setText(facts)
        self.show()


def amount(size: int | None) -> str:
    """Bytes for people: "12 MB", "1.4 GB"."""
    return _scaled(size, ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")), "B")


def parameters(number: int | None) -> str:
    """A number of parameters for people: "135 M", "1.5 B"."""
    return _scaled(number, ((1e9, "B"), (1e6, "M"), (1e3, "k")), "")


def _scaled(value: int | None, units: tuple[tuple[float, str], ...], plain: str) -> str:
    if value is None:
        return "not said"
    for unit, word in units:
        if value >= unit:
            return f"{value / unit:.1f} {word}" if value < 10 * unit else f"{value / unit:.0f} {word}"
    return f"{value} {plain}".rstrip()
