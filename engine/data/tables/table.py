"""A table of results as outcomes of arms, seeds and items: the form in which the lab keeps its own."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from engine.data.tables.choices import Choices, Sketch, Source, Word
from engine.spec.example import Outcome, Side

Run = tuple[str, int]
"""An arm's name and a seed."""


@dataclass
class Compared:
    """How an arm's predictions compare with the right answers.

    Attributes:
        rows: How many were compared.
        same: How many are the same.
        alike: How many are the same but for case, spaces and marks around them.
        held: How many hold the right answer as words of a longer text.
        example: The first prediction that differs, and the right answer.
    """

    rows: int = 0
    same: int = 0
    alike: int = 0
    held: int = 0
    example: tuple[str, str] = ("", "")


@dataclass
class Table:
    """What one or more files hold.

    Attributes:
        path: The file, or the first of several.
        digest: sha256 of its bytes; of several files, of all of their digests with the arms they were named for.
        sources: The files.
        choices: How it was to be read.
        sketch: What is known of its columns.
        form: What it was taken for, in words.
        runs: Outcomes by arm and seed, in the files' order.
        columns: Which column was read as which of the roles.
        unused: Columns that were not read.
        how: How it was decided whether an answer is right, in words.
        words: The cells that say so, with their meaning; () where predictions were compared.
        compared: Where predictions were compared with right answers: each arm's counts.
        contradicted: Rows whose `correct` is not what `prediction` and `gold` say.
        notes: What whoever reads a result should know of how the table was read.
    """

    path: Path
    digest: str = ""
    sources: tuple[Source, ...] = ()
    choices: Choices = field(default_factory=Choices)
    sketch: Sketch = field(default_factory=lambda: Sketch((), ""))
    form: str = ""
    runs: dict[Run, list[Outcome]] = field(default_factory=lambda: defaultdict(list))
    columns: dict[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    how: str = ""
    words: tuple[Word, ...] = ()
    compared: dict[str, Compared] = field(default_factory=dict)
    contradicted: list[int] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms, in the files' order."""
        return tuple(dict.fromkeys(arm for arm, _ in self.runs))

    @property
    def sided(self) -> bool:
        """Whether items say where the shortcut points."""
        sides = {outcome.side for outcomes in self.runs.values() for outcome in outcomes}
        return {Side.CONGRUENT, Side.CONFLICTING} <= sides

    @property
    def valued(self) -> bool:
        """Whether rows carry a log-probability."""
        return "logprob" in self.columns

    def seeds(self, arm: str) -> list[int]:
        """The arm's seeds, in order."""
        return sorted(seed for own, seed in self.runs if own == arm)
