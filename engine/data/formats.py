"""A user's file as examples. Three forms are read, told apart by the first row's fields; see `engine/data/rows.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.data import bfcl, chat, sharegpt
from engine.data.problems import Problems, shown, unusable
from engine.data.rows import EXPECTED, read_text, rows
from engine.errors import DataError
from engine.example import Example

FEWEST = 10
"""So many usable examples are needed: below that nothing can be held out."""

_FORMS = {"messages": chat.read_row, "conversations": sharegpt.read_row}


@dataclass(frozen=True)
class Source:
    """What a user's file holds.

    Attributes:
        form: "messages", "conversations" or "question".
        digest: sha256 of the file, and of its answers' file where it has one.
    """

    examples: tuple[Example, ...]
    form: str
    digest: str


def read(path: Path) -> list[Example]:
    """A user's function-calling file as examples.

    Chat `messages` with `tools` (JSON lines or a JSON list), ShareGPT-style `conversations` with `tools` (the same),
    or BFCL-style `question` with `function`, whose accepted answers lie in `possible_answer/` or beside it as
    `<name>.answers.json`.

    Raises:
        DataError: The file or any row of it cannot be used; BadRows (a DataError) names rows and fields.
    """
    return list(read_source(path).examples)


def read_source(path: Path) -> Source:
    """The same, with what identifies the content. Raises DataError as `read` does."""
    path = Path(path)
    text, problems = read_text(path), Problems(path)
    form, reader, answers = "", None, bfcl.Answers(None, {})
    found: list[Example] = []
    ids: dict[str, int] = {}
    for row, value in rows(text, problems):
        if not isinstance(value, dict):
            problems.add(row, "", f"must be an object, not {_kind(value)}")
            continue
        form = form or _form(value, row, path)
        if form == "question" and reader is None:
            answers = bfcl.read_answers(path)
        reader = reader or _reader(form, answers, path)
        key = _id(value, row, ids, problems)
        if key is not None:
            found += reader(key, value, row, problems)
    problems.check()
    if len(found) < FEWEST:
        raise unusable(
            path,
            f"holds {len(found)} usable examples, fewer than {FEWEST}",
            "An answer counts where it calls a tool, or replies to the user while tools are on offer. Add more rows.",
        )
    return Source(tuple(found), form, _digest(text.digest, answers.file.digest if answers.file else ""))


Reader = Callable[[str, dict[str, Any], int, Problems], list[Example]]


def _reader(form: str, answers: bfcl.Answers, path: Path) -> Reader:
    if form != "question":
        return _FORMS[form]
    return lambda key, value, row, problems: bfcl.read_row(value, row, answers, path, problems)


def _form(value: dict[str, Any], row: int, path: Path) -> str:
    """Which form the rows have. Raises DataError for rows that are something else, saying what."""
    for pair in (("chosen", "rejected"), ("prompt", "chosen")):
        if all(key in value for key in pair):
            text = "these are preference pairs, not function calls; the lab makes its own wrong answers"
            raise _refused(path, row, "chosen", text)
    for form in ("messages", "conversations"):
        if form in value:
            return form
    if "question" in value and "function" in value:
        return "question"
    if "ground_truth" in value and "question" not in value:
        raise _refused(path, row, "ground_truth", "this is a file of answers; name the file of questions instead")
    if "question" in value or "function" in value:
        missing = "function" if "question" in value else "question"
        raise _refused(path, row, missing, "is missing")
    keys = ", ".join(shown(key) for key in list(value)[:5]) or "no field at all"
    raise _refused(path, row, "messages", f"is missing, and so are conversations and question; the row has {keys}")


def _refused(path: Path, row: int, field: str, text: str) -> DataError:
    return unusable(path, f"cannot be used: row {row}, field {field}: {text}", EXPECTED)


def _id(value: dict[str, Any], row: int, ids: dict[str, int], problems: Problems) -> str | None:
    """The row's id, or its number where it has none. None where another row has the same (noted)."""
    given = value.get("id")
    if given is None or given == "":
        return f"row {row}"
    if not isinstance(given, str | int) or isinstance(given, bool):
        problems.add(row, "id", "must be text or a whole number")
        return None
    key = str(given)
    if key in ids:
        problems.add(row, "id", f"{shown(key)} is the id of row {ids[key]} too")
        return None
    ids[key] = row
    return key


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true or false"
    return {str: "text", int: "a number", float: "a number", list: "a list"}.get(type(value), "this")


def _digest(content: str, answers: str) -> str:
    return hashlib.sha256(f"{content} {answers}".encode()).hexdigest() if answers else content
