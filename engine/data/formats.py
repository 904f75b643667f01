"""A user's file as examples. Which forms are read: `engine/data/forms`; which ways of writing: `engine/data/files`."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.data.expected import EXPECTED
from engine.data.files.opening import opened
from engine.data.files.rows import Rows, take
from engine.data.forms.finding import FIELDS, Finder, known
from engine.data.kept import MOST_EXAMPLES, Kept
from engine.data.notes import MOSTLY_BAD, NO_EXAMPLE, NOT_LEARNED, ODD_IDS, REPEATED_IDS, UNWANTED, Notes
from engine.data.problems import Problem, Problems, Unusable, printable, shown, unusable
from engine.data.row import Row
from engine.data.strict_json import NotJson, loads
from engine.spec.errors import DataError
from engine.spec.example import Example

FEWEST = 10
"""So many usable examples are needed: below that nothing can be held out."""

SKIP = (
    ", or have rows that cannot be used left out (--skip-bad-rows; in the window: “Leave out rows that cannot be used”)"
)


@dataclass(frozen=True)
class Source:
    """What a user's file holds.

    Attributes:
        form: What the rows are, in words.
        grader: How calls are compared.
        digest: sha256 of the file, and of its answers' file where it has one.
        rows: Rows of the file.
        notes: What was done to the data, a sentence each.
        left_out: The first problems of rows that were left out; `left_out_count`: how many rows there are of them.
    """

    examples: tuple[Example, ...]
    form: str
    grader: str
    digest: str
    rows: int
    notes: tuple[str, ...] = ()
    left_out: tuple[Problem, ...] = ()
    left_out_count: int = 0


def read(path: Path) -> list[Example]:
    """A user's function-calling file as examples. Raises DataError as `read_source` does."""
    return list(read_source(path).examples)


def read_source(path: Path, grader: str = "", skip_bad_rows: bool = False, without: Collection[int] = ()) -> Source:
    """A user's function-calling file, with what identifies and describes it.

    Args:
        grader: How calls are compared, "strict" or "bfcl"; "": as the form of the file has it.
        skip_bad_rows: Leave out rows that cannot be used; a file that is broken as a whole is refused.
        without: Numbers of rows that are left out whatever they hold.

    Raises:
        DataError: The file cannot be used; BadRows (a DataError) names rows and fields.
    """
    path = Path(path)
    file = opened(path)
    problems, notes = Problems(path, skip_bad_rows, SKIP), Notes()
    found = take(file, FIELDS, problems)
    if file.changed():
        raise unusable(path, "changed while it was read", "Wait until it is written, and start again.")
    finder = Finder(path, grader)
    read_rows = len(found.kept)
    kept = _examples(found, finder, problems, notes, frozenset(without))
    problems.check()
    examples = kept.examples(without)
    if len(examples) < FEWEST:
        raise _too_few(path, len(examples), problems, notes, bool(without))
    if len(problems.rows) * 2 > read_rows:
        notes.add({MOSTLY_BAD: len(problems.rows)})
    return Source(
        examples=examples,
        form=" and ".join(finder.forms),
        grader=" and ".join(dict.fromkeys(finder.forms.values())),
        digest=_digest(file.digest, finder.answers.file.digest if finder.answers.file else ""),
        rows=found.total,
        notes=(*_choice(found, read_rows, kept), *notes.sentences()),
        left_out=tuple(problems.found),
        left_out_count=len(problems.rows),
    )


