"""How figures of a unit stand on an axis or in a column, where the unit is said once: factor, word and ends."""

from __future__ import annotations

import math
from typing import NamedTuple

from engine.stats.display import units, wording


class Axis(NamedTuple):
    """An axis of figures.

    Attributes:
        factor: What a figure is multiplied by to be shown: 100 for shares, which are shown in per cent.
        word: The unit of a level, "" for a plain number.
        compared: The unit of a difference between two levels.
        ends: The lowest and the highest level that there can be, as shown; None where there is none.
    """

    factor: float
    word: str
    compared: str
    ends: tuple[float, float] | None = None

    @property
    def family(self) -> tuple[float, str]:
        """Differences of one family share an axis."""
        return self.factor, self.compared


def axis(unit: str) -> Axis:
    """The axis of a unit."""
    known = units.unit(unit)
    ends = (known.least * known.scale, known.most * known.scale)
    return Axis(known.scale, known.word, known.compared, ends if all(map(math.isfinite, ends)) else None)


def titled(label: str, word: str) -> str:
    """A label with its unit: "accuracy, %"; the label alone for a plain number."""
    return f"{label}, {word}" if word else label


def bare(value: float, ci: tuple[float, float] | None, unit: str, compared: bool = False) -> str:
    """A figure and its interval without the unit: "+5.1 [+2.2, +8.0]".

    Args:
        compared: Whether it is a difference between two levels.
    """
    word = axis(unit).compared if compared else axis(unit).word
    whole = wording.difference(value, unit) if compared else wording.level(value, unit)
    return f"{whole.removesuffix(f' {word}')} {wording.bounds(ci, unit, signed=compared)}".rstrip()


def ticks(low: float, high: float, about: int = 5, whole: bool = False) -> list[float]:
    """Round numbers from at or below `low` to at or above `high`, at least two and about so many.

    Args:
        whole: Whether there are no fractions between them.

    Raises:
        ValueError: An end is not finite.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("a range must be finite")
    rough = (high - low if high > low else 1.0) / max(1, about - 1)
    magnitude = 10.0 ** math.floor(math.log10(rough))
    steps = (1, 2, 5, 10) if whole else (1, 2, 2.5, 5, 10)
    step = next(magnitude * m for m in steps if magnitude * m >= rough * (1 - 1e-9))
    step = max(1.0, step) if whole else step
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * n for n in range(first, max(last, first + 1) + 1)]
