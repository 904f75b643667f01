"""How large a study is run, on which model and data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from engine.errors import LabError
from engine.spec import StudySpec
from gui.estimate import default_scale, detectable_tip, detectable_words, estimate_words
from gui.operations import Launch
from gui.text import count, tip
from gui.widgets.basics import Text, push_button
from jobs.records import Detectable, Snapshot

REST_MS = 150
"""What a study would find is asked for once the user has stopped turning the number of seeds."""
SCALE_WORDS = {"smoke": "Smoke test", "quick": "Quick", "full": "Full"}


def model_field(models: Sequence[str]) -> QComboBox:
    """Bundled models to choose from, or a folder to type."""
    field = QComboBox()
    field.setEditable(True)
    field.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    field.addItems(list(models))
    line = field.lineEdit()
    if line is not None:
        line.setPlaceholderText("the default bundled model")
    field.setToolTip("One of the lab's own models, or the folder of any causal language model.")
    return field


class OptionsDialog(QDialog):
    """Asks, and stays open until the study is queued, so that a mistyped folder loses nothing.

    Signals:
        wanted(Launch): The user pressed Run.
        sized(scale, seeds): Another scale or number of seeds is chosen, and has been for a moment;
            `show_detectable` says what the study would find then.

    Args:
        models: The bundled models, the default first. Any other is named by its folder.
    """

    wanted = Signal(object)
    sized = Signal(str, int)

    def __init__(
        self, study: StudySpec, snapshot: Snapshot | None, models: Sequence[str] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Options")
        self.setMinimumWidth(560)
        self._study, self._snapshot = study, snapshot
        self.scale, self.seeds = QComboBox(), QSpinBox()
        for name, sizes in study.scales.items():
            self.scale.addItem(f"{SCALE_WORDS.get(name, name)}: {sizes.steps} steps, {sizes.items} items a split", name)
        self.scale.setCurrentIndex(max(0, self.scale.findData(default_scale(study))))
        self.seeds.setRange(1, 1000)
        self.seeds.lineEdit().setTextMargins(7, 0, 0, 0)  # Qt passes no padding of the style on to the inner field
        self.model, self.data = model_field(models), QLineEdit()
        self.data.setPlaceholderText("the study's own data")
        self.finds = Text("", "muted", lines=2)
        self.is_over = False
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(REST_MS)
        self._resting.timeout.connect(lambda: self.sized.emit(*self._size()))
        self.plan, self.note = Text("", "muted", lines=2), Text("", "warn", lines=2)
        self.error = Text("", "bad", lines=6)
        self.error.hide()
        self.run = push_button("Run", self._run, primary=True, about=study.question)
        self.cancel = push_button("Cancel", self.reject)
        self._lay_out()
        self.scale.currentIndexChanged.connect(self._scaled)
        self.seeds.valueChanged.connect(self._describe)
        self._scaled()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setSpacing(10)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._row(form, "&Scale", self.scale)
        self._row(form, "S&eeds for each arm", self.seeds)
        choose = push_button("Choose…", self._choose_model, about="model folder")
        self._row(form, "&Model", self.model, choose)
        if self._study.accepts_data:
            self._row(form, "&Data file", self.data, push_button("Choose…", self._choose_data, about="data file"))
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
        column.addLayout(form)
        for widget in (self.plan, self.finds, self.note, self.error):
            column.addWidget(widget)
        column.addStretch(1)
        column.addLayout(buttons)

    def _row(self, form: QFormLayout, name: str, field: QWidget, button: QWidget | None = None) -> None:
        label = QLabel(name)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setBuddy(field)
        field.setAccessibleName(name.replace("&", ""))
        if button is None:
            form.addRow(label, field)
            return
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(field, 1)
        row.addWidget(button)
        form.addRow(label, row)

    def choice(self) -> Launch:
        """What the fields say now."""
        model, data = self.model.currentText().strip(), self.data.text().strip()
        return Launch(str(self.scale.currentData()), self.seeds.value(), model or None, Path(data) if data else None)

    def show_error(self, error: BaseException) -> bool:
        """Say why the study cannot be queued as asked for. False where it is a bug, or nobody looks any more."""
        if self.is_over:
            return False
        self.run.setEnabled(True)
        self.run.setText("Run")
        if not isinstance(error, LabError):
            return False
        self.error.setText(f"{error.message} {error.hint}".strip())
        self.error.show()
        return True

    def show_detectable(self, scale: str, seeds: int, found: Detectable | None) -> None:
        """Say what the study would find at that size, if it is still the one chosen."""
        if self.is_over or (scale, seeds) != self._size():
            return
        words = detectable_words(found)
        self.finds.setText(f"{words[:1].upper()}{words[1:]}, four times in five." if words else "")
        self.finds.setToolTip(tip(detectable_tip(found)))
        self.finds.setVisible(bool(words))

    def done(self, result: int) -> None:
        """Close, however it came about."""
        self.is_over = True
        self._resting.stop()
        super().done(result)

    def _size(self) -> tuple[str, int]:
        return str(self.scale.currentData()), self.seeds.value()

    def _run(self) -> None:
        self.error.hide()
        self.run.setEnabled(False)
        self.run.setText("Checking …")
        self.wanted.emit(self.choice())

    def _scaled(self) -> None:
        self.seeds.setValue(self._study.scales[self.scale.currentData()].seeds)
        self._describe()

    def _describe(self) -> None:
        sizes, seeds = self._study.scales[self.scale.currentData()], self.seeds.value()
        runs = sum(1 if arm.method == "base" else min(seeds, arm.seeds or seeds) for arm in self._study.arms)
        cost = estimate_words(self._study, self._snapshot, str(self.scale.currentData()), seeds)
        self.plan.setText(f"{count(len(self._study.arms), 'arm')}, {count(runs, 'run')}; {cost}.")
        self.note.setText(sizes.note)
        self.note.setVisible(bool(sizes.note))
        self._resting.start()

    def _choose_model(self) -> None:
        if path := QFileDialog.getExistingDirectory(self, "Model folder", self._model_folder()):
            self.model.setEditText(path)

    def _model_folder(self) -> str:
        """Where choosing a folder begins: the folder that is named, if it is not a bundled model."""
        named = self.model.currentText().strip()
        return "" if self.model.findText(named) >= 0 else named

    def _choose_data(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Data file", self.data.text(), "Examples (*.jsonl *.json);;All files (*)"
        )
        if path:
            self.data.setText(path)
