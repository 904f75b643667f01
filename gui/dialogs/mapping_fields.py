"""The fields of the dialog that asks how a table is read."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QLineEdit

from gui.look.text import clean, tip

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
NAMED = "Each file was named for an arm. Press Read if these names are right; files of one arm are its seeds."
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


class ScoreBox(QDoubleSpinBox):
    """A score from which on an answer is right, in percent where cells are percents; none at first.

    Args:
        score: From 0 to 1; None: not said.
        percent: Whether it is shown and typed in percent.
    """

    def __init__(self, score: float | None, percent: bool) -> None:
        super().__init__()
        self._whole = 100.0 if percent else 1.0
        self.setRange(0.0, self._whole)
        self.setDecimals(1 if percent else 3)
        self.setSingleStep(0.05 * self._whole)
        self.setSuffix(" %" if percent else "")
        self.setSpecialValueText("not said")
        self.setValue(self._whole * (score or 0.0))
        self.setMaximumWidth(160)
        self.lineEdit().setTextMargins(7, 0, 0, 0)  # Qt passes no padding of the style on to the inner field
        self.setAccessibleName("Score from which on an answer is right" + (", in percent" if percent else ""))

    @property
    def score(self) -> float | None:
        """The score, from 0 to 1."""
        return self.value() / self._whole or None


class ArmField(QLineEdit):
    """Names the arm whose results a file holds, unless a column says it."""

    def __init__(self, file: str, arm: str) -> None:
        super().__init__(clean(arm, 200))
        self._own = self.text()
        self.setAccessibleName(f"Arm of {file}")
        self.setMaxLength(200)
        self.leave_to_column(False)

    def suggest(self, arm: str) -> None:
        """Name it so, if nothing was said."""
        self._own = self._own or clean(arm, 200)
        if self.isEnabled() and not self.text():
            self.setText(self._own)

    def leave_to_column(self, column: bool) -> None:
        """Whether a column says whose results they are: then no name is taken, and what stood here comes back later."""
        if column and self.isEnabled():
            self._own = self.text()
            self.clear()
        elif not column and not self.isEnabled():
            self.setText(self._own)
        self.setEnabled(not column)
        self.setPlaceholderText("as its column says" if column else "as the file says")
