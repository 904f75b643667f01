"""What is kept for evaluation: one combination in ten, by its own words, so that no list has to be carried about."""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterator

SHARE = 10
"""One combination in this many is reserved."""


def reserved(*parts: object) -> bool:
    """Whether the combination of these parts is for evaluation only; the same answer always and everywhere.

    Corpus and training pools draw again on a reserved combination; items are drawn from nothing else, or made of it.
    """
    return crc32("\x1f".join(map(str, parts)).encode()) % SHARE == 0


def stretches(size: int, least: int) -> Iterator[tuple[int, int]]:
    """Beginning and end of every stretch of a sequence, itself included, that is `least` long or longer.

    What holds a reserved stretch must be held out too: it would show the answer.
    """
    return ((first, last) for first in range(size - least + 1) for last in range(first + least, size + 1))
