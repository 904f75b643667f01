"""The fields of the dialog that asks how a table is read."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox

from gui.text import clean, tip

ROLES = {
    "arm": ("&Arm", "the model or setting"),
    "seed": ("&Seed", "which run of the arm"),
    "item": ("&Item", "the question, the same in every run"),
    "correct": ("Correct", "says whether the answer is right"),
    "prediction": ("Answer", "what the model said"),
    "gold": ("Right answer", "what it should have said"),
    "side": ("Side", "where the shortcut points"),
    "cluster": ("Cluster", "items that belong together"),
    "logprob": ("Log-probability", "in nats"),
}
"""Role to its label and what it is."""

NUMBERS = "names"
"""What is said where numbers at the end of columns' names are seeds."""
FORMS = {
    "long": "A row for each arm, seed and item.",
    "wide": "A row for each item, a column for each arm.",
    "lm-eval": "Samples of lm-evaluation-harness: one file for each arm (and seed).",
    "inspect": "Samples of a log of inspect_ai.",
}
NEEDED = {
    "arm": "Which arm is a row of? Choose the column that says it, or name the arm of each file.",
    "seed": "Which seed is a row of? Choose the column that says it, or say that each arm was run once; files that are "
    "named for one arm are its seeds.",
    "item": "Which question is a row about? Choose the column that says it.",
    "correct": "What says that an answer is right? Choose its column, or the answer's and the right answer's columns.",
    "prediction": "Which column holds the answer?",
    "gold": "Do cells say right and wrong, or are they answers? Choose the right answer's column, or no column.",
    "arms": "Which columns are arms? Tick them.",
    "only": "The file holds several measurements. Choose one.",
    "words": "Which words mean right, and which wrong?",
    "threshold": "The cells are scores, not right and wrong. Say from which score on an answer is right; if a score is "
    "a mean over repeats, better give a row for each repeat with its own seed.",
}
"""What is open, as the dialog asks for it."""
WORDS: Sequence[tuple[str, object]] = (("not said", None), ("right", True), ("wrong", False))
MATCH: Sequence[tuple[str, object]] = (
    ("as spelled; a difference is pointed out", ""),
    ("as spelled, case and marks count", "exact"),
    ("case, spaces and marks do not count", "loose"),
)


class Answer:
    """A choice among columns, with what it is about.

    Args:
        label: Of the field; & before the letter that reaches it.
        about: What the column holds.
        options: What is shown, and what it stands for.
        chosen: What is chosen at first.
        guessed: Whether that is a guess.
    """

    def __init__(
        self, label: str, about: str, options: Sequence[tuple[str, object]], chosen: object, guessed: bool
    ) -> None:
        self.label, self.about, self.guessed = label, about, guessed
        self.box = choice_box(label.replace("&", ""), options, chosen)
        self.box.setAccessibleDescription(about + ("; guessed" if guessed else ""))

    @property
    def chosen(self) -> object:
        """What is chosen."""
        return self.box.currentData()


def choice_box(name: str, options: Sequence[tuple[str, object]], chosen: object) -> QComboBox:
    """A box to choose from; the first option where `chosen` is none of them."""
    box = QComboBox()
    box.setAccessibleName(clean(name, 100))
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(30)
    for shown, value in options:
        box.addItem(shown, value)
        box.setItemData(box.count() - 1, tip(shown), Qt.ItemDataRole.ToolTipRole)
    values = [value for _, value in options]
    box.setCurrentIndex(values.index(chosen) if chosen in values else 0)
    return box


def score_box(value: float | None) -> QDoubleSpinBox:
    """A score from 0 to 1; 0 stands for none."""
    box = QDoubleSpinBox()
    box.setRange(0.0, 1.0)
    box.setDecimals(3)
    box.setSingleStep(0.05)
    box.setValue(value or 0.0)
    box.setMaximumWidth(160)
    box.lineEdit().setTextMargins(7, 0, 0, 0)  # Qt passes no padding of the style on to the inner field
    box.setAccessibleName("Score from which on an answer is right")
    return box
