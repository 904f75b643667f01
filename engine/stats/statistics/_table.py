"""The outcomes of one run, or of several in a row, as columns of numbers: what statistics read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.spec.example import Outcome, Side

SIDES = {Side.NEUTRAL: 0, Side.CONGRUENT: 1, Side.CONFLICTING: 2}
COLUMN = r"^(correct|value|feature:.+|output:.*)$"
"""Names of columns that hold a number for an item (see `Table.column`)."""
CATEGORY = r"^(correct|value|feature:.+|output:.*|output)$"
"""The same, and "output": which answer was given, numbered in no meaningful order."""


class Table:
    """Outcomes as columns, one entry for each outcome, in their order.

    Args:
        outcomes: The outcomes.
        side: Where the shortcut points on each, as `SIDES` numbers it, in place of the outcomes' own: [items].
        known: Columns that were read already.
    """

    def __init__(
        self, outcomes: Sequence[Outcome], side: np.ndarray | None = None, known: dict[str, np.ndarray] | None = None
    ) -> None:
        self._outcomes = outcomes
        self._known = known or {}
        self.side = np.array([SIDES[o.side] for o in outcomes], dtype=np.int8) if side is None else side

    def __len__(self) -> int:
        return len(self._outcomes)

    def column(self, name: str) -> np.ndarray:
        """A number for each outcome, NaN where it has none: [items].

        Args:
            name: "correct" (1 or 0; NaN where the answer was not scored), "value", "feature:NAME", "output:TEXT" (1
                where the answer is TEXT, else 0) or "output" (equal numbers for equal answers).
        """
        if name not in self._known:
            self._known[name] = self._read(name)
        return self._known[name]

    def among(self, splits: Sequence[str]) -> np.ndarray:
        """Whether each outcome is of one of these splits: [items], bool."""
        wanted = frozenset(splits)
        return np.array([o.split in wanted for o in self._outcomes], dtype=bool)

    @property
    def read(self) -> dict[str, np.ndarray]:
        """The columns that were read so far, by name; they do not depend on sides."""
        return self._known

    @property
    def clusters(self) -> np.ndarray:
        """The outcomes' clusters, numbered: [items]."""
        if "cluster" not in self._known:
            self._known["cluster"] = _numbered([o.cluster for o in self._outcomes])
        return self._known["cluster"]

    def part(self, kept: np.ndarray) -> Table:
        """The outcomes of a mask alone."""
        if kept.all():
            return self
        outcomes = [outcome for outcome, keep in zip(self._outcomes, kept, strict=True) if keep]
        return Table(outcomes, self.side[kept], {name: column[kept] for name, column in self._known.items()})

    def rows(self, rows: slice) -> Table:
        """The outcomes of a range alone; what was read of them is not read again."""
        known = {name: column[rows] for name, column in self._known.items()}
        return Table(self._outcomes[rows], self.side[rows], known)

    def _read(self, name: str) -> np.ndarray:
        kind, _, what = name.partition(":")
        if name == "output":
            return _numbered([o.output for o in self._outcomes])
        if kind == "correct":
            return np.array([np.nan if o.correct is None else o.correct for o in self._outcomes], dtype=float)
        if kind == "value":
            return np.array([np.nan if o.value is None else o.value for o in self._outcomes], dtype=float)
        if kind == "output":
            return np.array([o.output == what for o in self._outcomes], dtype=float)
        return np.array([o.features.get(what, np.nan) for o in self._outcomes], dtype=float)


def _numbered(words: Sequence[str]) -> np.ndarray:
    codes: dict[str, int] = {}
    return np.array([codes.setdefault(word, len(codes)) for word in words], dtype=float)
