"""What was understood of a table, in words: shown before any figure of an arm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.data.problems import name_of, printable
from engine.data.tables.choices import Choices, Source
from engine.data.tables.table import Table
from engine.stats.display.wording import counted

_MOST = 12


def understood(table: Table) -> Iterator[str]:
    """What was understood, a sentence each: form, size, columns, and how it was decided what is right."""
    yield f"{files_words(table.sources)}: read as {table.form}."
    seeds = {arm: len(table.seeds(arm)) for arm in table.arms}
    rows = sum(map(len, table.runs.values()))
    items = len({outcome.item for outcomes in table.runs.values() for outcome in outcomes})
    arms = listed([f"{printable(arm)} ({counted(number, 'seed')})" for arm, number in seeds.items()])
    yield f"{counted(rows, 'outcome')} of {counted(items, 'item')} in {counted(len(seeds), 'arm')}: {arms}."
    yield columns_words(table)
    yield f"What is right: {right_words(table)}."
    yield from table.notes


def files_words(sources: Sequence[Source]) -> str:
    """The files, by name."""
    if len(sources) == 1:
        return name_of(sources[0].path)
    return f"{len(sources)} files ({listed([name_of(source.path) for source in sources])})"


def columns_words(table: Table) -> str:
    """Which columns are used, as what where the file calls them otherwise, and which are not."""
    words = [role if role == name.lower() else f"{role} ({printable(name)})" for role, name in table.columns.items()]
    arms = [printable(column) for column in table.sketch.arm_columns]
    used = listed(words + ([f"{len(arms)} columns of arms ({listed(arms)})"] if arms else []))
    unused = f" Not used: {listed([printable(name) or '(no name)' for name in table.unused])}." if table.unused else ""
    return f"Columns used: {used or 'none'}.{unused}"


def right_words(table: Table) -> str:
    """How it was decided whether an answer is right."""
    return printable(table.how)


def listed(names: Sequence[str]) -> str:
    """Names with commas, cut where there are many."""
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def options(sources: Sequence[Source], choices: Choices) -> list[str]:
    """What to type to have the same files read in the same way."""
    words: list[str] = []
    for source in sources:
        words += ["--arm", f"{source.arm}={source.path}"] if source.arm else [str(source.path)]
    for role, column in choices.columns.items():
        words += [f"--{role}-column", column]
    if choices.arm_columns:
        words += ["--arm-columns", ",".join(choices.arm_columns)]
    for column, value in choices.only.items():
        words += ["--only", f"{column}={value}"]
    for option, told in (("--right", choices.right), ("--wrong", choices.wrong)):
        for word in told:
            words += [f"{option}={word}"]
    if choices.threshold is not None:
        words += ["--threshold", f"{choices.threshold:g}"]
    if choices.match:
        words += ["--match", choices.match]
    return words
