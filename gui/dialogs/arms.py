"""Which arms of a study are run: those whose weights another needs are ticked with it, and it is said why."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from engine.spec.study import StudySpec
from gui.look.text import button, clean, tip
from gui.widgets.basics import Text
from gui.widgets.flow import Flow


class ArmsField(QWidget):
    """A box for each arm, all ticked at first.

    Signals:
        changed(): Other arms are chosen.

    Args:
        needs: Arm -> the other arms whose weights it needs.
        needed: Arm -> what cannot be said without it, e.g. "the primary result".
    """

    changed = Signal()

    def __init__(self, study: StudySpec, needs: Mapping[str, tuple[str, ...]], needed: Mapping[str, str]) -> None:
        super().__init__()
        self._labels = {arm.name: arm.label for arm in study.arms}
        self._needs, self._needed = needs, needed
        self.boxes: dict[str, QCheckBox] = {}
        self.note, self.warning = Text("", "caption", lines=3), Text("", "warn", pixels=12, lines=3)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 3, 0, 0)
        rows.setSpacing(4)
        boxes = Flow(across=16, down=6)
        for arm in study.arms:
            box = self.boxes[arm.name] = QCheckBox(button(arm.label))
            box.setChecked(True)
            box.setAccessibleName(f"Run the arm {clean(arm.label)}")
            box.setToolTip(tip(f"{arm.label}: {arm.method}{' (control)' if arm.role == 'control' else ''}"))
            box.toggled.connect(lambda on, name=arm.name: self._toggled(name, on))
            boxes.addWidget(box)
        rows.addLayout(boxes)
        rows.addWidget(self.note)
        rows.addWidget(self.warning)
        self._tell("")

    def chosen(self, study: StudySpec) -> tuple[str, ...] | None:
        """The arms of the study that are ticked, in its order; None where all of them are."""
        found = tuple(arm.name for arm in study.arms if self.boxes[arm.name].isChecked())
        return None if len(found) == len(study.arms) else found

    def offer(self, study: StudySpec) -> None:
        """Show only the boxes of this study's arms: on data of one's own there are no controls."""
        names = {arm.name for arm in study.arms}
        for name, box in self.boxes.items():
            box.setVisible(name in names)

    def _toggled(self, name: str, on: bool) -> None:
        label = self._labels[name]
        if on:
            others = [other for other in self._needs.get(name, ()) if not self.boxes[other].isChecked()]
            why = f"“{label}” needs the weights of {self._listed(others)}, so that is run too."
        else:
            others = [arm for arm, needs in self._needs.items() if name in needs and self.boxes[arm].isChecked()]
            why = f"Without “{label}” there are no weights for {self._listed(others)}, so that is not run either."
        for other in others:
            self.boxes[other].blockSignals(True)
            self.boxes[other].setChecked(on)
            self.boxes[other].blockSignals(False)
        self._tell(why if others else "")
        self.changed.emit()

    def _tell(self, why: str) -> None:
        gone: dict[str, list[str]] = {}
        for name, what in self._needed.items():
            if not self.boxes[name].isChecked():
                gone.setdefault(what, []).append(name)
        lost = [f"Without {self._listed(arms)} there is no {what}." for what, arms in gone.items()]
        for text, words in ((self.note, why), (self.warning, " ".join(lost))):
            text.setText(words)
            text.setVisible(bool(words))

    def _listed(self, names: list[str]) -> str:
        return " and ".join(f"“{clean(self._labels[name], 60)}”" for name in names)
