"""What the lab understood of a user's model and data, shown before anything is queued."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPlainTextEdit, QProgressBar, QVBoxLayout, QWidget

from engine.spec.errors import LabError
from engine.spec.understanding import Inspection
from gui.dialogs.error import TextDialog
from gui.look.text import clean_lines
from gui.widgets.basics import Card, Text, push_button
from jobs.inspecting.words import cost_words, facts, fit_facts, left_out

LOOKING = "Looking at the model and the data …"


class UnderstoodPanel(Card):
    """One of four things: nothing (hidden), that the lab is looking, what it understood, or why it cannot go on."""

    def __init__(self) -> None:
        super().__init__("What the lab understood")
        self.inspection: Inspection | None = None
        self.looking = Text(LOOKING, "muted")
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setAccessibleName(LOOKING)
        self.grid = QGridLayout()
        self.grid.setHorizontalSpacing(14)
        self.grid.setVerticalSpacing(3)
        self.grid.setColumnStretch(1, 1)
        self.table = QWidget()
        self.table.setLayout(self.grid)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.cost = Text("", lines=2)
        self.notes, self.warning = Text("", "muted", lines=12), Text("", "warn", lines=12)
        self.error, self.hint = Text("", "bad", lines=10), Text("", lines=6)
        self.problems = QPlainTextEdit()
        self.problems.setReadOnly(True)
        self.problems.setAccessibleName("What is wrong, row by row")
        self.problems.setMinimumHeight(260)
        self.example = push_button("First example…", self._show_example, small=True)
        self.rows = push_button("Rows left out…", self._show_rows, small=True)
        self._lay_out()
        self.clear()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.example, self.rows):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column = QVBoxLayout()
        column.setSpacing(8)
        for widget in self._parts():
            column.addWidget(widget)
        column.addLayout(buttons)
        column.addStretch(1)
        self.layout_.addSpacing(6)
        self.layout_.addLayout(column)

    def clear(self) -> None:
        """Show nothing: the lab's own model and data need no look."""
        self.inspection = None
        self._show()
        self.hide()

    def show_looking(self) -> None:
        """Say that the lab is looking."""
        self.inspection = None
        self._show(self.looking, self.bar)

    def show_inspection(self, found: Inspection) -> None:
        """Show what was understood."""
        self.inspection = found
        pairs = (*(facts(found.understanding) if found.understanding else ()), *fit_facts(found.fit))
        while (item := self.grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for row, (name, value) in enumerate(pairs):
            shown = Text(value)
            shown.setAccessibleName(f"{name}: {value}")
            self.grid.addWidget(Text(name, "muted"), row, 0)
            self.grid.addWidget(shown, row, 1)
        self.cost.setText(cost_words(found))
        self.notes.setText(" ".join(found.understanding.notes if found.understanding else ()))
        self.warning.setText(" ".join(found.warnings))
        said = (self.cost, self.notes, self.warning)
        parts: list[QWidget] = [self.table, *(words for words in said if words.text())]
        parts += [self.example] if found.fit.prompt else []
        parts += [self.rows] if found.understanding and found.understanding.left_out_count else []
        self._show(*parts)

    def show_error(self, error: LabError) -> None:
        """Say why the model or the data cannot be used."""
        self.inspection = None
        first, _, rest = error.message.partition("\n")
        self.error.setText(first)
        self.problems.setPlainText(clean_lines(rest))
        self.hint.setText(error.hint)
        self._show(self.error, *([self.problems] if rest else []), self.hint)

    def _parts(self) -> tuple[QWidget, ...]:
        return (
            self.looking, self.bar, self.table, self.cost, self.notes, self.warning, self.error, self.problems,
            self.hint,
        )  # fmt: skip

    def _show(self, *widgets: QWidget) -> None:
        for widget in (*self._parts(), self.example, self.rows):
            widget.setVisible(widget in widgets)
        self.show()

    def _show_example(self) -> None:
        if self.inspection is None:
            return
        fit = self.inspection.fit
        sentence = "Token for token what the model is given, and after the line the right answer it learns from."
        text = f"{fit.prompt}\n{'─' * 24} the answer begins here\n{fit.answer}"
        TextDialog("The first example, as the model sees it", sentence, text, self.window(), wrap=True).open()

    def _show_rows(self) -> None:
        read = self.inspection.understanding if self.inspection else None
        if read is not None:
            text = "\n".join(read.left_out)
            TextDialog("Rows that are left out", left_out(read), text, self.window(), wrap=True).open()
