"""The examples of a file, within a number of them: whole rows, chosen by a hash of the row's number."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

from engine.spec.example import Example

MOST_EXAMPLES = 40_000
_SLACK = 5_000  # examples beyond the number before rows are let go


class Kept:
    """Collects examples row by row; beyond `MOST_EXAMPLES` those of the rows with the largest hashes are let go.

    Attributes:
        gone: Rows that were let go.
    """

    def __init__(self) -> None:
        self.gone = 0
        self._rows: dict[int, list[Example]] = {}
        self._count = 0
        self._limit: str | None = None

    def __len__(self) -> int:
        return self._count

    def wants(self, row: int) -> bool:
        """Whether examples of a row would be kept; a row that is not wanted counts as let go."""
        wanted = self._limit is None or _rank(row) < self._limit
        self.gone += not wanted
        return wanted

    def add(self, row: int, examples: Iterable[Example]) -> None:
        """Keep the examples of a row that is wanted."""
        self._rows[row] = list(examples)
        self._count += len(self._rows[row])
        if self._count > MOST_EXAMPLES + _SLACK:
            self._trim()

    def examples(self, without: Collection[int] = ()) -> tuple[Example, ...]:
        """What is kept, in the file's order.

        Args:
            without: Rows that are left out of it. No other row takes their place: which rows are kept is the same.
        """
        if self._count > MOST_EXAMPLES:
            self._trim()
        rows = sorted(self._rows.keys() - set(without))
        return tuple(example for row in rows for example in self._rows[row])

    def _trim(self) -> None:
        for row in sorted(self._rows, key=_rank, reverse=True):
            if self._count <= MOST_EXAMPLES:
                break
            self._count -= len(self._rows.pop(row))
            self._limit = _rank(row)
            self.gone += 1


def _rank(row: int) -> str:
    return hashlib.sha256(f"kept {row}".encode()).hexdigest()
