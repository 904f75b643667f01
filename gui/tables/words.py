"""A small table of words: rows of a user's file, or what models said. Plain text; tooltips say all of it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtWidgets import QHeaderView

from gui.tables.figures import FiguresModel
from gui.tables.view import Table

ROW, HEAD = 29, 27  # px


class WordsTable(Table):
    """Cells of words.

    Args:
        name: For screen readers.
        rows: With more rows than this, it scrolls.
    """

    def __init__(self, name: str, rows: int) -> None:
        self.words = FiguresModel(words=100)
        super().__init__(self.words, name, stretch=-1)
        self._most = rows

    def show_words(self, header: list[str], rows: list[list[str]], widths: Mapping[int, int]) -> None:
        """Show these cells; columns without a width of their own (px) share the room."""
        self.words.show_figures(header, rows)
        head, modes = self.horizontalHeader(), QHeaderView.ResizeMode
        for column in range(len(header)):
            head.setSectionResizeMode(column, modes.Fixed if column in widths else modes.Stretch)
            if column in widths:
                self.setColumnWidth(column, widths[column])
        self.setFixedHeight(HEAD + ROW * min(len(rows), self._most) + 4)
