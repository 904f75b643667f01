"""Which rows of a large file are kept: those with the smallest hashes, so that the choice is the same every time."""

from __future__ import annotations

import hashlib
import heapq
from pathlib import Path

from engine.data.expected import FEWER
from engine.data.problems import unusable

MOST_ROWS = 2_000_000  # of a file: a small packed file may hold any number of empty ones
MOST_KEPT = 20_000  # rows
MOST_KEPT_BYTES = 96 * 2**20


class Sample:
    """The rows of a file with the smallest hashes: at most `MOST_KEPT` of them and `MOST_KEPT_BYTES` in all.

    Attributes:
        total: Rows that were offered.
    """

    def __init__(self, path: Path) -> None:
        self.total = 0
        self._path = path
        self._heap: list[tuple[int, int, bytes]] = []  # (-hash, -row, data): the largest hash is popped first
        self._bytes = 0
        self._limit: tuple[int, int] | None = None  # (-hash, -row) of the smallest dropped row

    @property
    def whole(self) -> bool:
        """Whether every row is kept."""
        return self._limit is None

    def offer(self, row: int, data: bytes) -> None:
        """Keep a row, unless others have smaller hashes."""
        if self._wants(row, key := _hash(data)):
            self._keep(row, key, data)

    def keep(self, row: int, data: bytes) -> None:
        """Keep a row that `wants_numbered` wanted."""
        self._keep(row, _hash(b"%d" % row), data)

    def wants_numbered(self, row: int) -> bool:
        """Whether a row would be kept, by its number, where its content is not read yet; it counts as offered."""
        return self._wants(row, _hash(b"%d" % row))

    def rows(self) -> list[tuple[int, bytes]]:
        """The kept rows as (row number, data), in the file's order. Empties the sample."""
        kept = sorted((-row, data) for _, row, data in self._heap)
        self._heap = []
        return kept

    def _wants(self, row: int, key: int) -> bool:
        """Count a row as offered, and tell whether its hash is small enough. Raises DataError for too many rows."""
        self.total += 1
        if self.total > MOST_ROWS:
            raise unusable(self._path, f"has too many rows (more than {MOST_ROWS:,})", FEWER)
        return self._limit is None or (-key, -row) > self._limit

    def _keep(self, row: int, key: int, data: bytes) -> None:
        heapq.heappush(self._heap, (-key, -row, data))
        self._bytes += len(data)
        while len(self._heap) > MOST_KEPT or (self._bytes > MOST_KEPT_BYTES and len(self._heap) > 1):
            gone = heapq.heappop(self._heap)
            self._bytes -= len(gone[2])
            self._limit = gone[:2]


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
