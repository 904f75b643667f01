"""The units that figures have: how each is shown, and what it can be. No numpy: the window reads it as it opens."""

from __future__ import annotations

import math
from typing import NamedTuple


class Unit(NamedTuple):
    """A unit.

    Attributes:
        word: What stands after a figure; "" where nothing does.
        compared: What stands after a difference of two figures.
        scale: What a figure is multiplied by to be shown.
        digits: How many digits it is shown with after the point.
        signed: Whether figures are shown with their sign, as differences always are.
        least, most: The ends of what a figure can be.
    """

    word: str
    compared: str
    scale: float = 1.0
    digits: int = 3
    signed: bool = False
    least: float = -math.inf
    most: float = math.inf


_KNOWN = {
    "share": Unit("%", "points", scale=100, digits=1, least=0.0, most=1.0),
    "difference": Unit("points", "points", scale=100, digits=1, signed=True, least=-1.0, most=1.0),
    "correlation": Unit("", "", signed=True, least=-1.0, most=1.0),
    "coefficient": Unit("", "", signed=True),
    "nats": Unit("nats", "nats"),
    "tokens": Unit("tokens", "tokens", digits=1),
    "seconds": Unit("seconds", "seconds", digits=2),
}


def unit(name: str) -> Unit:
    """The unit of that name; one that is not known here is shown by its name, with three digits after the point.

    "" is a plain number, such as the loss in training.
    """
    return _KNOWN.get(name) or Unit(name, name)
