"""Numbers that may be written with commas: whether a comma sets off thousands or decimals is said of all cells at once.

Cell by cell it cannot be told (-1,234), and read otherwise in one row than in the next, the order would be another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from engine.data.problems import Problems, name_of, shown
from engine.data.tables.answers import GROUPED
from engine.data.tables.layout import Layout
from engine.data.tables.records import Record

_WITHOUT = " (or leave the column out: `--logprob-column none`)"


def fill_values(found: Sequence[Record], layouts: Sequence[Layout], problems: Sequence[Problems]) -> Iterator[str]:
    """Give records the numbers that their texts are, and say where commas were read as separators of thousands.

    Where rows contradict each other, or no row tells what a comma is, that is a problem of the row.
    """
    written = [record for record in found if record.logprob]
    comma = next((record for record in written if _decimal_comma(record.logprob)), None)
    point = next((record for record in written if _decimal_point(record.logprob)), None)
    both = next((record for record in written if _either(record.logprob)), None)
    odd, said = None, ""
    if comma is not None and point is not None:
        first, odd = sorted((comma, point), key=lambda record: (record.source, record.row))
        there = "" if first.source == odd.source else f" of {name_of(problems[first.source].file)}"
        said = f"is {shown(odd.logprob)}, and row {first.row}{there} has {shown(first.logprob)}: one manner of decimals"
        said += f" is needed throughout{_WITHOUT}"
    elif both is not None and comma is None and point is None:
        odd, said = both, f"is {shown(both.logprob)}: no row tells whether a comma sets off thousands or decimals"
        said += f"; write the numbers with a decimal point and without separators{_WITHOUT}"
    if odd is not None:
        problems[odd.source].add(odd.row, layouts[odd.source].roles["logprob"], said)
        return
    for record in written:
        record.value = float(record.logprob.replace(",", "" if comma is None else "."))
    grouped = sum("," in record.logprob for record in written) if comma is None else 0
    if grouped:
        columns = " / ".join(dict.fromkeys(made.roles["logprob"] for made in layouts if "logprob" in made.roles))
        yield f"{grouped:,} numbers of {shown(columns)} have commas that were read as separators of thousands."


def _decimal_comma(text: str) -> bool:
    return text.count(",") == 1 and "." not in text and not re.fullmatch(GROUPED, text)


def _decimal_point(text: str) -> bool:
    return "." in text or text.count(",") > 1


def _either(text: str) -> bool:
    return "," in text and not _decimal_comma(text) and not _decimal_point(text)
