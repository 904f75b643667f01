"""The window's only way to the lab. Nothing here waits for a disk, a database or a lock on the window's thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from PySide6.QtCore import QObject, Signal, Slot

from engine.spec.errors import LabError
from engine.spec.plugins.discovery import Broken
from engine.spec.result import Result
from engine.spec.runs import RunRecord
from engine.spec.study import StudySpec
from engine.stats.metric import Metric
from gui import operations
from gui.operations import LabLike, Outline
from jobs.store.records import Snapshot, TrialRecord

if TYPE_CHECKING:
    from jobs.elsewhere.kept import Kept

BUSY, IDLE = 0.1, 0.5  # seconds between looks while runs are running or queued, and otherwise
MEMORY_STEP = 20_000_000  # bytes; smaller changes of memory in use are not worth a redraw
CLOSE_TIMEOUT = 30.0  # seconds the children have to write their checkpoints
log = logging.getLogger("tuning_fork.window")


class Opened(NamedTuple):
    """What opening the lab finds."""

    lab: LabLike
    studies: list[StudySpec]
    outlines: dict[str, Outline]
    broken: tuple[Broken, ...]
    metrics: dict[str, Metric]
    models: tuple[str, ...]
    tables: dict[str, Kept]
    downloaded: tuple[str, ...]


class Session(QObject):
    """Holds the lab, polls it on a thread and carries out what the user asks for on others.

    Signals (all arrive on the window's thread):
        opened: The lab is open; `studies`, `outlines`, `broken`, `metrics`, `models`, `tables`, `downloaded` are set.
        open_failed(error): It could not be opened; `open()` may be called again.
        snapshot_changed(Snapshot): Something in the queue is different.
        runs_named(trial, runs): The watched trial's runs, with its own arms' names, where it shares runs with others.
        curves_changed(trial, points, fresh): New points of the watched trial; `fresh`: all of them, from the first.
        result_ready(trial, Result): A trial was analysed, or a table from elsewhere judged.
        chosen(trial): Another trial is looked at ("" for none).
        failed(error): A user's action, or the polling, failed.
        closed: The lab is closed and no thread is left.
    """

    opened = Signal()
    open_failed = Signal(object)
    snapshot_changed = Signal(object)
    runs_named = Signal(str, object)
    curves_changed = Signal(str, object, bool)
    result_ready = Signal(str, object)
    chosen = Signal(str)
    failed = Signal(object)
    closed = Signal()
    _delivered = Signal(object, object)

    def __init__(
        self,
        home: Path | None = None,
        opener: Callable[[Path | None], LabLike] = operations.open_lab,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.home = home
        self.studies: Mapping[str, StudySpec] = {}
        self.outlines: Mapping[str, Outline] = {}
        self.broken: tuple[Broken, ...] = ()
        self.metrics: Mapping[str, Metric] = {}
        self.models: tuple[str, ...] = ()
        self.downloaded: tuple[str, ...] = ()
        self.snapshot: Snapshot | None = None
        self.results: dict[str, Result] = {}
        self.tables: dict[str, Kept] = {}
        self.trial = ""
        self._opener = opener
        self._lab: LabLike | None = None
        self._held: LabLike | None = None  # opened, though the window may not know of it yet
        self._analysed: dict[str, tuple[int, int, float | None]] = {}
        self.unread: dict[str, BaseException] = {}  # why trials have no result; chosen again, they are tried again
        self._watched: str | None = None
        self._stop, self._wake = threading.Event(), threading.Event()
        self._reader: threading.Thread | None = None
        self._actions = ThreadPoolExecutor(3, thread_name_prefix="action")
        self._analyses = ThreadPoolExecutor(1, thread_name_prefix="analysis")
        self._closing = False
        self._named: tuple[str, tuple[RunRecord, ...]] = ("", ())
        self._delivered.connect(self._deliver)
        self.runs_named.connect(self._keep_named)
        self.snapshot_changed.connect(self._keep)  # the first to hear: pages then read `snapshot`

    @property
    def is_open(self) -> bool:
        """Whether the lab can be asked for something."""
        return self._lab is not None and not self._closing

    @property
    def is_closing(self) -> bool:
        """Whether `close()` was called."""
        return self._closing

    def open(self) -> None:
        """Open the lab in the background; `opened` or `open_failed` follows."""
        self._submit(self._actions, self._open, (), self._opened, self.open_failed.emit)

    def run(
        self,
        operation: Callable[..., Any],
        *arguments: Any,
        done: Callable[[Any], object] | None = None,
        failed: Callable[[BaseException], object] | None = None,
    ) -> None:
        """Carry out `operation(lab, *arguments)` off the window's thread.

        Args:
            operation: Usually one of `gui.operations`.
            done: Called on the window's thread with what it gave.
            failed: Called there with its exception; without it the `failed` signal carries it.
        """
        if self._lab is None:
            (failed or self.failed.emit)(LabError("The lab is not open yet.", "Wait a moment and try again."))
            return
        self._submit(self._actions, operation, (self._lab, *arguments), self._after(done), failed or self.failed.emit)

    def choose(self, trial: str) -> None:
        """Look at another trial on the live and verdict pages."""
        if trial != self.trial:
            self.trial = trial
            self.forget_failure(trial)
            self.chosen.emit(trial)

    def forget_failure(self, trial: str) -> None:
        """Let a trial be analysed again where that failed."""
        if self.unread.pop(trial, None) is not None:
            self._analysed.pop(trial, None)

    def show_table(self, table: Kept) -> None:
        """Look at a table from elsewhere that was judged just now."""
        name = table.result.study.trial
        self.tables[name] = table
        self.choose(name)
        self.result_ready.emit(name, table.result)

    def watch(self, trial: str | None) -> None:
        """Read this trial's curves from their beginning and then what is new; None: read none."""
        self._watched = trial or None
        self._wake.set()

    def record(self, trial: str) -> TrialRecord | None:
        """What the newest snapshot says of a trial."""
        return next((t for t in self.snapshot.trials if t.id == trial), None) if self.snapshot else None

    def runs(self, trial: TrialRecord) -> list[RunRecord]:
        """A trial's runs in the newest snapshot, under its own arms' names.

        The snapshot names a shared run as its first trial does. Other names are known only of the watched trial: of
        any other, runs that an earlier trial queued first are left out.
        """
        found = {run.run: run for run in self.snapshot.runs if trial.id in run.trials} if self.snapshot else {}
        if self._named[0] != trial.id:
            return [run for run in found.values() if run.trials[0] == trial.id]
        names = [(run.run, {"arm": run.arm, "seed": run.seed}) for run in self._named[1] if run.run in found]
        return [found[run].model_copy(update=name) for run, name in names]

    def want_result(self, trial: str) -> None:
        """Analyse a trial unless that was done since its runs last changed; `result_ready` follows if it is new."""
        record = self.record(trial)
        if record is None or self._lab is None:
            return
        mark = (record.done, record.failed, record.finished)
        if self._analysed.get(trial) == mark:
            return
        self._analysed[trial] = mark
        self._submit(
            self._analyses, operations.load_result, (self._lab, trial),
            lambda result: self._result(trial, result), lambda error: self._no_result(trial, error),
        )  # fmt: skip

    def close(self, timeout: float = CLOSE_TIMEOUT) -> None:
        """Stop the runs at a checkpoint and every thread; `closed` follows. Calling it again does nothing."""
        if self._closing:
            return
        self._closing = True
        self._stop.set()
        self._wake.set()
        threading.Thread(target=self._close, args=(timeout,), name="close").start()

    # On other threads from here on.

    def _open(self) -> Opened:
        lab = self._held = self._opener(self.home)
        try:
            studies = sorted(lab.studies(), key=lambda s: (s.order, s.id))
            outlines = {study.id: operations.outline(study) for study in studies}
            return Opened(lab, studies, outlines, tuple(lab.broken()), operations.metrics(), operations.models(),
                          operations.kept_tables(lab), operations.downloaded_models(lab))  # fmt: skip
        except BaseException:
            self._held = None
            operations.close_lab(lab, 0)
            raise

    def _poll(self, lab: LabLike) -> None:
        """Look at the lab until told to stop, and emit what changed."""
        last: Snapshot | None = None
        watched, cursor, complaint = None, 0, ""
        named: tuple[str, tuple[RunRecord, ...]] | None = None
        while not self._stop.is_set():
            pause = IDLE
            try:
                snapshot = _steady(lab.snapshot(), last)
                if snapshot != last:
                    last = snapshot
                    self.snapshot_changed.emit(snapshot)
                busy = any(r.state in ("running", "queued") for r in snapshot.runs)
                pause = BUSY if busy or any(t.at_a_look for t in snapshot.trials) else IDLE
                wanted = self._watched
                fresh = wanted != watched
                watched, cursor = wanted, 0 if fresh else cursor
                if watched and any(t.id == watched for t in snapshot.trials):
                    if any(watched in r.trials and len(r.trials) > 1 for r in snapshot.runs):
                        found = (watched, lab.snapshot(watched).runs)
                        if found != named:
                            named = found
                            self.runs_named.emit(*found)
                    curves = lab.curves(watched, cursor)
                    cursor = curves.cursor
                    if curves.points or fresh:
                        self.curves_changed.emit(watched, curves.points, fresh)
                else:
                    watched = None
                complaint = ""
            except LabError as error:  # said once, not ten times a second; the next look may succeed
                if str(error) != complaint and not self._stop.is_set():
                    complaint = str(error)
                    self.failed.emit(error)
                pause = IDLE
            except Exception as error:
                if not self._stop.is_set():
                    log.exception("the reader thread stopped")
                    self.failed.emit(error)
                return
            self._wake.wait(pause)
            self._wake.clear()

    def _close(self, timeout: float) -> None:
        self._actions.shutdown(wait=True, cancel_futures=True)
        self._analyses.shutdown(wait=True, cancel_futures=True)
        if self._reader is not None:
            self._reader.join()
        try:
            if self._held is not None:
                operations.close_lab(self._held, timeout)
        except LabError:
            log.exception("closing the lab failed")  # the window is going; the run folders hold everything
        finally:
            self.closed.emit()

    def _submit(
        self,
        pool: ThreadPoolExecutor,
        call: Callable[..., Any],
        arguments: tuple[Any, ...],
        done: Callable[[Any], object],
        failed: Callable[[BaseException], object],
    ) -> None:
        def work() -> None:
            try:
                value = call(*arguments)
            except Exception as error:  # noqa: BLE001 - whatever happens there must be seen here
                self._delivered.emit(failed, error)
            else:
                self._delivered.emit(done, value)

        if not self._closing:
            pool.submit(work)

    # On the window's thread again.

    @Slot(object, object)
    def _deliver(self, callback: Callable[[Any], object], value: Any) -> None:
        if not self._closing:
            callback(value)

    def _opened(self, found: Opened) -> None:
        self._lab, self.broken, self.metrics, self.models = found.lab, found.broken, found.metrics, found.models
        self.studies, self.outlines = {s.id: s for s in found.studies}, found.outlines
        self.tables, self.downloaded = found.tables, found.downloaded
        self.opened.emit()
        self._reader = threading.Thread(target=self._poll, args=(self._lab,), name="reader")
        self._reader.start()

    def _after(self, done: Callable[[Any], object] | None) -> Callable[[Any], object]:
        def finish(value: Any) -> None:
            self._wake.set()  # what was done shows at once
            if done is not None:
                done(value)

        return finish

    def _result(self, trial: str, result: Result) -> None:
        self.results[trial] = result
        self.result_ready.emit(trial, result)

    def _no_result(self, trial: str, error: BaseException) -> None:
        self.unread[trial] = error
        self.failed.emit(error)

    @Slot(str, object)
    def _keep_named(self, trial: str, runs: tuple[RunRecord, ...]) -> None:
        self._named = (trial, runs)

    @Slot(object)
    def _keep(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot


def _steady(snapshot: Snapshot, last: Snapshot | None) -> Snapshot:
    """The snapshot, with the memory figure of the last one where it hardly moved."""
    if last is None or abs(snapshot.memory_used - last.memory_used) >= MEMORY_STEP:
        return snapshot
    return snapshot.model_copy(update={"memory_used": last.memory_used})
