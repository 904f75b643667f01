"""The one object that the window and the command line use."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Collection
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

import psutil

from engine.run.planned import runs_of, with_uses
from engine.spec.errors import LabError, PluginError, SpecError, StoreError
from engine.spec.plugins.discovery import Broken
from engine.spec.reference import DataRef
from engine.spec.result import Registration, Result, Shown
from engine.spec.run import RunSpec
from engine.spec.runs import Detectable, Planned, RunResult
from engine.spec.sequential import Sequential
from engine.spec.study import Scale, StudySpec
from engine.spec.trial import TrialSpec
from jobs import plugins, studies
from jobs.executors.local import Launcher
from jobs.paths import Home
from jobs.queue.lock import OwnerLock
from jobs.queue.supervisor import Supervisor
from jobs.store import looks, read
from jobs.store.rebuild import open_store
from jobs.store.records import Curves, Snapshot
from jobs.store.write import Database, Outdated, Store, errors, open_reader

SLOTS_VARIABLE = "TUNING_FORK_SLOTS"
MOST_SLOTS = 256
RECONCILE_SECONDS = 5.0  # at most; later, the snapshots say why it takes longer
log = logging.getLogger("tuning_fork.jobs")


class LabReader:
    """What can be read from a data folder, by any number of threads and processes, without owning it.

    Whoever asks for figures of arms is taken to show them: `result`, `curves` and `export_items` note a look first
    (`jobs.store.looks`).

    Args:
        home: The data folder; None: the user's own.
    """

    def __init__(self, home: Home | Path | str | None = None) -> None:
        self.home = Home.at(home).tell()
        self.slots = default_slots()
        self._local = threading.local()
        self._connections: list[Database] = []
        self._adding = threading.Lock()
        self._watched: set[tuple[str, str]] = set()  # (trial, run) whose live figures were noted as shown

    def studies(self) -> list[StudySpec]:
        """All studies that can be run, in the order in which they are shown."""
        return list(studies.all_studies(self.home.study_folders).found)

    def study(self, name: str) -> StudySpec:
        """One study. Raises SpecError where there is none of that id or its file is broken."""
        return studies.load(name, self.home.study_folders)

    def broken(self) -> list[Broken]:
        """The user's plug-ins and studies that cannot be used, and why."""
        return [*plugins.broken(), *studies.all_studies(self.home.study_folders).broken]

    def plugins(self) -> list[plugins.Own]:
        """The user's own plug-ins that can be used."""
        return plugins.own()

    def snapshot(self, trial: str | None = None) -> Snapshot:
        """Everything the queue shows, or one trial of it. Raises StoreError where there is no such trial."""
        db = self._db()
        paused, reason, hint = self._mood()
        with errors(self.home.database):
            board = read.Board(db, self.slots, paused)
        memory = psutil.virtual_memory()
        runs = board.runs(trial)
        return Snapshot(
            trials=board.trials(trial), runs=runs, paused=paused, slots=self.slots,
            running=sum(r.state == "running" for r in runs), memory_used=memory.total - memory.available,
            memory_total=memory.total, reason=reason, hint=hint,
        )  # fmt: skip

    def curves(self, trial: str, since: int = 0, measured: bool = True) -> Curves:
        """The points that came after the cursor `since`; 0 gives all.

        Args:
            measured: Whether what probes measure is among them, which is a look; training's own scalars are none.
        """
        with errors(self.home.database):
            found = read.curves(self._db(), trial, since, measured)
        new = {(trial, point.run) for point in found.points if "." in point.name} - self._watched
        if new:
            self._note(trial, self.trial(trial), "live", [run for _, run in new])
            self._watched |= new
        return found

    def trial(self, trial: str) -> TrialSpec:
        """A trial as it was launched. Raises StoreError where there is none of that name."""
        with errors(self.home.database):
            return read.trial_spec(self._db(), trial)

    def run_results(self, trial: str) -> tuple[RunResult, ...]:
        """What each run of a trial left so far, to be computed with: nothing is noted as shown."""
        with errors(self.home.database):
            return read.run_results(self._db(), trial, self.slots)

    def result(self, trial: str) -> Result:
        """The trial's figures and verdict, from whatever is done.

        Raises:
            StoreError: There is no such trial.
            PluginError: A plug-in of the user's by which they are drawn up is not there, or fails.
        """
        spec, runs, found = self._drawn_up(trial)
        unnoted = self._note(trial, spec, "result", [r.record.run for r in runs if r.record.state == "succeeded"])
        return found.model_copy(update={"notes": (*found.notes, unnoted)}) if unnoted else found

    def _drawn_up(self, trial: str) -> tuple[TrialSpec, tuple[RunResult, ...], Result]:
        """A trial with its runs and its result, which nobody is shown yet."""
        from engine.analysis.analysis import analyse

        spec = self.trial(trial)
        try:
            with errors(self.home.database):
                context = read.context(self._db(), self.home, trial, spec)
            runs = self.run_results(trial)
            return spec, runs, analyse(spec, runs, context)
        except PluginError as error:
            raise plugins.no_result(spec, self.home, error) from error

    def registration(self, trial: str) -> Registration:
        """What was fixed when a trial was queued. Raises StoreError where there is no such trial."""
        from engine.analysis.registration import registration

        spec = self.trial(trial)
        with errors(self.home.database):
            return registration(spec, read.context(self._db(), self.home, trial, spec))

    def detectable(
        self, study: StudySpec, scale: Scale, seeds: int, model: str | None = None, data: DataRef | None = None,
        looks: tuple[int, ...] = (),
    ) -> Detectable | None:  # fmt: skip
        """What a study finds at a scale and with so many seeds, as far as that is known before it runs.

        Args:
            seeds: How many; the most where it goes on until it is settled.
            model: The base model's name; None: whichever an earlier trial had.
            data: What it would be run on; None: the study's own data.
            looks: After how many seeds it is looked at, where it goes on until it is settled.
        """
        from engine.analysis import detectable

        with errors(self.home.database):
            earlier = read.earlier_pairs(self._db(), study, scale, model, data)
            return detectable.detectable(study, scale, seeds, earlier, looks)

    def export(self, trial: str, path: Path) -> None:
        """Write the trial's report; the format is the suffix's. Raises ReportError where that cannot be done."""
        from jobs import report

        report.write(self.result(trial), path)

    def export_items(self, trial: str, path: Path, probe: str | None = None) -> int:
        """Write every item's outcome as a table, of one probe or of all, and give the number of rows.

        Raises SpecError or ReportError where that cannot be done.
        """
        from jobs.report.formats import items

        spec = self.trial(trial)
        with errors(self.home.database):
            texts = read.texts(self._db(), trial)
        runs = self.run_results(trial)
        self._note(trial, spec, "items", [r.record.run for r in runs if r.outcomes])
        return items.write(runs, path, probe, texts)

    def close(self, timeout: float = 10.0) -> None:
        """Close the connections; more than once does no harm."""
        with self._adding:
            for db in self._connections:
                db.close()
            self._connections.clear()
            self._local = threading.local()

    def _note(self, name: str, trial: TrialSpec, shown: Shown, runs: Collection[str]) -> str:
        """Note that figures of runs are about to be shown. Gives why that failed: an archive is shown anyway."""
        try:
            with errors(self.home.database):
                looks.note(self.home, self._db(), name, trial, shown, runs)
        except StoreError as error:
            log.warning("%s", error)
            return f"{error.message} {error.hint}".strip()
        return ""

    def _mood(self) -> tuple[bool, str, str]:
        return False, "", ""

    def _db(self) -> Database:
        db = getattr(self._local, "db", None)
        if db is None:
            try:
                db = open_reader(self.home)
            except Outdated:  # nobody who could write has opened it since this lab is newer
                with OwnerLock(self.home):
                    Store(self.home).close()
                db = open_reader(self.home)
            with self._adding:
                self._connections.append(db)
            self._local.db = db
        return db


