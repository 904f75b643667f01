"""Which line and marker is which arm, in rows above or below a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.report.content.clean import elided
from jobs.report.content.lookup import Style
from jobs.report.formats.svg import Drawing

_ROW, _SIGN, _GAP = 20, 37, 22
_LETTER = 6.9  # width of a letter, about
_LONGEST = 60


@dataclass(frozen=True)
class Place:
    """A label, how far from the left it stands, and in which row."""

    label: str
    x: float
    row: int


def places(labels: Sequence[str], width: float) -> list[Place]:
    """A place for each label, in as few rows as hold them."""
    found: list[Place] = []
    x, row = 0.0, 0
    for label in (elided(text, min(_LONGEST, int((width - _SIGN) / _LETTER))) for text in labels):
        wide = _SIGN + _LETTER * len(label)
        if x and x + wide > width:
            x, row = 0.0, row + 1
        found.append(Place(label, x, row))
        x += wide + _GAP
    return found


def height(places: Sequence[Place]) -> int:
    """How much room they need."""
    return _ROW * (max((place.row for place in places), default=-1) + 1)


def draw(drawing: Drawing, places: Sequence[Place], looks: Sequence[Style], top: float) -> None:
    """Put the legend into a drawing."""
    for place, look in zip(places, looks, strict=True):
        x, y = place.x, top + 10 + _ROW * place.row
        drawing.path([(x, y), (x + 30, y)], f"curve {look.kind} {look.dash}")
        drawing.marker(x + 15, y, look.marker, f"bar {look.kind}", 4)
        drawing.text(x + _SIGN, y + 4, place.label, "name", "start")
