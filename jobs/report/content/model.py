"""A report as every format shows it: sections of blocks, every figure a string already, nothing computed any more."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from markupsafe import Markup

from engine.spec.result import Tone
from jobs.report.content.clean import clean

Voice = Literal["plain", "muted", "note"]
Status = Literal["confirmatory", "exploratory", ""]
"""What a figure may be read as: only a primary endpoint that was fixed beforehand confirms anything."""


@dataclass(frozen=True)
class Paragraph:
    """A sentence or more. A "note" is a warning."""

    text: str
    voice: Voice = "plain"


@dataclass(frozen=True)
class Bullets:
    """Short texts, one below the other."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Value:
    """The one figure that a section is about, and what belongs beside it."""

    figure: str
    detail: str


@dataclass(frozen=True)
class Facts:
    """Names and what they stand for."""

    name: str
    caption: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """A table whose rows' first cells are their headers.

    Attributes:
        name: Unique in the report; labels and element ids are made from it.
        words: Columns of words; the others hold figures and are set flush right.
        strong: Rows of the primary endpoint.
    """

    name: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = (0,)
    strong: tuple[int, ...] = ()


@dataclass(frozen=True)
class Figure:
    """A drawing. `description` says all of its figures in words."""

    name: str
    title: str
    description: str
    svg: Markup


@dataclass(frozen=True)
class Checked:
    """Something that must hold, and whether it did."""

    ok: bool
    label: str
    detail: str

    @property
    def word(self) -> str:
        """The outcome as a word, so that no format needs a colour for it."""
        return "passed" if self.ok else "failed"


@dataclass(frozen=True)
class Checks:
    """Integrity checks and controls."""

    entries: tuple[Checked, ...]


@dataclass(frozen=True)
class Example:
    """An item and what was said to it: (who, words). All of it comes from outside."""

    title: str
    said: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Examples:
    """Items shown in full."""

    entries: tuple[Example, ...]


@dataclass(frozen=True)
class Command:
    """What to type."""

    text: str


Block = Paragraph | Bullets | Value | Facts | Table | Figure | Checks | Examples | Command


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        half: Stands beside the next half where there is room.
    """

    name: str
    title: str
    blocks: tuple[Block, ...]
    caption: str = ""
    status: Status = ""
    half: bool = False


@dataclass(frozen=True)
class Verdict:
    """The answer: its tone, a word for it, one sentence and what it rests on, and what it may be read as."""

    tone: Tone
    word: str
    text: str
    reasons: tuple[str, ...]
    status: Status = ""

    @property
    def headline(self) -> str:
        """The word, and that it is exploratory where it is."""
        return f"{self.word}, {self.status}" if self.status else self.word


@dataclass(frozen=True)
class Report:
    """All that is said.

    Attributes:
        name: The trial's, for labels.
        note: A warning that belongs beside every table and figure, "" for none.
    """

    name: str
    title: str
    subtitle: str
    note: str
    verdict: Verdict
    sections: tuple[Section, ...]
    footer: str

    def rows(self) -> list[tuple[Section, ...]]:
        """The sections as they stand below each other: whole ones alone, halves in pairs where two follow."""
        found: list[tuple[Section, ...]] = []
        for section in self.sections:
            if section.half and found and len(found[-1]) == 1 and found[-1][0].half:
                found[-1] = (*found[-1], section)
            else:
                found.append((section,))
        return found


T = TypeVar("T")


def cleaned(value: T) -> T:
    """The same, every text in it harmless to look at; drawings have passed that already (`svg.Drawing`)."""
    return _cleaned(value)


def _cleaned(value: Any) -> Any:
    if isinstance(value, Markup):
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, tuple):
        return tuple(_cleaned(part) for part in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: _cleaned(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **parts)
    return value
