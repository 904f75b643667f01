"""Examples on which the two arms of the primary contrast differ, in the models' own words (untrusted)."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QModelIndex
from PySide6.QtWidgets import QHBoxLayout, QWidget

from engine.spec.result import Flip, Result
from gui.dialogs.error import TextDialog
from gui.look.text import clean
from gui.tables.words import WordsTable
from gui.widgets.basics import Card, push_button

ROWS = 6


class FlipsCard(Card):
    """A row for each example; one of them in full on demand."""

    def __init__(self) -> None:
        super().__init__("Examples that flipped", " ")
        self._flips: tuple[Flip, ...] = ()
        self._labels: Mapping[str, str] = {}
        self.table = WordsTable("Examples that flipped", ROWS)
        self.table.doubleClicked.connect(self._read)
        self.table.activated.connect(self._read)
        self.full = push_button("Read in full", self._read_current, small=True, about="the example that is selected")
        head = QHBoxLayout()
        for text in (self.title, self.caption):
            self.layout_.removeWidget(text)
        head.addWidget(self.title)
        head.addWidget(self.caption, 1)
        head.addWidget(self.full)
        head.setSpacing(10)
        self.layout_.addLayout(head)
        self.layout_.addSpacing(4)
        self.layout_.addWidget(self.table)

    def show_result(self, result: Result, labels: Mapping[str, str]) -> None:
        """Show a result's examples; unseen where it has none."""
        self._flips, self._labels = result.flips, labels
        self.setVisible(bool(self._flips))
        if not self._flips:
            return
        arms = result.study.primary.contrast
        names = [labels.get(arm, arm) for arm in arms]
        self.set_caption(f"right in one of {names[0]} and {names[1]}, wrong in the other, in the most seeds")
        asked = any(flip.prompt for flip in self._flips)
        header = ["item", *(["question"] if asked else []), *names, "seeds"]
        rows = [
            [flip.item, *([flip.prompt] if asked else []), *(said(flip, arm) for arm in arms), seeds_words(flip)]
            for flip in self._flips
        ]
        self.table.show_words(header, rows, {0: 130, len(header) - 1: 70})
        self.table.selectRow(0)

    def _read_current(self) -> None:
        self._read(self.table.currentIndex())

    def _read(self, index: QModelIndex) -> None:
        if not index.isValid() or self.window().findChild(FlipDialog) is not None:
            return
        FlipDialog(self._flips[index.row()], self._labels, self.window()).open()


class FlipDialog(TextDialog):
    """One example in full."""

    def __init__(self, flip: Flip, labels: Mapping[str, str], parent: QWidget) -> None:
        right, wrong = (labels.get(arm, arm) for arm in (flip.right, flip.wrong))
        sentence = (
            f"Right in {right} and wrong in {wrong} in {seeds_words(flip)} pairs of seeds; below is seed {flip.seed}."
        )
        super().__init__(f"Item {clean(flip.item, 120)}", sentence, in_full(flip, right, wrong), parent, wrap=True)


def said(flip: Flip, arm: str) -> str:
    """What an arm answered, and whether that is right, in a cell."""
    if arm == flip.right:
        return f"right: {flip.output_right}" if flip.output_right else "right"
    failure = f" ({flip.failure})" if flip.failure else ""
    return f"wrong{failure}: {flip.output_wrong}" if flip.output_wrong else f"wrong{failure}"


def seeds_words(flip: Flip) -> str:
    """In how many pairs of seeds the example flipped."""
    return f"{flip.seeds} of {flip.pairs}"


def in_full(flip: Flip, right: str, wrong: str) -> str:
    """Everything that is known of an example; parts that were not kept are left out."""
    failure = f", {flip.failure}" if flip.failure else ""
    parts = (
        ("Question", flip.prompt),
        ("Right answer", flip.gold),
        (f"{right} (right)", flip.output_right),
        (f"{wrong} (wrong{failure})", flip.output_wrong),
        ("Split and side", " · ".join(word for word in (flip.split, flip.side) if word)),
    )
    return "\n\n".join(f"{name}\n{text}" for name, text in parts if text)
