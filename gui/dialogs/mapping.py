"""How a table from elsewhere is read: which column says what, which file is whose, which words mean right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from engine.data.problems import name_of
from engine.data.tables.choices import NOTHING, Choices, Sketch, Source, Unclear
from engine.spec.errors import LabError
from gui.dialogs.mapping_fields import (
    FORMS,
    MATCH,
    NAMED,
    NEEDED,
    NUMBERS,
    ROLES,
    WORDS,
    Answer,
    ArmField,
    ScoreBox,
    choice_box,
)  # fmt: skip
from gui.look.text import clean, clean_lines, elided, tip
from gui.widgets.basics import Card, Scroll, Text, push_button
from jobs.elsewhere.words import files_words


class MappingDialog(QDialog):
    """Asks for what a table does not say itself. No figure of an arm is shown here.

    Signals:
        wanted(list[Source], Choices): The user pressed Read.

    Args:
        sketch: What is known of the table.
        choices: What was said before.
        error: What is open, or why the files could not be read as was said; None where nothing is.
    """

    wanted = Signal(object, object)

    def __init__(
        self, sketch: Sketch, choices: Choices, error: LabError | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("How these results are read")
        self.resize(820, 660)
        self._sketch, self._choices = sketch, choices
        self._needs = error.needs if isinstance(error, Unclear) else ()
        self.sources = [Source(source.path, source.arm) for source in sketch.sources]
        self.arms: list[ArmField] = []
        hidden = ("arm", "correct", "prediction", "logprob") if sketch.form == "wide" else ()
        self.columns = {role: self._column_box(role) for role in ROLES if role not in hidden}
        self._scored = "threshold" in self._needs or choices.threshold is not None
        self.words = {word.text: choice_box(word.text, WORDS, word.right) for word in sketch.words}
        self.only = self._only_box()
        self.threshold = ScoreBox(choices.threshold, _percents(sketch))
        self.match = choice_box("How answers are compared", MATCH, choices.match)
        self.arm_list = self._arm_list()
        self.add_file = push_button("Add files…", self._add_files, about="results of further arms", small=True)
        words, listed, hint = self._open_words(error)
        self.problem, self.hint = Text(words, "warn", lines=5), Text(hint, lines=3)
        self.problems = QPlainTextEdit(clean_lines(listed))
        self.problems.setReadOnly(True)
        self.problems.setAccessibleName("What is wrong, row by row")
        self.problems.setFixedHeight(150)
        for widget, text in ((self.problem, words), (self.problems, listed), (self.hint, hint)):
            widget.setVisible(bool(text))
        self.read = push_button("Read", self._read, primary=True, about="these results in this way")
        self.read.setDefault(True)
        self.cancel = push_button("Cancel", self.reject)
        self._files = QGridLayout()
        self._lay_out()
        if (arm := self.columns.get("arm")) is not None:
            arm.box.currentIndexChanged.connect(self._arm_column_changed)
            self._arm_column_changed()

    def _column_box(self, role: str) -> Answer:
        """The column that plays a role: as found, as said before, or the likely one."""
        sketch, told = self._sketch, self._choices.columns.get(role)
        options: list[tuple[str, object]] = [("not said", None)]
        if role == "seed":
            options.append(("each arm was run once", NOTHING))
            if sketch.form == "wide":
                options.append(("numbers at the end of columns’ names", NUMBERS))
        elif role in ("gold", "side", "cluster", "prediction", "correct"):
            options.append(("no column", NOTHING))
        options += [(elided(column, 40) or "(no name)", column) for column in sketch.columns]
        found = told if told is not None else sketch.roles.get(role)
        if role == "arm" and told is None and any(source.arm for source in sketch.sources):
            found = None  # the files' names for their arms count, not the column
        guess = next(iter(sketch.likely.get(role, ())), None) if role in self._needs else None
        once = sketch.form != "lm-eval" and not self._likely_seeds()  # there, files are seeds
        if guess is None and role == "seed" and "seed" in self._needs and once:
            guess = NOTHING
        about, what = ROLES[role]
        return Answer(
            about, what, options, found if found is not None else guess, guessed=found is None and guess is not None
        )

    def _likely_seeds(self) -> bool:
        return self._sketch.form == "wide" and any(column[-1:].isdigit() for column in self._sketch.arm_columns)

    def _only_box(self) -> QComboBox | None:
        if self._sketch.values is None:
            return None
        column, values = self._sketch.values
        return choice_box(f"Which {column} is read", [(elided(value, 40), value) for value in values], values[0])

    def _arm_list(self) -> QListWidget | None:
        """The columns that may be arms; those taken for arms are ticked."""
        columns = dict.fromkeys((*self._sketch.arm_columns, *self._sketch.likely.get("arms", ())))
        if not columns:
            return None
        box = QListWidget()
        box.setAccessibleName("Columns that are arms")
        for column in columns:
            entry = QListWidgetItem(elided(column, 60) or "(no name)")
            entry.setData(Qt.ItemDataRole.UserRole, column)
            entry.setToolTip(tip(column))
            entry.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable)
            ticked = column in self._sketch.arm_columns
            entry.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
            box.addItem(entry)
        box.setFixedHeight(26 * min(len(columns), 6) + 8)
        return box

    def _lay_out(self) -> None:
        sketch = self._sketch
        inside = QWidget()
        cards = QVBoxLayout(inside)
        cards.setContentsMargins(0, 0, 0, 0)
        cards.setSpacing(12)
        for card in (self._files_card(), self._words_card(), self._arms_card(), self._columns_card()):
            if card is not None:
                cards.addWidget(card)
        cards.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 20, 22, 18)
        column.setSpacing(10)
        column.addWidget(Text(files_words(sketch.sources), pixels=15, bold=True))
        column.addWidget(Text(FORMS.get(sketch.form, ""), "muted"))
        for widget in (self.problem, self.problems, self.hint):
            column.addWidget(widget)
        column.addWidget(Scroll(inside, "How these results are read"), 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(Text("Nothing is judged yet, and the files are not changed.", "caption"), 1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.read)
        column.addLayout(buttons)

    def _files_card(self) -> Card:
        card = Card(
            "Files", "one file may hold all arms; else name the arm of each, and files of one arm are its seeds"
        )
        self._files.setHorizontalSpacing(12)
        self._files.setVerticalSpacing(6)
        self._files.setColumnStretch(1, 1)
        card.layout_.addLayout(self._files)
        row = QHBoxLayout()
        row.addWidget(self.add_file)
        row.addStretch(1)
        card.layout_.addLayout(row)
        for source in self.sources:
            self._show_file(source, suggested(source.path) if self._names_files() and not source.arm else source.arm)
        return card

    def _show_file(self, source: Source, arm: str) -> None:
        at = len(self.arms)
        field = ArmField(name_of(source.path), arm)
        self.arms.append(field)
        self._files.addWidget(Text(name_of(source.path)), at, 0)
        self._files.addWidget(field, at, 1)

    def _add_files(self) -> None:
        folder = str(self.sources[0].path.parent)
        paths, _ = QFileDialog.getOpenFileNames(self, "Results of further arms", folder)
        for path in map(Path, paths):
            self.sources.append(Source(path))
            self._show_file(self.sources[-1], suggested(path))
        if paths:
            self.arms[0].suggest(suggested(self.sources[0].path))
            self._arm_column_changed()

    def _names_files(self) -> bool:
        """Whether the files are named for arms at first, since no column seems to say which arm a row is of."""
        return "arm" in self._needs and not self._sketch.likely.get("arm")

    def _arm_column_changed(self) -> None:
        """Files are not named for arms where a column says which arm a row is of."""
        column = "arm" in self.columns and self.columns["arm"].chosen is not None
        for field in self.arms:
            field.leave_to_column(column)

    def _words_card(self) -> Card | None:
        if self.words and not self._scored:
            card = Card("Right or wrong", "what the cells say")
            form = _grid()
            for at, word in enumerate(self._sketch.words):
                form.addWidget(Text(f"“{clean(word.text, 40)}” in {word.rows:,} rows"), at, 0)
                form.addWidget(self.words[word.text], at, 1)
            card.layout_.addLayout(form)
            return card
        if self._scored:
            card = Card("Scores", "from which score on an answer counts as right")
            card.layout_.addWidget(self.threshold)
            return card
        return None

    def _arms_card(self) -> Card | None:
        if self.arm_list is None:
            return None
        card = Card("Arms", "the columns that hold the results of an arm each")
        card.layout_.addWidget(self.arm_list)
        return card

    def _columns_card(self) -> Card:
        card = Card("Columns", "which column of the file says what")
        form = _grid()
        rows: list[tuple[str, QWidget, str]] = []
        if self.only is not None and self._sketch.values is not None:
            rows.append((f"Only {elided(self._sketch.values[0], 24)}", self.only, "one is judged at a time"))
        rows += [(answer.label, answer.box, self._sample(answer)) for answer in self.columns.values()]
        if "correct" not in self._sketch.roles:
            rows.append(("Spelling", self.match, "where answers are compared with the right ones"))
        for at, (label, box, about) in enumerate(rows):
            name = QLabel(label)
            name.setTextFormat(Qt.TextFormat.PlainText)
            name.setBuddy(box)
            form.addWidget(name, at, 0)
            form.addWidget(box, at, 1)
            form.addWidget(Text(about, "caption"), at, 2)
        card.layout_.addLayout(form)
        return card

    def _sample(self, answer: Answer) -> str:
        some = ", ".join(clean(value, 24) for value in self._sketch.columns.get(str(answer.chosen), ()))
        guess = "guessed; " if answer.guessed else ""
        return f"{guess}{answer.about}" + (f", e.g. {some}" if some else "")

    def choice(self) -> tuple[list[Source], Choices]:
        """What the fields say now."""
        columns = dict(self._choices.columns)
        for role, answer in self.columns.items():
            if answer.chosen != self._sketch.roles.get(role) or role in columns:
                columns.pop(role, None)
                if answer.chosen is not None:
                    columns[role] = str(answer.chosen)
        only = dict(self._choices.only)
        if self.only is not None and self._sketch.values is not None:
            only[self._sketch.values[0]] = str(self.only.currentData())
        arms = self._ticked()
        asked = "arms" in self._needs or bool(self._choices.arm_columns)
        told = {text: box.currentData() for text, box in self.words.items()}
        known = {word.text: word.right for word in self._sketch.words}
        differs = told != known or bool(self._choices.right or self._choices.wrong)
        differs = differs and not self._scored
        score = self.threshold.score if self._scored else None
        return [
            Source(source.path, field.text().strip()) for source, field in zip(self.sources, self.arms, strict=True)
        ], Choices(
            columns=columns,
            arm_columns=arms if asked or arms != self._sketch.arm_columns else (),
            only=only,
            right=_those(told, True) if differs else self._choices.right,
            wrong=_those(told, False) if differs else self._choices.wrong,
            threshold=score,
            match=self.match.currentData(),
        )

    def _ticked(self) -> tuple[str, ...]:
        if self.arm_list is None:
            return self._choices.arm_columns
        entries = [self.arm_list.item(at) for at in range(self.arm_list.count())]
        ticked = [entry for entry in entries if entry.checkState() == Qt.CheckState.Checked]
        return tuple(str(entry.data(Qt.ItemDataRole.UserRole)) for entry in ticked)

    def _open_words(self, error: LabError | None) -> tuple[str, str, str]:
        """What is open or wrong: a sentence, a list line by line, and what to do about it."""
        if isinstance(error, Unclear):
            needs, said = error.needs, []
            if (
                self._sketch.form == "lm-eval" and self._names_files()
            ):  # a name for each file is all that is open of both
                needs, said = tuple(need for need in needs if need not in ("arm", "seed")), [NAMED]
            return " ".join((*said, *(NEEDED[need] for need in needs))), "", ""
        if error is None:
            return "", "", ""
        first, _, rest = error.message.partition("\n")
        return (first, rest, error.hint) if rest else (f"{first} {error.hint}".strip(), "", "")

    def _read(self) -> None:
        sources, choices = self.choice()
        self.accept()
        self.wanted.emit(sources, choices)


def suggested(path: Path) -> str:
    """What an arm may be called whose results are in this file: its folder's name for sample files, else its own."""
    own = path.name.split(".", 1)[0]
    return path.parent.name if own.startswith("samples_") and path.parent.name else own


def _those(told: Mapping[str, object], wanted: bool) -> tuple[str, ...]:
    return tuple(text for text, means in told.items() if means is wanted)


def _grid() -> QGridLayout:
    form = QGridLayout()
    form.setHorizontalSpacing(12)
    form.setVerticalSpacing(6)
    form.setColumnStretch(2, 1)
    return form


def _percents(sketch: Sketch) -> bool:
    """Whether the cells that say what is right are percents."""
    columns = sketch.arm_columns if sketch.form == "wide" else (sketch.roles.get("correct", ""),)
    cells = [cell for column in columns for cell in sketch.columns.get(column, ())]
    return any(cell.rstrip("\"'").endswith("%") for cell in cells)
