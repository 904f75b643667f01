"""What a table from elsewhere holds, and which arm plays which part: named before any figure of an arm is shown."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QDialog, QDoubleSpinBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from engine.spec.errors import LabError
from gui.look.text import clean, count, elided, tip
from gui.tables.words import WordsTable
from gui.widgets.basics import Card, Text, push_button
from jobs.elsewhere.judge import Contents
from jobs.elsewhere.roles import PartError, Roles, roles
from jobs.elsewhere.study import FLOOR, MARGIN, Thresholds
from jobs.elsewhere.words import files_words, listed, right_words

WORDS = {
    "treated": ("&Treated arm", "the fine-tune in question"),
    "reference": ("Compared &with", "the arm it has to beat"),
    "base": ("&Base", "the model before any tuning"),
    "format": ("&Format control", "can learn only the form of the answer"),
    "planted": ("&Planted control", "taught the shortcut; without it, no firm verdict"),
}
"""Part to its label and what it is."""
OPTIONAL = ("format", "planted")
NONE = "none"
NOTES = 6
"""At most so many of the table's notes are shown; the result has them all."""


class PartField:
    """Chooses the arm that plays a part; a guess says that it is one until the user chooses."""

    def __init__(self, part: str, contents: Contents) -> None:
        label, about = WORDS[part]
        self.label = QLabel(label)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.arms = QComboBox()
        self.label.setBuddy(self.arms)
        self.arms.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.arms.setMinimumContentsLength(34)
        if part in OPTIONAL:
            self.arms.addItem(NONE, None)
        for arm, seeds in contents.seeds.items():
            self.arms.addItem(f"{elided(arm, 28)} · {count(len(seeds), 'seed')}", arm)
            self.arms.setItemData(self.arms.count() - 1, tip(arm), Qt.ItemDataRole.ToolTipRole)
        guess = getattr(contents.guess, part)
        self.arms.setCurrentIndex(0 if guess is None else list(contents.seeds).index(guess) + (part in OPTIONAL))
        self.about, self.error = Text(about, "caption"), Text("", "bad", lines=2)
        self.mark = Text("guessed", "warn")
        self.mark.setVisible(guess is not None)
        self.error.hide()
        self.arms.setAccessibleName(label.replace("&", ""))
        self.arms.setAccessibleDescription(f"{about}{'; guessed from names and order' if guess is not None else ''}")
        self.arms.activated.connect(self._chosen)

    @property
    def arm(self) -> str | None:
        """The arm that is chosen."""
        return self.arms.currentData()

    def _chosen(self) -> None:
        self.mark.hide()
        self.arms.setAccessibleDescription(self.about.text())
        self.error.hide()


