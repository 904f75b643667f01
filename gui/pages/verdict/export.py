"""What a result can be written as: the kinds a file dialog offers, and which file is meant by what it gives."""

from __future__ import annotations

from pathlib import Path

from jobs.report import FORMATS

ITEMS = "Every item's outcome (*.csv)"
FIRST = ".html"


def kinds(items: bool) -> dict[str, str]:
    """The file dialog's kinds, each with its ending; `items`: every item's outcome is one of them."""
    found = {f"{name} (*{ending})": ending for ending, name in FORMATS.items()}
    return found | ({ITEMS: ".csv"} if items else {})


def default_name(trial: str) -> str:
    """What the file is called unless the user says otherwise."""
    return f"{trial}{FIRST}"


def target_of(given: Path, kind: str, default: str) -> Path:
    """The file that is meant.

    An ending that was typed wins over the kind. Where the name is the one that was offered, the kind wins.
    """
    known = given.suffix.lower() in FORMATS
    if kind == ITEMS:
        name = given.stem if known else given.name
        return given.with_name(f"{name}-items.csv" if given.name == default else f"{name}.csv")
    ending = kinds(items=False).get(kind, FIRST)
    if given.name == default:
        return given.with_suffix(ending)
    return given if known else given.with_name(given.name + ending)
