"""What is wrong with a user's file, said so that it can be put right: file, row, field, and what is expected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from engine.errors import DataError

MOST_PROBLEMS = 10
"""So many are collected before reading stops: enough to see the pattern, few enough to read."""

SAFE = "Nothing was queued and your file was not changed."
_ROWS = "Rows count from 1 (in JSON lines: the line number)."
_LONGEST_SHOWN = 60

WORDS = {
    "missing": "is missing",
    "list_type": "must be a list",
    "string_type": "must be text",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}
"""pydantic's error types, in a user's words."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        row: Counted from 1; in JSON lines the line's number.
        field: Such as "messages[2].tool_calls[0].function.name"; "" where the row as a whole is meant.
        text: What is wrong with it, such as "must be a list".
    """

    row: int
    field: str
    text: str

    def __str__(self) -> str:
        return f"row {self.row}, field {self.field}: {self.text}" if self.field else f"row {self.row}: {self.text}"


class BadRows(DataError):
    """A file with rows that cannot be used.

    Attributes:
        file: The file's name.
        problems: The first of them, at most `MOST_PROBLEMS`.
    """

    def __init__(self, file: Path, problems: Iterable[Problem]) -> None:
        self.file = name_of(file)
        self.problems = tuple(problems)
        if len(self.problems) == 1:
            message = f"{self.file}, {self.problems[0]}."
        else:
            several = f"at least {len(self.problems)}" if len(self.problems) >= MOST_PROBLEMS else len(self.problems)
            message = f"{self.file} has {several} problems:\n" + "\n".join(f"- {problem}" for problem in self.problems)
        super().__init__(message, f"{SAFE} Correct the rows named and start again. {_ROWS}")


class Problems:
    """Collects problems while a file is read; raises BadRows when there are enough of them."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.found: list[Problem] = []

    def add(self, row: int, field: str, text: str) -> None:
        """Note a problem. Raises BadRows with all so far when there are `MOST_PROBLEMS`."""
        self.found.append(Problem(row, printable(field), text))
        if len(self.found) >= MOST_PROBLEMS:
            self.check()

    def add_invalid(self, row: int, error: ValidationError) -> None:
        """Note what pydantic found wrong with a row."""
        for detail in error.errors(include_url=False, include_input=False):
            text = WORDS.get(detail["type"], printable(detail["msg"][0].lower() + detail["msg"][1:]))
            self.add(row, path_of(detail["loc"]), text)

    def check(self) -> None:
        """Raises BadRows if there is any problem so far."""
        if self.found:
            raise BadRows(self.file, self.found)


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
