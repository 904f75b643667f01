"""A row while it is read: where its problems and its notes go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from engine.data.notes import Notes
from engine.data.problems import Problem, Problems, Unusable


class Row:
    """One row of a user's file.

    Attributes:
        number: Counted from 1; in JSON lines the line's number.
        failed: Whether any problem was noted: the row is not used then.
        counts: Notes on what was done to it, by sentence (`engine.data.notes`).
    """

    def __init__(self, number: int, problems: Problems) -> None:
        self.number = number
        self.failed = False
        self.counts: Counter[str] = Counter()
        self._problems = problems

    def bad(self, field: str, text: str, within: Problem | None = None) -> None:
        """Note a problem; `within` says where it stands if that is another file."""
        self.failed = True
        self._problems.add(self.number, field, text, within)

    def note(self, sentence: str, count: int = 1) -> None:
        """Count something that was done to the row."""
        if count:
            self.counts[sentence] += count

    def inner(self) -> Row:
        """The same row with counts of its own; its problems are the row's, but only it has failed by them."""
        return Row(self.number, self._problems)

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of the row: what makes it unusable is noted, and reading goes on after it."""
        try:
            yield
        except Unusable as error:
            self.bad(error.field, error.text)

    def done(self, notes: Notes) -> None:
        """Count the row's notes, if it is used."""
        if not self.failed:
            notes.add(self.counts)
