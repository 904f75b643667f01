"""What a user says of a table, what is still open, and what is known of a table so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from engine.data.problems import SAFE, name_of
from engine.spec.errors import DataError

NOTHING = "none"
"""Named in place of a column: the table has none, and none is looked for."""
Match = Literal["", "exact", "loose"]
Need = Literal["arm", "seed", "item", "correct", "prediction", "gold", "arms", "only", "words", "threshold"]


@dataclass(frozen=True)
class Source:
    """A file, and the arm whose results it holds; "" where the file itself says whose they are."""

    path: Path
    arm: str = ""


@dataclass(frozen=True)
class Choices:
    """How a table is to be read, as far as somebody said it.

    Attributes:
        columns: Role (see `engine.data.tables.names.ROLES`) to the column that plays it; `NOTHING` for no column.
        arm_columns: In a wide table, the columns that are arms; () where they are to be found.
        only: Column to the one value whose rows are read.
        right, wrong: Cells that mean right, and wrong.
        threshold: Scores of at least this count as right; None: scores are no right or wrong.
        match: How a prediction is compared with the right answer: "exact" and "loose" as somebody chose, "" where
            nobody did.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    arm_columns: tuple[str, ...] = ()
    only: Mapping[str, str] = field(default_factory=dict)
    right: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    threshold: float | None = None
    match: Match = ""


@dataclass(frozen=True)
class Word:
    """A cell that says whether an answer is right: its text, in how many rows, and what it means (None: unknown)."""

    text: str
    rows: int
    right: bool | None


@dataclass(frozen=True)
class Sketch:
    """What is known of a table, for whoever says what is still open. No figure of an arm is in it.

    Attributes:
        sources: The files, with the arms they were named for.
        form: What the files were taken for.
        columns: Each column with some of its values, as text.
        roles: Which column was taken for which role.
        likely: Columns that may play a role that no column was taken for.
        arm_columns: In a wide table, the columns that may be arms.
        values: For "only": the column, and the values of which one has to be chosen.
        words: For "words": what the cells of the column `correct` say.
    """

    sources: tuple[Source, ...]
    form: str
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    likely: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    arm_columns: tuple[str, ...] = ()
    values: tuple[str, tuple[str, ...]] | None = None
    words: tuple[Word, ...] = ()


class Unclear(DataError):
    """A table that can be read once somebody says what it does not say itself.

    Attributes:
        needs: What is open, the first thing to be said first.
        sketch: What is known.
    """

    def __init__(self, file: Path, what: str, hint: str, needs: tuple[Need, ...], sketch: Sketch) -> None:
        super().__init__(f"{name_of(file)} {what}.", f"{SAFE} {hint}")
        self.needs = needs
        self.sketch = sketch
