"""What is wrong with a user's file, said so that it can be put right: file, row, field, and what is expected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.spec.errors import DataError

MOST_SHOWN = 50
"""So many problems are listed; of the rest it is said how many there are."""

MOST_PROBLEMS = 100_000
"""So many are collected before reading stops."""

SAFE = "Nothing was queued and your file was not changed."
_ROWS = "Rows count from 1 (in JSON lines: the line number)."
_LONGEST_SHOWN = 60


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        row: Counted from 1; in JSON lines the line's number.
        field: Such as "messages[2].tool_calls[0].function.name"; "" where the row as a whole is meant.
        text: What is wrong with it, such as "must be a list".
        file: The file that holds it, where that is not the one that is read but the one with its answers.
    """

    row: int
    field: str
    text: str
    file: str = ""

    def __str__(self) -> str:
        place = f"{self.file}, row {self.row}" if self.file else f"row {self.row}"
        return f"{place}, field {self.field}: {self.text}" if self.field else f"{place}: {self.text}"


class Unusable(Exception):
    """Part of a row that cannot be used; whoever reads the row notes it and goes on with the next part.

    Attributes:
        field: Where, as `Problem.field`.
        text: What is wrong, as `Problem.text`.
    """

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field}: {text}")
        self.field = field
        self.text = text


class BadRows(DataError):
    """A file with rows that cannot be used.

    Attributes:
        file: The file's name.
        problems: The first of them, at most `MOST_SHOWN`.
        count: How many there are.
    """

    def __init__(self, file: Path, problems: Sequence[Problem], stopped: bool = False, hint: str = "") -> None:
        self.file = name_of(file)
        self.count = len(problems)
        self.problems = tuple(problems[:MOST_SHOWN])
        if self.count == 1:
            problem = self.problems[0]
            message = f"{problem}." if problem.file else f"{self.file}, {problem}."
        else:
            several = f"at least {self.count:,}" if stopped else f"{self.count:,}"
            lines = [f"- {problem}" for problem in self.problems]
            if self.count > MOST_SHOWN:
                lines.append(f"- and {self.count - MOST_SHOWN:,} more")
            message = f"{self.file} has {several} problems:\n" + "\n".join(lines)
        super().__init__(message, f"{SAFE} Correct the rows named and start again{hint}. {_ROWS}")


class Problems:
    """Collects problems while a file is read.

    Attributes:
        found: The problems, in the order in which they were met; with `skip` the first `MOST_SHOWN` of them.
        rows: Rows that have any.
        skip: Whether rows with problems are to be left out; otherwise they refuse the file.
        hint: What else a user can do about bad rows, after "start again"; for files that can be read without them.
    """

    def __init__(self, file: Path, skip: bool = False, hint: str = "") -> None:
        self.file = file
        self.skip = skip
        self.hint = hint
        self.found: list[Problem] = []
        self.rows: set[int] = set()

    def add(self, row: int, field: str, text: str, within: Problem | None = None) -> None:
        """Note a problem of a row. Raises BadRows with all so far when there are `MOST_PROBLEMS`.

        Args:
            within: The problem as it stands in another file, which is shown in its place.
        """
        self.rows.add(row)
        if self.skip and len(self.found) >= MOST_SHOWN:
            return
        self.found.append(within or Problem(row, printable(field), text))
        if len(self.found) >= MOST_PROBLEMS:
            raise BadRows(self.file, self.found, stopped=True, hint=self.hint)

    def check(self) -> None:
        """Raises BadRows if there is any problem so far, unless rows with problems are to be left out."""
        if self.found and not self.skip:
            raise BadRows(self.file, self.found, hint=self.hint)


def unusable(file: Path, what: str, hint: str) -> DataError:
    """The error for a file that as a whole cannot be read. `what` continues "<file> ..."."""
    return DataError(f"{name_of(file)} {what}.", f"{SAFE} {hint}")


def path_of(keys: Iterable[str | int]) -> str:
    """Such as "messages[2].content" for ("messages", 2, "content")."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


def shown(value: object) -> str:
    """A user's value in quotes, short and printable."""
    return repr(value if len(str(value)) <= _LONGEST_SHOWN else f"{str(value)[:_LONGEST_SHOWN]}…")


def name_of(file: Path) -> str:
    """A file's name, printable even where the file system's is not."""
    return printable(file.name or str(file))


def printable(text: str) -> str:
    """The text with everything that does not print (control characters, lone surrogates) escaped, cut when long."""
    short = text if len(text) <= 200 else f"{text[:200]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in short)
