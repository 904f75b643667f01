"""What every command prints with. Text of users and models is untrusted: nothing of it may steer the terminal."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from typing import IO, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that a terminal obeys or hides: controls, formats (bidirectional ones too), separators."""


def visible(text: object, keep_lines: bool = False) -> str:
    r"""The text with every control character written out (`\x1b`, `\u202e`), so that it cannot steer a terminal.

    Args:
        text: Anything; it is turned into a string.
        keep_lines: Whether line ends stay line ends.
    """
    return "".join(_shown(c, keep_lines) for c in str(text))


def _shown(char: str, keep_lines: bool) -> str:
    if char == "\n" and keep_lines:
        return char
    if unicodedata.category(char) not in HIDDEN:
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class Screen:
    """Where a command prints: `say` for results on standard output, `note` for news and errors on standard error.

    Attributes:
        out: rich's console for standard output.
        err: rich's console for standard error.
        live: Whether progress may be drawn in place (standard output is a terminal).
    """

    def __init__(self, out: IO[str] | None = None, err: IO[str] | None = None) -> None:
        # Strings are printed as they are: no markup, no emoji codes, no colours guessed from content.
        plain: dict[str, Any] = {"markup": False, "emoji": False, "highlight": False, "soft_wrap": True}
        self.out = Console(file=out or sys.stdout, **plain)
        self.err = Console(file=err or sys.stderr, **plain)
        self.live = self.out.is_terminal

    def say(self, text: object = "", style: str = "") -> None:
        """Print a line of result."""
        self.out.print(Text(visible(text, keep_lines=True), style=style))

    def note(self, text: object, style: str = "") -> None:
        """Print a line of news or an error."""
        self.err.print(Text(visible(text, keep_lines=True), style=style))

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[int] = ()) -> None:
        """Print a table: drawn on a terminal, separated by tabs elsewhere.

        Args:
            headings: One per column.
            rows: Cells, one row each.
            right: Indices of columns that are aligned to the right.
        """
        if not self.live:
            for row in [headings, *rows]:
                # Straight to the file: rich would turn the tabs into spaces.
                self.out.file.write("\t".join(visible(cell) for cell in row) + "\n")
            return
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for index, heading in enumerate(headings):
            table.add_column(Text(heading, style="bold"), justify="right" if index in right else "left")
        for row in rows:
            table.add_row(*(Text(visible(cell)) for cell in row))
        self.out.print(table, soft_wrap=False)
