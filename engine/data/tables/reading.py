"""Reads tables of results: one file, or several that are one table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from engine.data.problems import Problems, name_of, printable, unusable
from engine.data.tables.choices import NOTHING, Choices, Source
from engine.data.tables.deciding import decide
from engine.data.tables.filling import fill
from engine.data.tables.layout import FORMS, Layout
from engine.data.tables.numbers import fill_values
from engine.data.tables.records import Record, records
from engine.data.tables.rows.grid import MOST_ROWS, open_grid
from engine.data.tables.rows.unpacking import EXPECTED, FEWER
from engine.data.tables.table import Table


def read(sources: Path | Sequence[Source], choices: Choices | None = None) -> Table:
    """Read one file, or several as one table.

    Args:
        sources: A file that says itself which arm a row is of, or files with the arms they were named for.
        choices: What was said of how to read it.

    Raises:
        Unclear: Something has to be said first, e.g. which column holds the seed.
        DataError: A file cannot be read, or rows are wrong; names file, row and field.
    """
    choices = choices or Choices()
    given = (Source(sources),) if isinstance(sources, Path) else tuple(sources)
    if not given:
        raise ValueError("no file was named")
    problems = [Problems(source.path) for source in given]
    found: list[Record] = []
    layouts: list[Layout] = []
    digests: list[str] = []
    notes: list[str] = []
    for number, source in enumerate(given):
        grid = open_grid(source.path, problems[number])
        made, own = records(number, source, grid, choices, problems[number])
        for record in own:
            found.append(record)
            if len(found) > MOST_ROWS:
                raise unusable(source.path, f"has too many rows (more than {MOST_ROWS:,} in all)", FEWER)
        problems[number].check()
        layouts.append(made)
        if grid.digest in digests:
            twin = name_of(given[digests.index(grid.digest)].path)
            hint = "Name each file once; a run that was copied is no other run."
            raise unusable(source.path, f"is the same as {twin}, byte by byte", hint)
        digests.append(grid.digest)
        notes += grid.notes
    if not found:
        raise unusable(given[0].path, "has no rows", EXPECTED)
    forms = list(dict.fromkeys(FORMS[made.form] for made in layouts))
    table = Table(
        path=given[0].path,
        digest=_digest(given, digests),
        sources=given,
        choices=choices,
        sketch=layouts[0].sketch(given),
        form=", and ".join(forms),
        columns=_columns(layouts),
        unused=_unused(layouts),
    )
    notes += _notes_of_layouts(layouts, choices, any(source.arm for source in given))
    notes += _tell_variants_apart(found)
    notes += _number_files(found, given)
    notes += fill_values(found, layouts, problems)
    decide(table, found, problems, notes)
    fill(table, found, layouts, problems)
    for own in problems:
        own.check()
    table.notes = tuple(notes)
    return table


def _digest(sources: Sequence[Source], digests: Sequence[str]) -> str:
    if len(sources) == 1 and not sources[0].arm:
        return digests[0]
    lines = [f"{digest} {source.arm}" for source, digest in zip(sources, digests, strict=True)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _columns(layouts: Sequence[Layout]) -> dict[str, str]:
    """Role to column; where files spell it otherwise, all that they say."""
    found: dict[str, dict[str, None]] = {}
    for made in layouts:
        for role, column in made.roles.items():
            found.setdefault(role, {})[column] = None
    return {role: " / ".join(columns) for role, columns in found.items()}


def _unused(layouts: Sequence[Layout]) -> tuple[str, ...]:
    used = {column for made in layouts for column in made.used}
    return tuple(dict.fromkeys(column for made in layouts for column in made.columns if column not in used))


def _notes_of_layouts(layouts: Sequence[Layout], choices: Choices, named: bool) -> Iterator[str]:
    first = next((made for made in layouts if made.form == "wide"), None)
    if first is not None:
        some = "; ".join(
            printable(arm.column if arm.seed is None else f"{arm.column} is {arm.arm}, seed {arm.seed}")
            for arm in first.arms[:8]
        )
        yield f"Columns were read as arms: {some}{' …' if len(first.arms) > 8 else ''}."
        if first.unnamed_items:
            yield "Items have no name; each row of the table is one."
    if choices.columns.get("seed") == NOTHING and not named and any("seed" not in made.roles for made in layouts):
        yield "The table has no seeds: each arm counts as one run."
    if any(made.form == "inspect" and made.roles.get("seed") == "epoch" for made in layouts):
        yield (
            "Epochs of inspect_ai were read as seeds: they repeat the questions to one model, so how much a model "
            "trained with another seed would differ is not known."
        )
    for column, value in choices.only.items():
        yield f"Only rows with {printable(column)} = {printable(value)} were read."


def _tell_variants_apart(found: Iterable[Record]) -> Iterator[str]:
    """Documents of several tasks may share a number: then their hashes are part of the items' names."""
    variants: dict[str, set[str]] = {}
    for record in found:
        if record.variant:
            variants.setdefault(record.item, set()).add(record.variant)
    several = sum(len(hashes) > 1 for hashes in variants.values())
    if not several:
        return
    for record in found:
        if record.variant:
            alone = record.cluster == record.item
            record.item = f"{record.item} ({record.variant[:12]})"
            record.cluster = record.item if alone else record.cluster
    yield f"{several:,} numbers stand for several documents, as their hashes say: each document is an item."


def _number_files(found: Sequence[Record], sources: Sequence[Source]) -> Iterator[str]:
    """Files that were named for one arm and have no seeds are its seeds in order, or parts of one run.

    A file with an item that the arm's earlier files have is another seed; one without any is a further part.
    """
    items: dict[int, set[str]] = {}
    for record in found:
        if record.seed is None:
            items.setdefault(record.source, set()).add(record.item)
    taken: dict[str, list[set[str]]] = {}
    seeds: dict[int, int] = {}
    for number, own in items.items():
        runs = taken.setdefault(sources[number].arm or f"\0{number}", [])
        seed = next((at for at, there in enumerate(runs) if not there & own), len(runs))
        if seed == len(runs):
            runs.append(set())
        runs[seed] |= own
        seeds[number] = seed
    for record in found:
        if record.seed is None:
            record.seed = seeds[record.source] if sources[record.source].arm else 0
    several = [(sources[number], seed) for number, seed in seeds.items() if sources[number].arm]
    if len({source.arm for source, _ in several}) < len(several):
        said = "; ".join(
            f"{name_of(source.path)} is {printable(source.arm)}, seed {seed}" for source, seed in several[:12]
        )
        yield f"Files of one arm count as its seeds in the order in which they were named: {said}."
    elif several:
        yield "The files have no seeds: each arm counts as one run."
