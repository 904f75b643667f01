"""While nothing is to be done, what the next study may need is prepared: its model and data are loaded already."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.spec.run import RunSpec
from jobs.executors.local import Launcher

REST = 2.0  # seconds without work before the next study is foreseen: a click that follows at once must not wait for it


class Foresight:
    """Foresees once after each run that was the last one to start.

    Args:
        likely: Runs that may come after a run.
    """

    def __init__(self, launcher: Launcher, likely: Callable[[RunSpec], list[RunSpec]]) -> None:
        self._launcher, self._likely = launcher, likely
        self._last: RunSpec | None = None  # the run that was started last, until its successors are foreseen
        self._since: float | None = None  # since when nothing is to be done (time.monotonic)

    def started(self, run: RunSpec) -> None:
        """A run was started: there is something to be done again."""
        self._last, self._since = run, None

    def rest(self) -> None:
        """Nothing is at work and nothing waits: once that has lasted, have prepared what may be asked for next."""
        if self._last is None or not self._launcher.shares or not self._launcher.warm():
            return
        self._since = self._since or time.monotonic()
        if time.monotonic() - self._since < REST:
            return
        last, self._last = self._last, None
        for spec in self._likely(last):
            if not any(need.weights for need in (*spec.tune.needs.values(), *spec.needs.values())):
                self._launcher.ready(spec)
