"""From a file's rows to records: whose answer to which item it is, before it is known what its cells mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from engine.data.problems import Problems, shown, unusable
from engine.data.tables import names
from engine.data.tables.cells import is_finite, seed_of, text_of, word_of
from engine.data.tables.choices import Choices, Source, Unclear
from engine.data.tables.layout import Layout, layout
from engine.data.tables.rows import lm_eval
from engine.data.tables.rows.grid import Grid, Row
from engine.data.tables.rows.unpacking import EXPECTED
from engine.spec.example import Side

HEAD = 200
"""So many rows are looked at to see what a file is."""
_LONGEST = 200  # characters of a name
_SIDES = {side.value: side for side in Side}
_ONE_VALUE = {"probe": ("probe", "probes"), "filter": ("filter", "filters")}
"""Columns that must say the same in all rows: two measurements judged as one would be neither."""


@dataclass(slots=True)
class Record:
    """An answer of an arm to an item.

    Attributes:
        source: Which of the files, and `row`: which of its rows.
        seed: None where nobody has said it yet.
        variant: Tells items of one name apart (a hash of the document), "" where nothing does.
        word: The cell that says whether it is right, None where prediction and gold do.
        column: The column of that cell.
        logprob: The cell of the log-probability; `value`: the number that it is (`engine/data/tables/numbers.py`).
    """

    source: int
    row: int
    arm: str
    seed: int | None
    item: str
    variant: str
    word: str | None
    column: str
    prediction: str
    gold: str
    cluster: str
    side: Side
    logprob: str = ""
    value: float | None = None


def records(
    number: int, source: Source, grid: Grid, choices: Choices, problems: Problems
) -> tuple[Layout, Iterator[Record]]:
    """How a file is read, and its records; what is wrong with a row goes to `problems`.

    Args:
        number: Which of several files it is.
        source: The file, with the arm it was named for.
        grid: Its rows.
        choices: What was said.
        problems: Of this file.

    Raises:
        DataError: The file cannot be read so.
    """
    own = grid.rows
    head = list(islice(own, HEAD))
    if not head:
        problems.check()
        raise unusable(grid.path, "has no rows", EXPECTED)
    if lm_eval.recognised(str(name) for _, cells in head for name in cells):
        head = [(row, lm_eval.flatten(cells)) for row, cells in head]
        own = ((row, lm_eval.flatten(cells)) for row, cells in own)
    made = layout(grid, source, [cells for _, cells in head], choices)
    kept = _of_one_value(_only(chain(head, own), made, grid, choices), made, grid, source, choices)
    return made, _records(number, source, kept, made, grid, problems)


def _only(found: Iterator[Row], made: Layout, grid: Grid, choices: Choices) -> Iterator[Row]:
    """The rows that somebody asked for."""
    wanted = {
        names.chosen(grid.path, made.columns, {"only": column})["only"]: value
        for column, value in choices.only.items()
    }  # fmt: skip
    seen: dict[str, dict[str, None]] = {column: {} for column in wanted}
    any_row = False
    for row, cells in found:
        for column, values in seen.items():
            if len(values) < 20:
                values[text_of(cells.get(column))] = None
        if all(text_of(cells.get(column)) == value for column, value in wanted.items()):
            any_row = True
            yield row, cells
    if wanted and not any_row:
        said = " and ".join(f"{column} = {shown(value)}" for column, value in wanted.items())
        has = "; ".join(f"{column}: {', '.join(map(shown, list(values)[:8]))}" for column, values in seen.items())
        raise unusable(grid.path, f"has no row with {said}", f"There are: {has}.")


def _of_one_value(
    found: Iterator[Row], made: Layout, grid: Grid, source: Source, choices: Choices
) -> Iterator[Row]:  # fmt: skip
    """The rows, as long as the columns of `_ONE_VALUE` say the same in all."""
    guarded = {c: _ONE_VALUE[names.spelled(c)] for c in made.columns if names.spelled(c) in _ONE_VALUE}
    guarded = {c: words for c, words in guarded.items() if c not in choices.only and c not in made.used}
    seen: dict[str, dict[str, None]] = {column: {} for column in guarded}
    arms: dict[str, None] = {}
    for row, cells in found:
        for column, values in seen.items():
            if text := text_of(cells.get(column)):
                values[text] = None
            if len(values) > 1:
                values |= dict.fromkeys(text for _, more in found if (text := text_of(more.get(column))))
                raise _several(column, list(values), guarded[column], made, grid, source)
        if source.arm and "arm" in made.roles and len(arms) < 2:
            arms[text_of(cells.get(made.roles["arm"]))] = None
            if len(arms) > 1:
                some = ", ".join(map(shown, arms))
                what = f"was named for arm {shown(source.arm)} and holds several arms in its column "
                hint = "Give the file alone: it says itself which arm a row is of."
                raise unusable(grid.path, f"{what}{shown(made.roles['arm'])}: {some}", hint)
        yield row, cells


def _several(
    column: str, values: list[str], words: tuple[str, str], made: Layout, grid: Grid, source: Source
) -> Unclear:  # fmt: skip
    some = ", ".join(shown(value) for value in values[:8]) + (" …" if len(values) > 8 else "")
    hint = f"One {words[0]} is judged at a time: choose it with `--only {column}={values[0]}`."
    if words[0] == "probe":
        hint += " The lab writes one probe with `report TRIAL --to FILE.csv --items --probe NAME`."
    sketch = made.sketch([source])
    sketch = type(sketch)(**{**vars(sketch), "values": (column, tuple(values[:50]))})
    what = f"holds {len(values)} {words[1]} in its column {shown(column)}: {some}"
    return Unclear(grid.path, what, hint, ("only",), sketch)


def _records(
    number: int, source: Source, found: Iterator[Row], made: Layout, grid: Grid, problems: Problems
) -> Iterator[Record]:
    roles = made.roles
    for row, cells in found:
        before = len(problems.found)
        item = str(row) if made.unnamed_items else _name(row, roles["item"], cells, problems)
        seed = _seed(row, roles["seed"], cells, problems) if "seed" in roles else None
        side_cell = _text("side", cells, roles)
        side = _SIDES.get(side_cell.lower() or Side.NEUTRAL)
        if side is None:
            problems.add(row, roles["side"], f"must be one of {', '.join(_SIDES)}, or empty, not {shown(side_cell)}")
        logprob = _number(row, roles["logprob"], cells, problems) if "logprob" in roles else ""
        gold = _text("gold", cells, roles)
        cluster = _text("cluster", cells, roles) or item
        variant = text_of(cells.get("doc_hash"))[:64] if made.form == "lm-eval" else ""
        if made.form == "wide":
            if len(problems.found) > before or side is None:
                continue
            compared = "gold" in roles
            for arm in made.arms:
                cell = cells.get(arm.column)
                given = seed if "seed" in roles else arm.seed
                word, prediction = (None, text_of(cell)) if compared else (word_of(cell), "")
                yield Record(
                    number, row, arm.arm, given, item, "", word, arm.column, prediction, gold, cluster, side
                )  # fmt: skip
            continue
        arm_name = source.arm or _name(row, roles["arm"], cells, problems)
        if len(problems.found) > before or side is None:
            continue
        word = word_of(cells.get(roles["correct"])) if "correct" in roles else None
        prediction = _text("prediction", cells, roles)
        column = roles.get("correct", roles.get("gold", ""))
        yield Record(
            number, row, arm_name, seed, item, variant, word, column, prediction, gold, cluster, side, logprob
        )  # fmt: skip


def _text(role: str, cells: Mapping[str, Any], roles: Mapping[str, str]) -> str:
    """The cell of a role as text; "" where no column plays it (a column may be named "": pandas' index)."""
    return text_of(cells.get(roles[role])) if role in roles else ""


def _name(row: int, column: str, cells: Mapping[str, Any], problems: Problems) -> str:
    text = text_of(cells.get(column))
    if not text:
        problems.add(row, column, "is missing")
    elif len(text) > _LONGEST:
        problems.add(row, column, f"is too long ({len(text)} characters; at most {_LONGEST})")
    return text


def _seed(row: int, column: str, cells: Mapping[str, Any], problems: Problems) -> int:
    seed = seed_of(cells.get(column))
    if seed is None:
        text = text_of(cells.get(column))
        problems.add(row, column, f"must be a whole number, not {shown(text)}" if text else "is missing")
    return seed or 0


def _number(row: int, column: str, cells: Mapping[str, Any], problems: Problems) -> str:
    """A cell that is a finite number or empty, as text."""
    text = text_of(cells.get(column))
    if text and not is_finite(text):
        problems.add(row, column, f"must be a finite number, not {shown(text)}")
        return ""
    return text