class ResultsDialog(QDialog):
    """Asks which arm plays which part, and stays open until the table is judged.

    Signals:
        wanted(Roles, Thresholds): The user pressed Judge, and the parts make a comparison.
        columns_wanted(): The user wants to say how the table is read.
    """

    wanted = Signal(object, object)
    columns_wanted = Signal()

    def __init__(self, contents: Contents, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Results from elsewhere")
        self.setMinimumWidth(880)
        self.is_over = False
        self._contents = contents
        self.fields = {part: PartField(part, contents) for part in WORDS}
        self.margin = _number(100 * MARGIN, " points", "Too small to matter", "smaller differences count as none")
        self.floor = _number(100 * FLOOR, " %", "Accuracy needed", "below this nothing is judged")
        self.preview = WordsTable("Some rows as they were read", 8)
        self.preview.show_words(*preview(contents))
        self.error = Text("", "bad", lines=4)
        self.error.hide()
        self.judge = push_button("Judge", self._judge, primary=True, about="these results")
        self.judge.setDefault(True)
        self.cancel = push_button("Cancel", self.reject)
        self.columns = push_button("Columns…", self._columns, about="how these results are read")
        self._lay_out()
        self.fields["treated"].arms.setFocus()

    def _lay_out(self) -> None:
        contents = self._contents
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 20, 22, 18)
        column.setSpacing(12)
        column.addWidget(Text(files_words(contents.table.sources), pixels=15, bold=True))
        facts = QVBoxLayout()
        facts.setSpacing(3)
        for words in (size_words(contents), column_words(contents), f"Right: {right_words(contents.table)}."):
            facts.addWidget(Text(words, "muted", lines=2))
        for note in contents.table.notes[:NOTES]:
            facts.addWidget(Text(note, "text", lines=2))
        facts.addWidget(Text(side_words(contents), "good" if contents.sided else "warn", lines=2))
        column.addLayout(facts)
        rows = Card("Some rows as they were read")
        rows.layout_.addWidget(self.preview)
        column.addWidget(rows)
        column.addLayout(self._form())
        column.addWidget(self.error)
        column.addStretch(1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(Text("No figure of an arm is shown before its part is named.", "caption"), 1)
        buttons.addWidget(self.columns)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.judge)
        column.addLayout(buttons)

    def _form(self) -> QGridLayout:
        form = QGridLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(6)
        form.setColumnStretch(3, 1)
        for at, field in enumerate(self.fields.values()):
            for column, widget in enumerate((field.label, field.arms, field.mark, field.about)):
                form.addWidget(widget, 2 * at, column)
            form.addWidget(field.error, 2 * at + 1, 1, 1, 3)
        for at, box in enumerate((self.margin, self.floor), len(self.fields)):
            label = QLabel(("Too s&mall to matter", "&Accuracy needed")[at - len(self.fields)])
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setBuddy(box)
            form.addWidget(label, 2 * at, 0)
            form.addWidget(box, 2 * at, 1)
            form.addWidget(Text(box.accessibleDescription(), "caption"), 2 * at, 3)
        return form

    def choice(self) -> tuple[Roles, Thresholds]:
        """What the fields say now. Raises PartError where the parts make no comparison."""
        named = {part: field.arm for part, field in self.fields.items()}
        return roles(self._contents.seeds, **named), Thresholds(self.margin.value() / 100, self.floor.value() / 100)

    def show_error(self, error: BaseException) -> bool:
        """Say why the table cannot be judged. False where it is a bug; nothing is said where nobody looks any more."""
        if self.is_over:
            return isinstance(error, LabError)
        self._busy(False)
        if isinstance(error, PartError):
            field = self.fields[error.part]
            field.error.setText(f"{error.message} {error.hint}".strip())
            field.error.show()
            field.arms.setFocus()
        elif isinstance(error, LabError):
            self.error.setText(f"{error.message} {error.hint}".strip())
            self.error.show()
        return isinstance(error, LabError)

    def done(self, result: int) -> None:
        """Close, however it came about."""
        self.is_over = True
        super().done(result)

    def _judge(self) -> None:
        for said in (self.error, *(field.error for field in self.fields.values())):
            said.hide()
        try:
            parts, limits = self.choice()
        except PartError as error:
            self.show_error(error)
            return
        self._busy(True)
        self.wanted.emit(parts, limits)

    def _columns(self) -> None:
        self.reject()
        self.columns_wanted.emit()

    def _busy(self, busy: bool) -> None:
        for widget in (
            self.judge,
            self.columns,
            self.margin,
            self.floor,
            *(field.arms for field in self.fields.values()),
        ):
            widget.setEnabled(not busy)
        self.judge.setText("Judging …" if busy else "Judge")


def _number(value: float, suffix: str, name: str, about: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(0.0, 100.0)
    box.setDecimals(1)
    box.setValue(value)
    box.setSuffix(suffix)
    box.lineEdit().setTextMargins(7, 0, 0, 0)  # Qt passes no padding of the style on to the inner field
    box.setAccessibleName(name)
    box.setAccessibleDescription(about)
    return box


def size_words(contents: Contents) -> str:
    """How much the table holds."""
    seeds = len({seed for own in contents.seeds.values() for seed in own})
    parts = ((contents.rows, "row"), (len(contents.seeds), "arm"), (seeds, "seed"), (contents.items, "item"))
    return f"{', '.join(count(n, one) for n, one in parts)}; read as {contents.table.form}"


def column_words(contents: Contents) -> str:
    """Which columns are used, and as what where the file calls them otherwise."""
    used = contents.table.columns
    words = [ours if ours == name.lower() else f"{ours} (called {clean(name, 40)})" for ours, name in used.items()]
    arms = contents.table.sketch.arm_columns
    words += [f"{len(arms)} columns of arms"] if arms else []
    unused = [clean(name, 40) or "(no name)" for name in contents.table.unused]
    return f"Columns used: {', '.join(words)}." + (f" Not used: {listed(unused)}." if unused else "")


def side_words(contents: Contents) -> str:
    """Whether reliance can be measured."""
    if contents.sided:
        return "Items say where the shortcut points, so reliance on it can be measured."
    return "No item says where the shortcut points (column “side”), so reliance on it cannot be measured."


def preview(contents: Contents) -> tuple[list[str], list[list[str]], dict[int, int]]:
    """Header, rows and widths (px) of the preview: what is there, and no column that is not."""
    there = contents.table.columns
    header = ["arm", "seed", "item", "correct", *(name for name in ("prediction", "side", "cluster") if name in there)]
    rows = []
    for arm, seed, made in contents.preview:
        more = {"prediction": made.output, "side": made.side.value, "cluster": made.cluster}
        cells = [arm, str(seed), made.item, {True: "yes", False: "no", None: ""}[made.correct]]
        rows.append(cells + [more[name] for name in header[4:]])
    return header, rows, {1: 50, 3: 66}
