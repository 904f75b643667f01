"""Numbers of a column whose commas may stand before decimals or between thousands: read alike in a whole file."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.data.problems import Problems, printable, shown
from engine.tables.cells import text_of

if TYPE_CHECKING:
    from engine.tables.records import Record

_EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # -1,234
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_POINTED = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")  # -1.234: a thousand where commas stand before decimals
_DECIMAL = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d{1,3})?")


@dataclass
class Numbers:
    """A column of numbers in one file.

    A cell such as "-1,234" says nothing by itself; whether it is a thousand or a little more than one, the column's
    other cells say: a decimal comma ("-0,5") or a decimal point and thousands ("-987.5", "1,234,567").

    Attributes:
        decimal: Whether a cell has a comma that can only stand before decimals.
        thousands: Whether a cell has a point, or commas that can only stand between thousands.
        grouped: Whether commas were read as standing between thousands.
        pointed: The first cell, with its row, whose point may stand between thousands.
        open: Cells that say nothing by themselves, with the records they belong to.
    """

    column: str
    decimal: bool = False
    thousands: bool = False
    grouped: bool = False
    pointed: tuple[int, str] | None = None
    open: list[tuple[Record, str]] = field(default_factory=list)

    def read(self, record: Record, cells: Mapping[str, Any], problems: Problems) -> None:
        """Set a record's value, or keep it open; what is no finite number goes to `problems`."""
        text = text_of(cells.get(self.column))
        if not text:
            return
        if _EITHER.fullmatch(text):
            self.open.append((record, text))
            return
        number = math.nan
        try:
            if _THOUSANDS.fullmatch(text):
                number = float(text.replace(",", ""))
                self.thousands = True
                self.grouped = self.grouped or "," in text
            elif _DECIMAL.fullmatch(text):
                number = float(text.replace(",", "."))
                self.decimal = True
            else:
                number = float(text)
                self.thousands = self.thousands or "." in text
                if self.pointed is None and _POINTED.fullmatch(text):
                    self.pointed = record.row, text
        except ValueError:
            pass
        if math.isfinite(number):
            record.value = number
        else:
            problems.add(record.row, self.column, f"must be a finite number, not {shown(text)}")

    def settle(self, problems: Problems) -> tuple[str, ...]:
        """Set the values that are open, once all rows were read; where nothing tells, that is a problem of each row.

        Returns:
            What whoever reads the result should know.
        """
        if self.decimal and self.pointed:
            row, text = self.pointed
            problems.add(row, self.column, f"may be {text} or {text.replace('.', '')}, for other cells have a comma "
                         "before decimals: write all cells alike")  # fmt: skip
        for record, text in self.open:
            if self.decimal == self.thousands:
                problems.add(record.row, self.column, f"may be {text.replace(',', '')} or {text.replace(',', '.')}: "
                             f"write {shown(text)} without a comma, or with a point before decimals")  # fmt: skip
            else:
                record.value = float(text.replace(",", "." if self.decimal else ""))
        self.grouped = self.grouped or bool(self.open and self.thousands and not self.decimal)
        said = f"Commas in {printable(self.column)} were read as separators of thousands."
        return (said,) if self.grouped else ()
