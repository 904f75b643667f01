"""How large a study is run, on which model and data."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from engine.spec.errors import LabError
from engine.spec.runs import Detectable
from engine.spec.study import MOST_SEEDS, StudySpec
from engine.spec.understanding import Inspection
from gui.dialogs.arms import ArmsField
from gui.dialogs.fields import model_field, needed_arms, role_words, runs_words, sources_words
from gui.dialogs.understood import UnderstoodPanel
from gui.dialogs.until import UntilField
from gui.look.text import tip
from gui.operations import Launch, Outline, Size
from gui.shell.estimate import default_scale, detectable_tip, detectable_words, estimate_words
from gui.widgets.basics import Text, push_button
from jobs.store.records import Snapshot

REST_MS = 150
"""What a study would find is asked for once the user has stopped turning the number of seeds."""
NARROW, WIDE = 600, 1080
"""px, without what was understood and with it beside the form."""
LOOK_MS = 500
"""The model and the data are looked at once the user has stopped typing."""
GRADER_WORDS = {
    "": "as the form of the data asks",
    "strict": "strictly, as JSON values",
    "bfcl": "by the BFCL leaderboard’s rules",
}
SCALE_WORDS = {"smoke": "Smoke test", "quick": "Quick", "full": "Full"}


class OptionsDialog(QDialog):
    """Asks, and stays open until the study is queued, so that a mistyped folder loses nothing.

    Signals:
        wanted(Launch): The user pressed Run.
        sized(Size): Another scale or number of seeds is chosen, and has been for a moment; `show_detectable` says what
            the study would find then.
        looked(Launch, Event): A model or data of the user's own are named; `show_inspection` or `show_problem` says
            what the lab understood. The event is set where that is no longer wanted.

        find_wanted(role): The user wants to look for a model on the hub; `take_model` gives what was found. The role
            is that of a further model of the study, "" for the base model.

    Args:
        models: The bundled models, the default first. Any other is named by its folder.
        downloaded: Models that were downloaded from the hub.
        outline: What the study's plug-ins say of its arms.
    """

    wanted = Signal(object)
    find_wanted = Signal(str)
    sized = Signal(object)
    looked = Signal(object, object)

    def __init__(
        self, study: StudySpec, snapshot: Snapshot | None, models: Sequence[str] = (), parent: QWidget | None = None,
        downloaded: Sequence[str] = (), outline: Outline | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Options")
        self.setMinimumWidth(NARROW)
        self._study, self._snapshot, self._bundled = study, snapshot, frozenset(models)
        self._outline = outline or Outline()
        self.scale, self.seeds = QComboBox(), QSpinBox()
        for name, sizes in study.scales.items():
            self.scale.addItem(f"{SCALE_WORDS.get(name, name)}: {sizes.steps} steps, {sizes.items} items a split", name)
        self.scale.setCurrentIndex(max(0, self.scale.findData(default_scale(study))))
        self.seeds.setRange(1, MOST_SEEDS)
        self.seeds.lineEdit().setTextMargins(7, 0, 0, 0)  # Qt passes no padding of the style on to the inner field
        self.until = UntilField()
        self.model, self.data = model_field((*models, *downloaded), study.model), QLineEdit()
        self.others = {role: model_field((*models, *downloaded), usual) for role, usual in study.models.items()}
        self.arms = ArmsField(study, self._outline.needs, needed_arms(study, self._outline.roles))
        self.sources = Text(sources_words(study), "muted", lines=4)
        self.data.setPlaceholderText("the study's own data")
        self.skip, self.grader, self.batch = QCheckBox("Leave out rows that cannot be used"), QComboBox(), QSpinBox()
        for name, words in GRADER_WORDS.items():
            self.grader.addItem(words, name)
        self.grader.setToolTip("How a call that a model wrote is compared with the right one.")
        self.batch.setRange(1, 4096)
        self.batch.lineEdit().setTextMargins(7, 0, 0, 0)
        self.understood = UnderstoodPanel()
        self._cancel = threading.Event()
        self._asked: Launch | None = None
        self.finds = Text("", "muted", lines=2)
        self.is_over = False
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(REST_MS)
        self._resting.timeout.connect(lambda: self.sized.emit(self._size()))
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(LOOK_MS)
        self._typing.timeout.connect(self._look)
        self.plan, self.note = Text("", "muted", lines=3), Text("", "warn", lines=2)
        self.error = Text("", "bad", lines=6)
        self.error.hide()
        self.run = push_button("Run", self._run, primary=True, about=study.question)
        self.cancel = push_button("Cancel", self.reject)
        self._lay_out()
        self.scale.currentIndexChanged.connect(self._scaled)
        self.seeds.valueChanged.connect(self._reseeded)
        self.until.changed.connect(self._reseeded)
        for field in (self.model, *self.others.values()):
            field.editTextChanged.connect(self._changed)
        self.arms.changed.connect(self._changed)
        self.data.textChanged.connect(self._changed)
        self.skip.toggled.connect(self._changed)
        self.grader.currentIndexChanged.connect(self._changed)
        self.batch.valueChanged.connect(self._changed)
        self._scaled()

    def _lay_out(self) -> None:
        form = self._form = QFormLayout()
        form.setSpacing(10)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._row(form, "&Scale", self.scale)
        self._row(form, "S&eeds for each arm", self.seeds)
        self._row(form, "&Until settled", self.until)
        self.find_model = self._model_row(form, "&Model", self.model, "")
        for role, field in self.others.items():
            self._model_row(form, f"{role_words(role)[:1].upper()}{role_words(role)[1:]}", field, role)
        self._row(form, "&Arms", self.arms)
        self._row(form, "Study's data", self.sources)
        if self._study.accepts_data:
            self._row(form, "&Data file", self.data, push_button("Choose…", self._choose_data, about="data file"))
            self._row(form, "&Bad rows", self.skip)
            self._row(form, "Calls are &compared", self.grader)
        self._row(form, "Exam&ples of a step", self.batch)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.run)
        self.run.setDefault(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 20, 22, 18)
        column.setSpacing(14)
        column.addWidget(Text(self._study.question, pixels=15, bold=True, lines=3))
        left = QVBoxLayout()
        left.setSpacing(14)
        left.addLayout(form)
        for widget in (self.plan, self.finds, self.note, self.error):
            left.addWidget(widget)
        left.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(18)
        row.addLayout(left, 1)
        row.addWidget(self.understood, 1)
        column.addLayout(row)
        column.addLayout(buttons)

    def _row(self, form: QFormLayout, name: str, field: QWidget, *buttons: QWidget) -> None:
        label = QLabel(name)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setBuddy(field)
        field.setAccessibleName(name.replace("&", ""))
        if not buttons:
            form.addRow(label, field)
            return
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(field, 1)
        for button in buttons:
            row.addWidget(button)
        form.addRow(label, row)

    def _model_row(self, form: QFormLayout, name: str, field: QComboBox, role: str) -> QPushButton:
        """A row that chooses a model; gives its button for looking on the hub."""
        about = f"{role_words(role)} " if role else "model "
        choose = push_button("Choose…", partial(self._choose_model, field), about=f"{about}folder")
        find = push_button("Find…", partial(self.find_wanted.emit, role), about=f"{about}on the hub")
        self._row(form, name, field, choose, find)
        return find

    def choice(self) -> Launch:
        """What the fields say now."""
        model, data, scale = self.model.currentText().strip(), self.data.text().strip(), str(self.scale.currentData())
        usual = self._study.scales[self.scale.currentData()].batch_size
        return Launch(
            scale, None if self.until.is_on else self.seeds.value(),
            self.until.most.value() if self.until.is_on else None, model or None, Path(data) if data else None,
            grader=self.grader.currentData() if data else "", skip_bad_rows=bool(data) and self.skip.isChecked(),
            batch_size=self.batch.value() if self.batch.value() != usual else None,
            arms=self.arms.chosen(self._study.on_own_data() if data else self._study), models=self._others(),
        )  # fmt: skip

    def _others(self) -> tuple[tuple[str, str], ...]:
        """The further models that are not the study's own."""
        named = {role: field.currentText().strip() for role, field in self.others.items()}
        return tuple((role, name) for role, name in named.items() if name not in ("", self._study.models[role]))

    def take_model(self, name: str, role: str = "") -> None:
        """Put a model that was found on the hub into the field of its role."""
        if not self.is_over:
            field = self.others.get(role, self.model)
            if field.findText(name) < 0:
                field.addItem(name)
            field.setEditText(name)

    def show_error(self, error: BaseException) -> bool:
        """Say why the study cannot be queued as asked for. False where it is a bug, or nobody looks any more."""
        if self.is_over:
            return False
        self.run.setEnabled(True)
        self.run.setText("Run")
        if not isinstance(error, LabError):
            return False
        if self._is_own(self.choice()):
            self.understood.show_error(error)
        else:
            self.error.setText(f"{error.message} {error.hint}".strip())
            self.error.show()
        return True

    def show_inspection(self, choice: Launch, found: Inspection | None) -> None:
        """Show what was understood of a choice, if it is still the one that stands in the fields."""
        if self.is_over or choice != self._asked:
            return
        if found is None:
            self.understood.clear()
        else:
            self.understood.show_inspection(found)
            self._fit()
        self.run.setEnabled(True)
        if self.choice() != choice:  # the number of seeds, which is not waited for, was changed meanwhile
            self._changed()

    def show_problem(self, choice: Launch, error: BaseException) -> bool:
        """Say why a choice cannot be used. False where it is a bug; True too where nobody waits for it any more."""
        if self.is_over or choice != self._asked:
            return True
        if not isinstance(error, LabError):
            self.understood.clear()
            self.run.setEnabled(True)
            return False
        self.understood.show_error(error)
        self._fit()
        return True

    def _fit(self, width: int = 0) -> None:
        """Be as large as what stands in the dialog needs, and on the screen.

        A layout whose lines wrap does not ask for its height by itself, and a dialog that grows does so to the right.

        Args:
            width: px; 0: as wide as it is, and no less high.
        """
        if (layout := self.layout()) is not None:
            layout.activate()
            height = 0 if width else self.height()
            width = width or max(self.width(), self.minimumWidth())
            self.resize(width, max(height, layout.totalHeightForWidth(width)))
        room = self.screen().availableGeometry()
        at = self.frameGeometry()
        left = max(room.left(), min(at.left(), room.right() - at.width()))
        self.move(left, max(room.top(), min(at.top(), room.bottom() - at.height())))

    def show_detectable(self, size: Size, found: Detectable | None) -> None:
        """Say what the study would find at that size, if it is still the one chosen."""
        if self.is_over or size != self._size():
            return
        words, by = detectable_words(found), ", by its last look at the latest" if size.looks else ""
        self.finds.setText(f"{words[:1].upper()}{words[1:]}, four times in five{by}." if words else "")
        self.finds.setToolTip(tip(detectable_tip(found, size)))
        self.finds.setVisible(bool(words))
        if self.isVisible():
            self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter in a field takes what was typed there and goes on to the next one; it starts nothing."""
        entered = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if entered and isinstance(self.focusWidget(), QLineEdit | QComboBox | QSpinBox):
            self.focusNextChild()
        else:
            super().keyPressEvent(event)

    def done(self, result: int) -> None:
        """Close, however it came about."""
        self.is_over = True
        self._resting.stop()
        self._typing.stop()
        self._cancel.set()
        super().done(result)

    def _size(self) -> Size:
        looks = self.until.looks
        return Size(self.scale.currentData(), looks[-1] if looks else self.seeds.value(), looks)

    def _run(self) -> None:
        self.error.hide()
        self.run.setEnabled(False)
        self.run.setText("Checking …")
        self.wanted.emit(self.choice())

    def _scaled(self) -> None:
        sizes = self._study.scales[self.scale.currentData()]
        self.seeds.setValue(sizes.seeds)
        self.until.offer(self.scale.currentData(), sizes)
        self.batch.setValue(sizes.batch_size)
        self._describe()
        self._changed()

    def _is_own(self, choice: Launch) -> bool:
        """Whether a model or the data are the user's, so that they are looked at first."""
        named = [choice.model, *(name for _, name in choice.models)]
        return choice.data is not None or any(name is not None and name not in self._bundled for name in named)

    def _changed(self) -> None:
        """Something that is looked at has changed: what was understood of it before holds no longer."""
        self._cancel.set()
        self._asked = None
        self.error.hide()
        choice = self.choice()
        self._form.setRowVisible(self.sources, choice.data is None)
        self.arms.offer(self._study.on_own_data() if choice.data else self._study)
        if self._study.accepts_data:
            for field in (self.skip, self.grader):
                self._form.setRowVisible(field, choice.data is not None)
        own = self._is_own(choice)
        self._describe()
        if own:
            self.understood.show_looking()
            self._typing.start()
        else:
            self._typing.stop()
            self.understood.clear()
        self.run.setEnabled(not own)  # until there is something to be read beside it
        self.setMinimumWidth(WIDE if own else NARROW)
        if own:
            self._fit()
        else:
            self._fit(NARROW)

    def _reseeded(self) -> None:
        self.seeds.setEnabled(not self.until.is_on)
        self._describe()
        if self.understood.inspection is not None:
            self._changed()

    def _look(self) -> None:
        self._cancel = threading.Event()
        self._asked = self.choice()
        self.looked.emit(self._asked, self._cancel)

    def _describe(self) -> None:
        sizes, size = self._study.scales[self.scale.currentData()], self._size()
        choice = self.choice()
        study = self._study.on_own_data() if choice.data else self._study
        arms = [arm for arm in study.arms if choice.arms is None or arm.name in choice.arms]
        plan = runs_words(arms, self._outline.once, size)
        # What other models, other data or a part of the arms took says nothing of these.
        if not self._is_own(choice) and choice.arms is None and not choice.models:
            plan += f"; {estimate_words(self._study, self._snapshot, size)}"
        self.plan.setText(f"{plan[:1].upper()}{plan[1:]}.")
        self.note.setText(sizes.note)
        self.note.setVisible(bool(sizes.note))
        if self.isVisible():
            self._fit()
        self._resting.start()

    def _choose_model(self, field: QComboBox) -> None:
        named = field.currentText().strip()
        begin = "" if field.findText(named) >= 0 else named  # the folder that is named, if it is no bundled model
        if path := QFileDialog.getExistingDirectory(self, "Model folder", begin):
            field.setEditText(path)

    def _choose_data(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Data file", self.data.text(), "Examples (*.jsonl *.json *.parquet *.gz);;All files (*)"
        )
        if path:
            self.data.setText(path)
