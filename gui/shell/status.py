"""The strip at the window's foot: what runs, how long still, what it takes."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout

from gui.look.text import count, gigabytes, seconds_range
from gui.widgets.basics import Text
from jobs.store.records import Snapshot

HEIGHT = 24


class StatusStrip(QFrame):
    """One line, always true."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("strip")
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName("Status")
        self.running, self.queued, self.left = (
            Text("Opening the lab …", "caption"),
            Text("", "caption"),
            Text("", "caption"),
        )
        self.slots, self.memory = Text("", "caption"), Text("", "caption")
        self.offline = Text("offline", "caption")
        self.offline.setToolTip("Nothing is sent or fetched, unless you look for a model on the Hugging Face hub.")
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 0, 14, 0)
        row.setSpacing(18)
        for widget in (self.running, self.queued, self.left):
            row.addWidget(widget)
        row.addStretch(1)
        for widget in (self.slots, self.memory, self.offline):
            row.addWidget(widget)
        self._silent = False

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show what a snapshot says."""
        if self._silent:
            return
        queued = sum(r.state == "queued" for r in snapshot.runs)
        self.running.setText(f"{snapshot.running} running" if snapshot.running or queued else "Nothing is running")
        self.running.set_role("text" if snapshot.running else "muted")
        paused = " (paused)" if snapshot.paused else ""
        self.queued.setText(f"{queued} queued{paused}" if queued else paused.strip())
        etas = [t.eta_seconds for t in snapshot.trials if t.eta_seconds]
        # Of a trial that goes on until it is settled, more runs may be queued later.
        of = " of what is queued" if any(t.looks and t.eta_seconds for t in snapshot.trials) else ""
        self.left.setText(
            f"about {seconds_range(max(e[0] for e in etas), max(e[1] for e in etas))} left{of}"
            if etas
            else snapshot.reason
        )
        self.slots.setText(f"{snapshot.running} of {count(snapshot.slots, 'slot')}")
        self.memory.setText(f"memory {gigabytes(snapshot.memory_used, snapshot.memory_total)}")

    def say(self, words: str) -> None:
        """Say this until the window closes."""
        self._silent = True
        self.running.setText(words)
        for widget in (self.queued, self.left):
            widget.setText("")