def _examples(found: Rows, finder: Finder, problems: Problems, notes: Notes, without: frozenset[int]) -> Kept:
    """The examples of the rows that are read; what is wrong goes to `problems`.

    Rows of `without` are read as well, so that which others are kept, and what they are named, is the same with them
    and without; what is wrong with them is not said.
    """
    kept = Kept()
    aside, unsaid = Problems(problems.file, skip=True), Notes()
    ids: set[str] = set()
    count, form_met = len(found.kept), False
    first: tuple[int, Unusable] | None = None  # of the rows, with its number
    found.kept.reverse()
    while found.kept:  # given away one by one: their text is needed no longer
        number, text = found.kept.pop()
        gone = number in without
        row = Row(number, aside if gone else problems)
        if not kept.wants(number) or (value := _value(text, row)) is None:
            continue
        form_met = form_met or known(value)
        try:
            more = finder.read(_id(value, row, ids), value, row)
        except Unusable as error:
            first = first if gone else first or (number, error)
            row.bad(error.field, error.text)
            continue
        if not row.failed:
            row.note(NO_EXAMPLE, int(not more))
            kept.add(number, more)
        row.done(unsaid if gone else notes)
    if first and not form_met and len(problems.rows) == count:
        at, error = first
        text = f"cannot be used: row {at}, field {printable(error.field)}: {error.text}"
        raise unusable(problems.file, text, EXPECTED)
    return kept


def _value(text: bytes, row: Row) -> dict[str, Any] | None:
    """A row's object. None where it is none (noted)."""
    try:
        value = loads(text.decode())
    except UnicodeDecodeError as error:
        row.bad("", f"is not UTF-8 (byte {error.start + 1}); save the file as UTF-8")
        return None
    except NotJson as error:
        if error.field:
            row.bad(error.field, str(error))
        else:
            row.bad("", f"is not JSON: {error}, at column {error.at + 1}")
        return None
    if not isinstance(value, dict):
        row.bad("", f"must be an object, not {_kind(value)}")
        return None
    return value


def _id(value: Mapping[str, Any], row: Row, ids: set[str]) -> str:
    """A text that no other row has: the row's id, or its number."""
    given = value.get("id")
    key = f"row {row.number}"
    if isinstance(given, float) and given.is_integer():
        key = str(int(given))
    elif isinstance(given, str | int | float) and not isinstance(given, bool) and given != "":
        key = str(given)
    elif given is not None and given != "":
        row.note(ODD_IDS)
    if key in ids:
        row.note(REPEATED_IDS)
        while key in ids:
            key = f"{key} (row {row.number})"
    ids.add(key)
    return key


def _choice(found: Rows, read_rows: int, kept: Kept) -> list[str]:
    """What was chosen of the file."""
    said = [f"The rows are those of the list {shown(found.wrapper)}."] if found.wrapper else []
    if found.chosen:
        said.append(f"Of {found.total:,} rows {read_rows:,}, chosen by a hash, were read. The others were not.")
    if kept.gone:
        said.append(
            f"At most {MOST_EXAMPLES:,} answers are kept; {kept.gone:,} rows, chosen by a hash, were left aside."
        )
    return said


def _too_few(path: Path, count: int, problems: Problems, notes: Notes, without: bool) -> DataError:
    gone = f"; {len(problems.rows):,} rows were left out" if problems.rows else ""
    hint = "An answer counts where it calls a tool, or replies to the user while tools are on offer. Add more rows."
    if problems.found:
        hint = f"The first row left out: {problems.found[0]}. {hint}"
    elif not count and notes.counts[NOT_LEARNED]:
        hint = (
            "No answer was found while tools are on offer. Tools are read from a field `tools` (or `functions`), or as "
            "JSON in the system message; described in any other way they cannot be read."
        )
    elif not count and notes.counts[UNWANTED]:
        hint = "The file asks that none of its answers be learned from (`weight` 0)."
    elif without:
        hint = f"Rows were left out that the model's chat template refuses. {hint}"
    return unusable(path, f"holds {count} usable example{'' if count == 1 else 's'}, fewer than {FEWEST}{gone}", hint)


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true or false"
    return {str: "text", int: "a number", float: "a number", list: "a list"}.get(type(value), "this")


def _digest(content: str, answers: str) -> str:
    return hashlib.sha256(f"{content} {answers}".encode()).hexdigest() if answers else content