class Lab(LabReader):
    """A data folder, owned: the queue runs until `close()`.

    Args:
        home: The data folder; None: the user's own. It is made where it does not exist.
        slots: Runs at work at once; None: `$TUNING_FORK_SLOTS`, else one for each processor.
        launcher: How runs are started; tests pass their own.

    Raises:
        StoreError: Another process owns the folder, or its database cannot be used or rebuilt.
        SpecError: `slots` is out of range.
    """

    def __init__(
        self, home: Home | Path | str | None = None, slots: int | None = None, launcher: Launcher | None = None
    ) -> None:
        super().__init__(home)
        self.slots = check_slots(slots) if slots is not None else default_slots()
        self.home.create()
        self._lock = OwnerLock(self.home)
        self._handler = _log_file(self.home)
        supervisor: Supervisor | None = None
        try:
            logging.getLogger("tuning_fork").addHandler(self._handler)
            store, said = open_store(self.home)
            self._launcher = launcher or Launcher()
            self._launcher.home = self.home
            supervisor = self._supervisor = Supervisor(
                self.home, store, self._launcher, self.slots, said, self._likely, self._judged
            )
            supervisor.reconciled.wait(RECONCILE_SECONDS)  # so that the first snapshot tells of this lab
        except BaseException:  # an interrupt, too: the folder is free only once its one writer has ended
            if supervisor is not None:
                supervisor.close(0)
            logging.getLogger("tuning_fork").removeHandler(self._handler)
            self._handler.close()
            self._lock.release()
            raise
        self._closed = False
        atexit.register(self.close)  # before multiprocessing's own end, which would wait for every run

    @staticmethod
    def reader(home: Home | Path | str | None = None) -> LabReader:
        """The read-only half, which needs no lock."""
        return LabReader(home)

    def warm(self) -> None:
        """Begin to load the training libraries, so that the first run starts at once."""
        self._launcher.warm()

    def enqueue(self, trial: TrialSpec) -> str:
        """Queue a trial's runs, save those that are computed already, and go on with those that were stopped or failed.

        Returns:
            The trial's id, once all of it is on the disk.

        Raises:
            SpecError: It was planned by an older recipe, and runs of two recipes would be compared.
            LabError: A plug-in or a model that a run needs cannot be had.
        """
        runs = runs_of(trial)
        trial = with_uses(trial, runs)
        expected = self.detectable(trial.study, trial.scale, trial.seeds, trial.model.name, trial.data, trial.looks)
        planned = Planned(digest=trial.registration, detectable=expected)
        return self._supervisor.ask(lambda: self._supervisor.enqueue(trial, runs, planned))

    def cancel(self, run: str) -> None:
        """Cancel a run, whatever it is doing; it has ended a few seconds later. One that is over stays as it is."""
        self._supervisor.ask(lambda: self._supervisor.end([run], "cancel"))

    def stop(self, run: str) -> None:
        """Stop a run with a checkpoint, or take it out of the queue; `retry` goes on with it."""
        self._supervisor.ask(lambda: self._supervisor.end([run], "stop"))

    def cancel_trial(self, trial: str) -> None:
        """Cancel a trial's runs, save those that another trial waits for."""
        self._supervisor.ask(lambda: self._supervisor.cancel_trial(trial))

    def retry(self, run: str) -> None:
        """Queue a failed, cancelled, stopped or interrupted run again, from its last checkpoint."""
        self._supervisor.ask(lambda: self._supervisor.retry(run))

    def first(self, run: str) -> None:
        """Move a queued run to the front of the queue."""
        self._supervisor.ask(lambda: self._supervisor.first(run))

    def pause(self) -> None:
        """Start no more runs; those at work go on."""
        self._supervisor.ask(self._supervisor.pause)

    def resume(self) -> None:
        """Start runs again."""
        self._supervisor.ask(self._supervisor.resume)

    def close(self, timeout: float = 10.0) -> None:
        """Stop every run with a checkpoint (killed after `timeout` seconds) and give up the folder.

        What was interrupted goes on when the lab is opened again. More than once does no harm.
        """
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        self._supervisor.close(timeout)
        super().close()
        logging.getLogger("tuning_fork").removeHandler(self._handler)
        self._handler.close()
        self._lock.release()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _likely(self, last: RunSpec) -> list[RunSpec]:
        return studies.likely(self.studies(), last)

    def _judged(self, trial: str) -> tuple[TrialSpec, Sequential | None]:
        """A trial's looks, for the queue, which goes by them; and they are shown while it goes on."""
        spec, runs, found = self._drawn_up(trial)
        self._note(trial, spec, "live", [r.record.run for r in runs if r.record.state == "succeeded"])
        return spec, found.sequential

    def _mood(self) -> tuple[bool, str, str]:
        return self._supervisor.paused, self._supervisor.reason, self._supervisor.hint

    def _db(self) -> Database:
        if getattr(self, "_closed", False):
            raise StoreError("The lab is closed.", "Open it again.")
        return super()._db()


def _log_file(home: Home) -> RotatingFileHandler:
    handler = RotatingFileHandler(home.log, maxBytes=1 << 20, backupCount=1, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    return handler


def check_slots(slots: int) -> int:
    """The number itself. Raises SpecError where it is out of range."""
    if not 1 <= slots <= MOST_SLOTS:
        raise SpecError(f"{slots} is no number of slots.", f"Choose from 1 to {MOST_SLOTS}.")
    return slots


def default_slots() -> int:
    """`$TUNING_FORK_SLOTS`, else the processors this process may use. Raises SpecError where it is no number."""
    told = os.environ.get(SLOTS_VARIABLE)
    if told:
        try:
            return check_slots(int(told))
        except (ValueError, LabError) as error:
            raise SpecError(f"{SLOTS_VARIABLE}={told!r} is no number of slots.", f"From 1 to {MOST_SLOTS}.") from error
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
