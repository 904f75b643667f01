"""A run at work, as the supervisor keeps it in mind."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from jobs.executors.local import Child
from jobs.queue import endings
from jobs.queue.endings import Intent


@dataclass
class Active:
    """A run at work.

    Attributes:
        kind: Runs of the same kind take about the same time and memory.
        memory_kills: How many processes the system had killed for memory when it began.
        offset: Up to where its stream has been read, in bytes.
        intent: What it was asked; `deadline`: time.monotonic() at which it is killed.
    """

    child: Child
    attempt: int
    kind: str
    began: float = field(default_factory=time.time)
    memory_kills: int = field(default_factory=endings.memory_kills)
    offset: int = 0
    intent: Intent = ""
    deadline: float | None = None
    code: int | None = None

    def ask_to_stop(self, intent: Intent, seconds: float) -> None:
        """Ask for a checkpoint and an end; it is killed where it takes longer. A cancelled run stays cancelled."""
        self.intent = intent if self.intent != "cancel" else "cancel"
        until = time.monotonic() + seconds
        self.deadline = until if self.deadline is None else min(self.deadline, until)
        self.child.ask_to_stop()
