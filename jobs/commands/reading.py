"""The options that say how a table from elsewhere is read, and what they come to."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.data.tables.choices import Choices, Source
from engine.data.tables.names import ROLES
from engine.spec.errors import SpecError

COLUMNS = {
    "arm": "the arm’s name",
    "seed": "the seed; “none” where every arm was run once",
    "item": "the item",
    "correct": "whether the answer is right",
    "prediction": "the answer",
    "gold": "the right answer; “none” for no such column",
    "side": "where the shortcut points",
    "cluster": "which items belong together",
    "logprob": "a log-probability",
}
"""Role to what its column holds, as the help says it."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The files, and how they are read."""
    parser.add_argument("files", type=Path, metavar="FILE", nargs="*", help="a table of results (docs/results.md)")
    group = parser.add_argument_group("how the table is read, where it does not say so itself")
    add = group.add_argument
    add(
        "--arm", metavar="NAME=FILE", type=_assigned, action="append", default=[],
        help="a file that holds one arm's results; several files of one arm are its seeds",
    )  # fmt: skip
    for role, about in COLUMNS.items():
        add(f"--{role}-column", metavar="NAME", help=f"the column that says {about}" if role != "logprob" else about)
    add("--arm-columns", metavar="A,B", type=_listed, default=(), help="columns that hold the results of an arm each")
    add(
        "--only", metavar="COLUMN=VALUE", type=_assigned, action="append", default=[],
        help="read only rows with this value, e.g. filter=strict-match",
    )  # fmt: skip
    add("--right", metavar="WORD", action="append", default=[], help="a cell that means right")
    add("--wrong", metavar="WORD", action="append", default=[], help="a cell that means wrong")
    add("--threshold", metavar="SCORE", type=_score, help="scores of at least this count as right")
    add(
        "--match", choices=("exact", "loose"), default="",
        help="whether case, spaces and marks around an answer count when it is compared with the right one",
    )  # fmt: skip
    add("--show", action="store_true", help="say what was understood, and judge nothing")


def sources_of(options: argparse.Namespace) -> list[Source]:
    """The files that were named. Raises SpecError where there is none."""
    found = [Source(path) for path in options.files] + [Source(Path(path), arm) for arm, path in options.arm]
    if not found:
        raise SpecError("No file was named.", "Name a table, or each arm's file: --arm base=FILE --arm sft=FILE.")
    return found


def choices_of(options: argparse.Namespace) -> Choices:
    """What was said of how to read them."""
    return Choices(
        columns={role: column for role in ROLES if (column := getattr(options, f"{role}_column")) is not None},
        arm_columns=options.arm_columns,
        only=dict(options.only),
        right=tuple(options.right),
        wrong=tuple(options.wrong),
        threshold=options.threshold,
        match=options.match,
    )


def _assigned(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not (name.strip() and value.strip()):
        raise argparse.ArgumentTypeError(f"{text!r} is no NAME=VALUE")
    return name.strip(), value.strip()


def _listed(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise argparse.ArgumentTypeError("no column is named")
    return names


def _score(text: str) -> float:
    try:
        number = float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        number = -1.0
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no score above 0 and at most 1")
    return number
