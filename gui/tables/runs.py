"""The runs as a table: which, what they do, how far they are, how long they take still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QPointF, Qt
from PySide6.QtGui import QBrush, QColor, QIcon, QPainter, QPixmap

from engine.spec.runs import RunRecord
from gui.look.text import clean, number, seconds, seconds_range, tip
from gui.look.theme import ArmStyle, Theme
from gui.widgets.marks import draw_marker

Index = QModelIndex | QPersistentModelIndex
RUN = Qt.ItemDataRole.UserRole
FRACTION = Qt.ItemDataRole.UserRole + 1
COLOUR = Qt.ItemDataRole.UserRole + 2
HEADERS = {
    "study": "study", "arm": "arm · seed", "state": "state", "progress": "progress", "step": "step",
    "loss": "loss", "left": "left",
}  # fmt: skip
RIGHT = ("step", "loss", "left")
ORDER = {"running": 0, "queued": 1, "interrupted": 2, "paused": 3, "failed": 4, "cancelled": 5, "succeeded": 6}


@dataclass(frozen=True)
class Row:
    """A run with the words and marks that the table needs beside it."""

    run: RunRecord
    label: str
    study: str
    style: ArmStyle


def in_order(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """What runs first, then what waits, then what needs the user, then what is done, the newest first."""
    return sorted(runs, key=lambda r: (ORDER[r.state], r.position or 0, -(r.finished or 0.0), r.created, r.seed))


def state_words(run: RunRecord) -> str:
    """The state with its reason, e.g. "queued, 3rd", "failed: the loss became infinite"."""
    if not run.reason:
        return run.state
    if run.reason.lower().startswith(run.state) or run.state == "running":
        return run.reason
    return f"{run.state}: {run.reason}"


def left_words(run: RunRecord) -> str:
    """What a run takes still, as a range; what it took, where it is done; "" where nothing is known."""
    if run.state == "succeeded" and run.seconds is not None:
        return f"took {seconds(run.seconds)}"
    return seconds_range(*run.eta_seconds) if run.eta_seconds and run.state in ("running", "queued") else ""


def fraction(run: RunRecord) -> float:
    """How much of the run's steps is done, 0..1."""
    if run.state == "succeeded":
        return 1.0
    return min(1.0, run.step / run.total_steps) if run.total_steps else 0.0


class RunsModel(QAbstractTableModel):
    """Runs as rows. Columns are those of HEADERS that were asked for."""

    def __init__(self, columns: Sequence[str], theme: Theme) -> None:
        super().__init__()
        self._columns, self._theme = tuple(columns), theme
        self._rows: list[Row] = []
        self._icons: dict[ArmStyle, QIcon] = {}

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows; only what differs is told to the views, and the selection stays on its runs."""
        old, new = [r.run.run for r in self._rows], [r.run.run for r in rows]
        if old == new:
            changed = [i for i, (a, b) in enumerate(zip(self._rows, rows, strict=True)) if a != b]
            self._rows = list(rows)
            for i in changed:
                self.dataChanged.emit(self.index(i, 0), self.index(i, len(self._columns) - 1))
        elif sorted(old) == sorted(new):
            self.layoutAboutToBeChanged.emit()
            at = {run: i for i, run in enumerate(new)}
            kept = self.persistentIndexList()
            moved = [self.index(at[old[index.row()]], index.column()) for index in kept]
            self._rows = list(rows)
            self.changePersistentIndexList(kept, moved)
            self.layoutChanged.emit()
        else:
            self.beginResetModel()
            self._rows = list(rows)
            self.endResetModel()

    def run(self, row: int) -> RunRecord:
        """The run in that row."""
        return self._rows[row].run

    def label(self, row: int) -> str:
        """What people read for the arm of the run in that row."""
        return self._rows[row].label

    def rowCount(self, parent: Index | None = None) -> int:
        """How many runs."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index | None = None) -> int:
        """How many columns."""
        return 0 if parent is not None and parent.isValid() else len(self._columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The columns' names."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADERS[self._columns[section]]
        return self._alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a view shows of a cell."""
        row, column = self._rows[index.row()], self._columns[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(index.column())
        if role == Qt.ItemDataRole.DecorationRole and column == "arm":
            return self._icon(row.style)
        if role == Qt.ItemDataRole.ToolTipRole:
            words = [row.study, f"{row.label}, seed {row.run.seed}", state_words(row.run), row.run.hint]
            return tip("\n".join(w for w in words if w)) if column != "progress" else None
        if role == Qt.ItemDataRole.ForegroundRole and column in ("state", "step"):
            return QBrush(QColor(self._theme.tokens.bad)) if row.run.state == "failed" else None
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{HEADERS[column]}: {self._words(row, column)}"
        return (
            {RUN: row.run, FRACTION: fraction(row.run), COLOUR: row.style.colour}.get(Qt.ItemDataRole(role))
            if role >= RUN
            else None
        )

    def _alignment(self, column: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignRight if self._columns[column] in RIGHT else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter

    def _words(self, row: Row, column: str) -> str:
        run = row.run
        if column == "arm":
            return f"{clean(row.label, 120)} · {run.seed}"
        if column == "study":
            return clean(row.study, 200)
        if column == "state":
            return clean(state_words(run), 300)
        if column == "loss":
            return number(run.loss, 2) if run.loss is not None else ""
        if column == "left":
            return left_words(run)
        if column == "step" and run.state in ("queued", "failed", "cancelled", "interrupted", "paused"):
            return clean(run.reason, 60) if run.state == "queued" and run.reason else run.state
        return (
            f"{run.step} / {run.total_steps}" if run.total_steps else ("measured" if run.state == "succeeded" else "–")
        )

    def _icon(self, style: ArmStyle) -> QIcon:
        if style not in self._icons:
            made = QPixmap(32, 32)
            made.setDevicePixelRatio(2)
            made.fill(Qt.GlobalColor.transparent)
            painter = QPainter(made)
            draw_marker(painter, style, QPointF(8, 8), 9)
            painter.end()
            self._icons[style] = QIcon(made)
        return self._icons[style]
