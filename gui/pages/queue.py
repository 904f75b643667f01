"""The queue: every run with its state in words, how far it is, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QVBoxLayout

from engine.spec.runs import RunRecord
from gui import operations
from gui.dialogs.error import TextDialog
from gui.look.text import clean, count
from gui.pages.page import Context, Page, is_active
from gui.tables.runs import Row, RunsModel, in_order
from gui.tables.view import ProgressDelegate, Table
from gui.widgets.basics import SCROLL_ROOM, Card, Text, push_button
from jobs.report.content.sequential import standing
from jobs.store.records import Snapshot

COLUMNS = ("arm", "study", "state", "progress", "left")
ENDED = ("failed", "cancelled", "interrupted", "paused")


class QueuePage(Page):
    """Lists the runs; cancels, retries and moves them; pauses the queue; shows their logs."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, "Queue")
        self.model = RunsModel(COLUMNS, context.theme)
        self.table = Table(self.model, "Runs", stretch=2, widths={0: 210, 1: 240, 3: 210, 4: 100})
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.setItemDelegateForColumn(3, ProgressDelegate(context.theme, self.table))
        self.pause = push_button("Pause queue", self._pause)
        self.cancel = push_button("Cancel", self._cancel, small=True, about="selected runs")
        self.retry = push_button("Retry", self._retry, small=True, about="selected runs")
        self.next = push_button("Run next", self._next, small=True, about="selected run")
        self.log = push_button("Open log", self._log, small=True, about="selected run")
        self.selected = Text("", "caption")
        self.standing = Text("", "muted", lines=4)
        self.standing.hide()
        self.tools.addWidget(self.pause)
        card = Card()
        bar = QHBoxLayout()
        bar.setSpacing(8)
        bar.addWidget(self.selected, 1)
        for button in (self.next, self.cancel, self.retry, self.log):
            bar.addWidget(button)
        card.layout_.setSpacing(10)
        card.layout_.addWidget(self.standing)
        card.layout_.addLayout(bar)
        card.layout_.addWidget(self.table, 1)
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, SCROLL_ROOM, 0)
        column.addWidget(card, 1)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._enable())
        self.table.doubleClicked.connect(lambda *_: self._log())
        self._shortcut(Qt.Key.Key_Delete, self._cancel)
        self._shortcut(Qt.Key.Key_Return, self._log)
        context.session.snapshot_changed.connect(self._changed)
        context.theme.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Draw the newest snapshot."""
        snapshot = self.context.session.snapshot
        if snapshot is None or not snapshot.runs:
            self.show_empty("Nothing is queued.", "Choose a question", lambda: self.context.go("questions"))
            self.pause.setEnabled(snapshot is not None)
        else:
            self.show_body()
            self.pause.setEnabled(True)
            self.model.show_rows(self._rows(snapshot))
            self.table.setColumnHidden(COLUMNS.index("study"), len({t.question for t in snapshot.trials}) < 2)
        words = self._standing(snapshot)
        self.standing.setText(words)
        self.standing.setVisible(bool(words))
        self.pause.setText("Resume queue" if snapshot is not None and snapshot.paused else "Pause queue")
        self.pause.setAccessibleName(self.pause.text())
        self.subtitle.setText(self._sentence(snapshot))
        self._enable()

    def _rows(self, snapshot: Snapshot) -> list[Row]:
        trials = {t.id: t for t in snapshot.trials}
        styles = {t.id: self.context.styles(t) for t in snapshot.trials}
        labels = {t.id: dict(t.arms) for t in snapshot.trials}
        rows = []
        for run in in_order(snapshot.runs):
            trial = next((t for t in run.trials if t in trials and run.arm in styles[t]), None)
            if trial is not None:
                rows.append(Row(run, labels[trial][run.arm], trials[trial].question, styles[trial][run.arm]))
        return rows

    def _sentence(self, snapshot: Snapshot | None) -> str:
        if snapshot is None:
            return "Opening the lab …"
        queued = sum(r.state == "queued" for r in snapshot.runs)
        words = [f"{snapshot.running} running on {count(snapshot.slots, 'slot')}", f"{queued} queued"]
        stuck = sum(r.state in ("failed", "interrupted") for r in snapshot.runs)
        words += [f"{stuck} to look at"] if stuck else []
        if snapshot.reason:
            words.append(snapshot.reason)
        elif snapshot.paused:
            words.append("paused: what runs goes on, nothing else starts")
        return " · ".join(words)

    def _standing(self, snapshot: Snapshot | None) -> str:
        """How the trials stand that go on until they are settled and have not ended, by their study's name."""
        trials = snapshot.trials if snapshot is not None else ()
        going = [trial for trial in trials if trial.looks and is_active(self.context.session, trial)]
        return " ".join(f"{clean(trial.study, 40)} · {standing(trial)}." for trial in going)

    def _changed(self, snapshot: Snapshot) -> None:
        if self.isVisible():
            self.refresh()

    def _chosen(self) -> list[RunRecord]:
        return [self.model.run(i.row()) for i in self.table.selectionModel().selectedRows()]

    def _enable(self) -> None:
        chosen = self._chosen() if not self.is_empty else []
        can = {
            self.cancel: any(r.state in ("queued", "running", "interrupted", "paused") for r in chosen),
            self.retry: any(r.state in ENDED for r in chosen),
            self.next: len(chosen) == 1 and chosen[0].state == "queued" and (chosen[0].position or 0) > 1,
            self.log: len(chosen) == 1,
        }
        for button, enabled in can.items():
            button.setEnabled(enabled)
        self.selected.setText(f"{count(len(chosen), 'run')} selected" if chosen else "Select a run to act on it")

    def _shortcut(self, key: Qt.Key, action: Callable[[], object]) -> None:
        made = QShortcut(QKeySequence(key), self.table)
        made.setContext(Qt.ShortcutContext.WidgetShortcut)
        made.activated.connect(action)

    def _each(self, operation: Callable[..., object], states: tuple[str, ...]) -> None:
        for run in self._chosen():
            if run.state in states:
                self.context.session.run(operation, run.run)

    def _cancel(self) -> None:
        self._each(operations.cancel_run, ("queued", "running", "interrupted", "paused"))

    def _retry(self) -> None:
        self._each(operations.retry_run, ENDED)

    def _next(self) -> None:
        self._each(operations.first_run, ("queued",))

    def _pause(self) -> None:
        snapshot = self.context.session.snapshot
        paused = snapshot is not None and snapshot.paused
        self.context.session.run(operations.resume_queue if paused else operations.pause_queue)

    def _log(self) -> None:
        chosen = self.table.selectionModel().selectedRows()
        if len(chosen) == 1:
            run, label = self.model.run(chosen[0].row()), self.model.label(chosen[0].row())
            self.context.session.run(operations.read_log, run.run, done=lambda text: self._show_log(run, label, text))

    def _show_log(self, run: RunRecord, label: str, text: str) -> None:
        why = f"{run.state}: {run.reason} {run.hint}".strip() if run.reason else run.state
        TextDialog(f"Log of {label}, seed {run.seed}", why, text or "(empty)", self.window(), end=True).open()
