"""Files of the user's that cannot be used, studies and plug-ins alike: which, at which line, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import PurePath

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from engine.spec.plugins.discovery import Broken
from gui.dialogs.error import TextDialog
from gui.look.text import clean, count, elided
from gui.widgets.basics import Card, Text, push_button

SHOWN = 5
"""At most so many have a row of their own; the last row tells of all."""


class BrokenCard(Card):
    """One row for each such file, with its line and last words; all of it on demand."""

    def __init__(self) -> None:
        super().__init__("Files that cannot be used", "everything else goes on without them")
        self.rows = QVBoxLayout()
        self.rows.setSpacing(6)
        self.layout_.addSpacing(4)
        self.layout_.addLayout(self.rows)
        self.hide()

    def show_broken(self, files: Sequence[Broken]) -> None:
        """Show these; unseen where there are none."""
        while (item := self.rows.takeAt(0)) is not None:
            if (row := item.widget()) is not None:
                row.hide()
                row.deleteLater()
        self.setVisible(bool(files))
        for broken in files[:SHOWN]:
            self.rows.addWidget(self._row(f"{place_of(broken)}: {reason_of(broken)}", broken.path, [broken]))
        if len(files) > SHOWN:
            more = count(len(files) - SHOWN, "more file")
            self.rows.addWidget(self._row(f"and {more}", more, files[SHOWN:]))

    def _row(self, words: str, about: str, files: Sequence[Broken]) -> QWidget:
        made = QWidget()
        row = QHBoxLayout(made)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(Text(words, "warn"), 1)
        row.addWidget(push_button("Why", partial(self._tell, files), small=True, about=f"{about} cannot be used"))
        return made

    def _tell(self, files: Sequence[Broken]) -> None:
        whole = "\n\n".join(f"{file.path}\n{file.traceback}" for file in files)
        told = f"{place_of(files[0])} cannot be used" if len(files) == 1 else "Files that cannot be used"
        sentence = "Mend the file and open the window again. Nothing that was measured is lost."
        TextDialog(told, sentence, whole, self.window()).open()


def place_of(broken: Broken) -> str:
    """The file with its folder, and the line where it failed, if that is known: "rules/mine.py, line 12"."""
    name = elided("/".join(PurePath(broken.path).parts[-2:]), 60)
    lines = re.findall(rf'File "{re.escape(broken.path)}", line (\d+)', broken.traceback)
    return f"{name}, line {lines[-1]}" if lines else name


def reason_of(broken: Broken) -> str:
    """What is wrong, without the line, which `place_of` says."""
    return clean(re.sub(r"^line \d+: ", "", broken.reason), 200)
