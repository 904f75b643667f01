"""Figures as people read them. One place, so that the window, the reports and the verdict never differ."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the window words figures before it loads the statistics
    from engine.stats.evidence import Estimate

MINUS = "\N{MINUS SIGN}"
VERDICTS = {
    "learned": "Learned",
    "format": "Format only",
    "shortcut": "Shortcut",
    "mixed": "Mixed",
    "inconclusive": "Inconclusive",
}
"""A verdict's code in the words that people see."""
_BOUNDS = re.compile(rf"\[([+{MINUS}\d.]+), ([+{MINUS}\d.]+)\]")
_UNIT = re.compile(r"(\d) (?=%|points\b|nats\b)")


def level(value: float, unit: str) -> str:
    """An arm's figure: "83.2 %", "+4.1 points", "2.314 nats", "+0.512"."""
    if unit == "share":
        return f"{_fixed(100 * value, 1)} %"
    if unit == "difference":
        return f"{_fixed(100 * value, 1, sign=True)} points"
    return f"{_fixed(value, 3)} nats" if unit == "nats" else _fixed(value, 3, sign=True)


def difference(value: float, unit: str) -> str:
    """A difference of two arms' figures: "+5.1 points", "-0.021 nats"."""
    if unit in ("share", "difference"):
        return f"{_fixed(100 * value, 1, sign=True)} points"
    return f"{_fixed(value, 3, sign=True)} nats" if unit == "nats" else _fixed(value, 3, sign=True)


def about(value: float, unit: str) -> str:
    """A size that is itself only roughly known, without a sign: "16 points", "0.8 points", "0.02 nats"."""
    if unit in ("share", "difference"):
        return f"{_fixed(100 * abs(value), 0 if abs(value) >= 0.015 else 1)} points"
    return f"{abs(value):.1g} nats" if unit == "nats" else f"{abs(value):.1g}"


_FARTHEST = {"share": 1.0, "difference": 2.0}
"""Unit to the largest difference of two arms that there can be: a share ends at 0 and 1, a difference at -1 and 1."""


def exists(size: float, unit: str) -> bool:
    """Whether two arms can differ so much at all: 162 points of a share are no difference that anything can find."""
    return abs(size) <= _FARTHEST.get(unit, math.inf)


def bounds(ci: tuple[float, float] | None, unit: str, signed: bool = True) -> str:
    """An interval without its unit: "[+2.2, +8.0]"; "" where there is none."""
    if ci is None:
        return ""
    scale, digits = (100, 1) if unit in ("share", "difference") else (1, 3)
    signed = signed or unit in ("difference", "coefficient")
    low, high = (_fixed(scale * bound, digits, sign=signed) for bound in ci)
    return f"[{low}, {high}]"


def probability(p: float | None) -> str:
    """A p value to three places; "" where there is none."""
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_phrase(p: float | None) -> str:
    """A p value with its sign: "p = 0.062", "p < 0.001"; "" where there is none."""
    shown = probability(p)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}" if shown else ""


def level_of(estimate: Estimate, unit: str) -> str:
    """An arm's figure with its interval: "83.2 % [79.0, 86.1]"."""
    return f"{level(estimate.value, unit)} {bounds(estimate.ci, unit, signed=False)}".rstrip()


def difference_of(estimate: Estimate, unit: str) -> str:
    """A difference with its interval: "+5.1 points [+2.2, +8.0]"."""
    return f"{difference(estimate.value, unit)} {bounds(estimate.ci, unit)}".rstrip()


def counted(number: int, thing: str) -> str:
    """A number and its noun: "1 seed", "3 seeds"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def lowered(label: str) -> str:
    """A label within a sentence: its first letter small, unless it begins with an abbreviation."""
    return label if len(label) > 1 and label[1].isupper() else label[:1].lower() + label[1:]


def together(text: str) -> str:
    """Figures keep their unit, and an interval its bounds, on one line."""
    return _UNIT.sub("\\1\N{NO-BREAK SPACE}", _BOUNDS.sub("[\\1,\N{NO-BREAK SPACE}\\2]", text))


def _fixed(value: float, digits: int, sign: bool = False) -> str:
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    if float(text) == 0:
        return text.lstrip("+-")
    return text.replace("-", MINUS)
