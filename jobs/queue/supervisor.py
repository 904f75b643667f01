"""The background thread: the database's only writer.

It claims runs, starts their processes, reads what they say, and decides how they ended. Nothing that happens to a
run, a disk or a library ends this thread.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, TypeVar

from engine.spec.errors import LabError, StoreError, WorkerLost
from engine.spec.run import RunSpec
from engine.spec.runs import Planned
from engine.spec.trial import TrialSpec
from jobs.executors.local import LOST, Launcher, kill_leftover, wait_all
from jobs.paths import Home, write_json
from jobs.queue import again, endings
from jobs.queue.active import Active
from jobs.queue.budget import Budget, Worker
from jobs.queue.endings import Ending, Intent
from jobs.queue.foresight import Foresight
from jobs.queue.looking import Judge, Looking, first_look
from jobs.queue.waiting import NEEDS, Waiting
from jobs.store import trial_file
from jobs.store.stream import whole_lines
from jobs.store.write import Damaged, DiskFull, Row, Store, cost

log = logging.getLogger("tuning_fork.jobs")
T = TypeVar("T")
TICK = 0.1  # seconds
GRACE: dict[Intent, float] = {"cancel": 3.0, "stop": 30.0}  # seconds for a last checkpoint before a run is killed
DOCTOR = "`python main.py doctor` says what is missing."
BUSY = "loading the libraries"
LOADING = "loading the model and the data"
WAITING = (BUSY, LOADING)
MEASURED = "-measured"  # of the kind of a run that finds its weights there


class Supervisor:
    """Runs the queue until `close()`.

    Args:
        home: The data folder; this process holds its lock.
        store: The writing connection; from here on this thread's alone.
        launcher: Starts the children.
        slots: How many runs are at work at once.
        said: What opening the store had to say, for people.
        judged: A trial and its looks so far, from what is stored (`Looking`).
        likely: Runs that may come after a run: what they need is prepared while nothing else is to be done.
    """

    def __init__(
        self, home: Home, store: Store, launcher: Launcher, slots: int, said: str = "",
        likely: Callable[[RunSpec], list[RunSpec]] = lambda last: [],
        judged: Judge | None = None,
    ) -> None:  # fmt: skip
        self.home = home
        self.slots = slots
        self.paused = False
        self.reason, self.hint = said, ""
        self._store = store
        self._launcher = launcher
        self._commands: queue.Queue[tuple[Callable[[], Any], Future[Any]]] = queue.Queue()
        self._active: dict[str, Active] = {}
        self._budget = Budget(home.weights)
        self._waiting = Waiting(home, store)
        self._looking = Looking(store, judged, self._budget)
        self._held = ""  # why the next run waits, if it does
        self._foresight = Foresight(launcher, likely)
        self._closing = threading.Event()
        self._close_seconds = 0.0
        self.reconciled = threading.Event()  # set once what an earlier lab left is put right
        self._trouble = False  # whether `reason` tells of an error that a good tick takes back
        self._thread = threading.Thread(target=self._loop, name="supervisor", daemon=True)
        self._thread.start()

    # For other threads

    def ask(self, what: Callable[[], T], seconds: float = 60.0) -> T:
        """Have the supervisor's thread do something, and wait for its answer. Raises what it raises."""
        if self._closing.is_set() or not self._thread.is_alive():
            raise StoreError("The lab is closed.", "Open it again.")
        answer: Future[T] = Future()
        self._commands.put((what, answer))
        try:
            return answer.result(seconds)
        except TimeoutError:
            answer.cancel()
            raise StoreError("The background work does not answer.", f"{self.home.log} may say why.") from None

    def enqueue(self, trial: TrialSpec, runs: list[RunSpec], planned: Planned | None = None) -> str:
        """Write a trial and queue what is not computed yet. The trial's file goes first: it can rebuild the row."""
        now = time.time()
        runs = first_look(self._store, trial, runs)
        trial_file.write(self.home, trial, runs, now, planned)
        self._budget.expect(runs, trial.inspection)
        again.clear_damaged(self.home, self._store, [run.hash for run in runs])
        with self._store.batch():
            self._store.add_trial(trial, runs, now, planned)
        return trial.id

    def retry(self, run: str) -> None:
        """Queue a run again that has ended (`jobs.queue.again.retry`)."""
        again.retry(self.home, self._store, self._waiting, run)

    def end(self, runs: list[str], intent: Intent) -> None:
        """Cancel or stop runs, whatever they are doing; those that are over stay as they are."""
        state, reason = endings.BY_INTENT[intent]
        with self._store.batch():
            for run in runs:
                row = self._store.run(run)
                if row["state"] in ("queued", "interrupted") or (row["state"] == "paused" and intent == "cancel"):
                    self._store.settle(run, state, time.time(), 0.0, reason=reason)
                elif run in self._active:
                    self._store.set(run, reason="stopping")
        for run in runs:
            if run in self._active:
                self._active[run].ask_to_stop(intent, GRACE[intent])

    def cancel_trial(self, trial: str) -> None:
        """Cancel a trial's runs, save those that another trial waits for."""
        with self._store.batch():
            runs = self._store.cancel_trial(trial, time.time())
        self.end(runs, "cancel")

    def first(self, run: str) -> None:
        """Move a queued run to the front, behind those that it waits for."""
        self._store.run(run)
        with self._store.batch():
            for each in (run, *reversed(self._waiting.makers(run))):
                self._store.first(each)

    def pause(self, reason: str = "", hint: str = "") -> None:
        """Claim no more runs; those at work go on."""
        self.paused, self.reason, self.hint, self._trouble = True, reason, hint, False

    def resume(self) -> None:
        """Claim runs again; those that a full disk stopped are queued again."""
        self.paused, self.reason, self.hint, self._trouble = False, "", "", False
        with self._store.batch():
            self._store.requeue([r["hash"] for r in self._store.in_state("interrupted")])

    def close(self, seconds: float) -> None:
        """Stop every run with a checkpoint, mark it interrupted, and end the thread; at most about so many seconds."""
        self._close_seconds = max(0.0, seconds)
        self._closing.set()
        self._commands.put((lambda: None, Future()))
        self._thread.join(seconds + 10.0)

    # The thread

    def _loop(self) -> None:
        while not self._closing.is_set():
            try:
                if not self.reconciled.is_set():
                    self._reconcile()
                    self.reconciled.set()
                self._obey()
                self._tick()
            except Exception as error:  # noqa: BLE001 - a bug here must not stop the queue unseen
                self._surface(error)
                self._closing.wait(1.0)
        try:
            self._shut()
        except Exception:  # the next start reconciles what could not be written
            log.exception("closing the lab")
        finally:
            for active in self._active.values():
                active.child.kill()
            self._launcher.close()
            self._looking.close()
            self._refuse_the_rest()
            try:
                self._store.close()
            except StoreError:  # what is not folded in stays in the log beside it
                log.exception("closing the database")

    def _obey(self) -> None:
        """Wait a tick for commands, and do all there are."""
        wait = TICK
        while True:
            try:
                what, answer = self._commands.get(timeout=wait)
            except queue.Empty:
                return
            wait = 0.0001
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                answer.set_result(what())
            except Exception as error:  # noqa: BLE001 - whoever asked is told
                answer.set_exception(error)

    def _refuse_the_rest(self) -> None:
        while not self._commands.empty():
            _, answer = self._commands.get_nowait()
            if answer.set_running_or_notify_cancel():
                answer.set_exception(StoreError("The lab is closed.", "Open it again."))

    def _tick(self) -> None:
        self._reap()
        self._enforce()
        self._budget.watch(self._workers(), time.monotonic())
        self._looking.step()
        self._claim()
        if self._trouble:
            self.reason, self.hint, self._trouble = "", "", False

    def _surface(self, error: Exception) -> None:
        log.error("the background work", exc_info=error)
        if isinstance(error, Damaged):
            self.home.suspect.touch()
        if isinstance(error, DiskFull):
            self.pause(error.message, error.hint)
        elif not self.paused:
            known = isinstance(error, LabError)
            self.reason = error.message if known else f"The background work met a bug: {type(error).__name__}: {error}"
            self.hint = error.hint if known else f"It goes on. {self.home.log} holds the whole story."
            self._trouble = True

    def _reconcile(self) -> None:
        """Put right what an earlier lab left: its processes end, what it finished counts, the rest is queued."""
        for row in self._store.in_state("running"):
            run = row["hash"]
            folder = self.home.run(run)
            kill_leftover(folder, row["pid"], row["pid_started"])
            events = folder / "events.ndjson"
            ended = max(row["started"], events.stat().st_mtime) if events.exists() else row["started"]
            with self._store.batch():
                self._drain(run, 0)
                ending = endings.judge(self._store.complete(run), "", None, row["attempt"], folder)
                self._settle(run, ending, ended, ended - row["started"])
        with self._store.batch():
            waiting = self._store.in_state("interrupted")
            self._store.requeue([r["hash"] for r in waiting], "it goes on from its last checkpoint")

    def _reap(self) -> None:
        """Read what the children said, and settle those that ended: one commit for all of it."""
        if not self._active:
            return
        over: list[str] = []
        for active in self._active.values():
            active.code = active.child.exit_code()  # before the reading: what it wrote until now is then read below
        offsets: dict[str, int] = {}
        full = False
        with self._store.batch():
            for run, active in self._active.items():
                offsets[run] = self._drain(run, active.offset)
                if active.code is None:
                    continue
                kills = endings.memory_kills() > active.memory_kills
                folder = self.home.run(run)
                complete = self._store.complete(run)
                ending = endings.judge(complete, active.intent, active.code, active.attempt, folder, kills)
                if ending.kind == "OutOfMemory":
                    ending = replace(
                        ending, hint=self._budget.advice(RunSpec.model_validate_json(active.child.job.spec))
                    )
                now = time.time()
                self._settle(run, ending, now, now - active.began)
                full = full or ending.kind == "DiskFull"
                over.append(run)
        for run, offset in offsets.items():
            self._active[run].offset = offset
        for run in over:
            active = self._active.pop(run)
            active.child.close()
            if active.code == LOST:
                self._launcher.reset()
        if full:
            self.pause("The disk is full.", "Free some space, then resume the queue. Nothing was lost.")

    def _drain(self, run: str, offset: int) -> int:
        path = self.home.run(run) / "events.ndjson"
        while True:
            lines, after = whole_lines(path, offset)
            if not lines:
                return after
            for wrong in self._store.ingest(run, lines, after):
                log.warning("run %s said something that is no event: %s", run, wrong)
            offset = after

    def _settle(self, run: str, ending: Ending, now: float, seconds: float) -> None:
        self._store.settle(run, ending.state, now, seconds, kind=ending.kind, reason=ending.reason, hint=ending.hint)

    def _enforce(self) -> None:
        """Kill what was asked to stop and did not in time."""
        now = time.monotonic()
        for active in self._active.values():
            if active.deadline is not None and now >= active.deadline:
                active.child.kill()

    def _claim(self) -> None:
        """Fill the free slots."""
        if self.paused or len(self._active) >= self.slots:
            return
        coming = self._next()
        if coming is None:
            self._held = self._no_longer(self._held)
            if not self._active and not self._looking.busy:
                self._foresight.rest()
            return
        if not self._launcher.warm():
            if self._launcher.error:
                error, self._launcher.error = self._launcher.error, ""
                self.pause(f"The training libraries do not load: {error}", DOCTOR)
            elif not self.reason:
                self.reason = BUSY
            return
        while coming is not None and len(self._active) < self.slots and not self.paused:
            unloaded, alone = self._launcher.unloaded(coming), not self._launcher.shares
            held = self._budget.hold(coming, self._workers(), unloaded, alone)
            if held:
                self._no_longer(*WAITING, self._held)
                self._held = held
                self.reason = self.reason or held
                return
            if not self._launcher.ready(coming):
                self._held = self._no_longer(self._held)
                self.reason = self.reason or LOADING
                return
            self._held = self._no_longer(*WAITING, self._held)
            with self._store.batch():
                row = self._store.claim(coming.hash, time.time())
            if row is None:
                return
            self._start(row, coming)
            coming = self._next()

    def _no_longer(self, *reasons: str) -> str:
        """Take back a reason for waiting that has passed."""
        if self.reason in reasons:
            self.reason = ""
        return ""

    def _next(self) -> RunSpec | None:
        """The first queued run that can start; what the others wait for is written down."""
        coming, said = self._waiting.next(self._active)
        if said:
            with self._store.batch():
                for run, look in said.items():
                    if look.state == "queued":
                        self._store.set(run, reason=look.reason)
                    else:
                        why = {"kind": NEEDS, "reason": look.reason, "hint": look.hint}
                        self._store.settle(run, look.state, time.time(), 0.0, **why)
        return coming

    def _workers(self) -> list[Worker]:
        return [Worker(active.child.pid, active.kind) for active in self._active.values()]

    def _start(self, row: Row, spec: RunSpec) -> None:
        run, began = row["hash"], time.time()
        folder = self.home.run(run)
        # What is only measured takes another time, and other memory, than what trains as well.
        kind = cost(spec) + ("" if self._waiting.trains(spec) else MEASURED)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / "run.json", {"created": began, "spec": json.loads(row["spec"])})
            child = self._launcher.start(run, row["spec"], folder, row["attempt"])
        except WorkerLost as error:  # the system starts no process for anyone now
            with self._store.batch():
                self._settle(run, Ending("interrupted", "WorkerLost", error.message, error.hint), time.time(), 0.0)
            self.pause(error.message, "Close other programs, then resume the queue.")
            return
        except Exception as error:  # this run cannot be started; the others may
            log.error("starting run %s", run, exc_info=error)
            hint = error.hint if isinstance(error, LabError) else f"{self.home.log} holds the whole story."
            with self._store.batch():
                ending = Ending("failed", type(error).__name__, f"The run could not be started: {error}", hint)
                self._settle(run, ending, time.time(), 0.0)
            return
        self._active[run] = Active(child, row["attempt"], kind, began)
        self._foresight.started(spec)
        with self._store.batch():
            self._store.set(run, pid=child.pid, pid_started=child.started, cost=kind)

    def _shut(self) -> None:
        for active in self._active.values():
            active.ask_to_stop(active.intent or "close", self._close_seconds)
        for child in wait_all([a.child for a in self._active.values()], self._close_seconds):
            child.kill()
        wait_all([a.child for a in self._active.values()], 2.0)
        self._reap()
