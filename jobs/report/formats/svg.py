"""A very small builder of SVG, so that every text in a figure passes through one escape.

Colours are never written here: classes take them from a style sheet, which knows light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from engine.stats.display import wording
from jobs.report.content.clean import clean, elided
from jobs.report.content.model import Figure

Number = float | int
Point = tuple[Number, Number]
MARKERS = ("square", "triangle", "cross", "star", "down", "pentagon", "diamond", "circle")

_TAGS = {tag: Markup(f'<{tag} class="{{}}" {{}}/>') for tag in ("line", "rect", "circle")}  # noqa: S704 - our own names


class Drawing:
    """A figure of fixed size in its own units, scaled by the page.

    Args:
        width: Units across.
        height: Units down.
        name: Unique on the page.
        title: What it shows, for those who do not see it.
        description: All of its figures in words.
    """

    def __init__(self, width: Number, height: Number, name: str, title: str, description: str) -> None:
        self.width, self.height, self.name = width, height, name
        self._title, self._description = title, description
        self._parts: list[Markup] = []

    def line(self, x1: Number, y1: Number, x2: Number, y2: Number, kind: str) -> None:
        """A straight line of a class of lines."""
        self._add("line", kind, x1=x1, y1=y1, x2=x2, y2=y2)

    def rect(self, x: Number, y: Number, width: Number, height: Number, kind: str, radius: Number = 0) -> None:
        """A box; a negative height is drawn upwards."""
        top = min(y, y + height)
        self._add("rect", kind, x=x, y=top, width=max(width, 0), height=max(abs(height), 0.5), rx=radius)

    def text(self, x: Number, y: Number, words: str, kind: str = "", anchor: str = "middle") -> None:
        """A line of text; `anchor` is "start", "middle" or "end"."""
        shape = Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>')
        self._parts.append(shape.format(kind, _number(x), _number(y), anchor, clean(words)))

    def marker(self, x: Number, y: Number, shape: str, kind: str, size: Number = 5) -> None:
        """One of `MARKERS`, as wide as twice its size."""
        if shape == "circle":
            self._add("circle", kind, cx=x, cy=y, r=size)
            return
        self.area([(x + size * px, y + size * py) for px, py in _SHAPES[shape]], kind)

    def area(self, points: Sequence[Point], kind: str) -> None:
        """A closed shape."""
        self._parts.append(Markup('<polygon class="{}" points="{}"/>').format(kind, _points(points)))

    def path(self, points: Sequence[Point], kind: str) -> None:
        """A line through points, not closed."""
        self._parts.append(Markup('<polyline class="{}" points="{}"/>').format(kind, _points(points)))

    def done(self) -> Figure:
        """The figure, as an element that a page or a document can hold."""
        head = Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" role="img" '
            'aria-labelledby="{id}-title {id}-desc">'
            '<title id="{id}-title">{title}</title><desc id="{id}-desc">{desc}</desc>'
        ).format(
            w=_number(self.width), h=_number(self.height), id=f"figure-{self.name}",
            title=clean(self._title), desc=clean(self._description),
        )  # fmt: skip
        svg = head + Markup("").join(self._parts) + Markup("</svg>")
        return Figure(self.name, self._title, self._description, svg)

    def _add(self, tag: str, kind: str, **places: Number) -> None:
        attributes = Markup(" ").join(Markup('{}="{}"').format(k, _number(v)) for k, v in places.items())
        self._parts.append(_TAGS[tag].format(kind, attributes))


def tick(value: float, signed: bool = False) -> str:
    """A mark of an axis, in the axis' own unit."""
    text = f"{value:+.4g}" if signed else f"{value:.4g}"
    return "0" if float(text) == 0 else text.replace("-", wording.MINUS)


def wrap(words: str, longest: int) -> list[str]:
    """A label in at most three lines of at most so many characters; what is too long for them loses its middle."""
    room = 3 * longest
    while len(lines := _lines(elided(words, room), longest)) > 3:
        room -= 1
    return lines


def _lines(words: str, longest: int) -> list[str]:
    """As many lines as it takes; a word that is longer than one is broken."""
    lines: list[str] = []
    for word in words.split():
        first, *rest = (word[at : at + longest] for at in range(0, len(word), longest))
        if lines and len(lines[-1]) + 1 + len(first) <= longest:
            lines[-1] += " " + first
        else:
            lines.append(first)
        lines += rest
    return lines


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _number(value: Number) -> str:
    text = f"{value:.2f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _ring(corners: int, inner: float = 1.0, turn: float = 0.0) -> tuple[tuple[float, float], ...]:
    radii = [1.0 if n % 2 == 0 else inner for n in range(corners)]
    angles = [turn - math.pi / 2 + 2 * math.pi * n / corners for n in range(corners)]
    return tuple((1.15 * r * math.cos(a), 1.15 * r * math.sin(a)) for r, a in zip(radii, angles, strict=True))


_SHAPES: dict[str, tuple[tuple[float, float], ...]] = {
    "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "triangle": ((0, -1.15), (1.05, 0.85), (-1.05, 0.85)),
    "down": ((0, 1.15), (1.05, -0.85), (-1.05, -0.85)),
    "diamond": _ring(4),
    "pentagon": _ring(5),
    "star": _ring(10, 0.45),
    "cross": (
        (-0.35, -1.1), (0.35, -1.1), (0.35, -0.35), (1.1, -0.35), (1.1, 0.35), (0.35, 0.35),
        (0.35, 1.1), (-0.35, 1.1), (-0.35, 0.35), (-1.1, 0.35), (-1.1, -0.35), (-0.35, -0.35),
    ),
}  # fmt: skip
