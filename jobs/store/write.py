"""The database: one writer (the supervisor's thread), any number of readers.

Every write is part of a batch, a batch is one commit, and events go in on (run, seq), repeats ignored: whatever is
killed at whatever moment, what was committed stands and what was not is read again from the run's folder.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlite_utils import Database

from engine.spec.errors import StoreError
from engine.spec.events import Asked, Checked, Event, Finished, Noted, Probed, Started, Stepped, decode
from engine.spec.run import RunSpec, digest
from engine.spec.runs import Planned
from engine.spec.trial import TrialSpec
from jobs.paths import Home
from jobs.store.migrations import NAMES, VERSION, keep_a_copy, migrations

FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC}
BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
LOOSE = ("paused", "failed", "cancelled", "interrupted")  # states from which a run can be queued again
REBUILT = "The lab rebuilds it from the run folders when it is opened."
Row = dict[str, Any]


class DiskFull(StoreError):
    """There is no room left for the database."""


class Outdated(StoreError):
    """The database was made by an older lab and must be brought up to date before it is read."""


class Damaged(StoreError):
    """The database is missing or broken; the run folders may rebuild it."""


@contextmanager
def errors(path: Path) -> Iterator[None]:
    """Turns SQLite's errors into StoreErrors that say what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code in FULL:
            raise DiskFull(
                f"The disk is full: {path} cannot grow.", "Free some space, then resume the queue. Nothing was lost."
            ) from error
        if code is not None and (code & 0xFF) in BROKEN:
            raise Damaged(f"The database {path} is damaged: {error}.", REBUILT) from error
        raise StoreError(f"The database {path} cannot be used: {error}.", "Can the folder be written to?") from error


def open_reader(home: Home) -> Database:
    """A read-only connection, for one thread at a time. Raises StoreError where there is no usable database."""
    path = home.database
    if not path.exists():
        raise StoreError(f"There is no lab in {home.folder}.", "Run a study first, or name its folder with --home.")
    with errors(path):
        try:
            conn = _connect_read_only(path, "mode=ro")
        except sqlite3.OperationalError:
            # In a folder that cannot be written to, a database that was closed cleanly can still be read.
            if path.with_name(path.name + "-wal").exists():
                raise
            conn = _connect_read_only(path, "mode=ro&immutable=1")
        db = Database(conn, execute_plugins=False)
        _refuse_newer(db, path)
        if not db.table("runs").exists():
            raise Damaged(f"The database {path} holds no lab.", REBUILT)
        if migrations.pending(db):
            db.close()
            raise Outdated(f"The database {path} was made by an older Tuning Fork.", "Open it once with this one.")
        return db


def _connect_read_only(path: Path, how: str) -> sqlite3.Connection:
    conn = sqlite3.connect(f"{path.as_uri()}?{how}", uri=True, timeout=5.0, check_same_thread=False)
    try:
        conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError:
        conn.close()
        raise
    return conn


def _refuse_newer(db: Database, path: Path) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION or any(m.name not in NAMES for m in migrations.applied(db)):
        db.close()
        raise StoreError(
            f"The database {path} was made by a newer Tuning Fork (version {version}; this one knows {VERSION}).",
            "Update Tuning Fork, or choose another folder with --home. Nothing was changed.",
        )


class Store:
    """The one writing connection. Not to be shared between threads.

    Args:
        home: A data folder whose lock this process holds.
        path: The database file, where it is not the home's own.

    Raises:
        Damaged: The database is missing though runs exist, or it is broken.
        StoreError: It was made by a newer version, or cannot be opened.
    """

    def __init__(self, home: Home, path: Path | None = None) -> None:
        self.path = path or home.database
        if path is None and _left_behind(home):
            raise Damaged(f"The database {self.path} is missing or empty, though there are runs.", REBUILT)
        log = self.path.with_name(self.path.name + "-wal")
        unclean = log.exists() and log.stat().st_size > 0
        how = "integrity_check" if home.suspect.exists() else "quick_check" if unclean else ""
        with errors(self.path):
            conn = sqlite3.connect(self.path, timeout=5.0, check_same_thread=False)
            try:
                self.db = Database(conn, execute_plugins=False)
                _refuse_newer(self.db, self.path)
                self.db.enable_wal()
                self.db.execute("PRAGMA synchronous = NORMAL")
                self.db.execute("PRAGMA foreign_keys = ON")
                if how and (found := self.check(how)) != "ok":
                    raise Damaged(f"The database {self.path} is damaged: {found}.", REBUILT)
                keep_a_copy(self.db, self.path)
                migrations.apply(self.db)
            except BaseException:
                conn.close()
                raise

    def check(self, how: str = "integrity_check") -> str:
        """SQLite's own verdict on the file: "ok", or what is wrong."""
        return str(self.db.execute(f"PRAGMA {how}").fetchone()[0])

    def close(self) -> None:
        """Fold in the write-ahead log, even while readers are still there, and close the connection."""
        try:
            with errors(self.path):
                self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self.db.close()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """One commit for everything inside; all of it or nothing. Raises DiskFull, Damaged or StoreError."""
        with errors(self.path), self.db.atomic():
            yield

    # Trials and the queue

    def add_trial(self, trial: TrialSpec, runs: Sequence[RunSpec], now: float, planned: Planned | None = None) -> None:
        """Write a trial and queue its runs, save those that are done, queued or running already.

        Args:
            planned: What was written down of it; of a trial that is there already, what was written first stands.
        """
        arms = [(name, trial.study.arm(name).label) for name in trial.arms]
        self.db.execute(
            """INSERT INTO trials (id, study, question, scale, seeds, model, arms, spec, created, planned)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET cancelled = NULL""",
            (trial.id, trial.study.id, trial.study.question, trial.scale, trial.seeds, trial.model.name,
             json.dumps(arms), trial.model_dump_json(), now, planned.model_dump_json() if planned else None),
        )  # fmt: skip
        for n, run in enumerate(runs):
            self.add_run(run, now)
            self.db.execute("INSERT OR IGNORE INTO trial_runs VALUES (?, ?, ?)", (trial.id, run.hash, n))
        self.requeue([run.hash for run in runs])

    def add_run(self, run: RunSpec, now: float) -> None:
        """Queue a run that is not known yet; one that is known is left as it is."""
        self.db.execute(
            """INSERT INTO runs (hash, arm, seed, cost, spec, state, created, place)
               VALUES (?, ?, ?, ?, ?, 'queued', ?, (SELECT coalesce(max(place), 0) + 1 FROM runs))
               ON CONFLICT (hash) DO NOTHING""",
            (run.hash, run.arm, run.seed, cost(run), run.model_dump_json(), now),
        )

    def requeue(self, runs: Iterable[str], reason: str = "") -> None:
        """Put stopped or failed runs at the end of the queue, interrupted ones where they were; all others stay.

        A run whose events were damaged begins anew: what it left in the database is dropped here (its folder is the
        caller's to remove beforehand).
        """
        for run in runs:
            row = self.run(run)
            if row["state"] not in LOOSE:
                continue
            if row["kind"] == "damaged":
                self.forget(run)
            self.db.execute(
                """UPDATE runs SET state = 'queued', kind = '', reason = ?, hint = '', finished = NULL, pid = NULL,
                   place = CASE state WHEN 'interrupted' THEN place ELSE (SELECT max(place) + 1 FROM runs) END
                   WHERE hash = ?""",
                (reason, run),
            )

    def forget(self, run: str) -> None:
        """Drop everything a run has said."""
        for table in ("events", "points", "metrics", "outcomes", "checks", "notes"):
            self.db.table(table).delete_where("run = ?", [run])
        self.db.execute("UPDATE runs SET step = 0, loss = NULL, events_offset = 0 WHERE hash = ?", (run,))

    def next(self) -> RunSpec | None:
        """The run that `claim` would take."""
        rows = self.db.query("SELECT spec FROM runs WHERE state = 'queued' ORDER BY priority DESC, place LIMIT 1")
        return next((RunSpec.model_validate_json(row["spec"]) for row in rows), None)

    def claim(self, now: float) -> Row | None:
        """Take the first queued run, in one statement: hash, spec, attempt and cost; None where nothing is queued.

        The stream is read from its beginning again: repeats are ignored, and a file that a power cut shortened is
        no trouble.
        """
        rows = self.db.query(
            """UPDATE runs SET state = 'running', kind = '', reason = '', hint = '', started = ?, finished = NULL,
               attempt = attempt + 1, pid = NULL, pid_started = NULL, events_offset = 0,
               first_step = NULL, first_elapsed = NULL, last_elapsed = NULL, tail = NULL
               WHERE hash = (SELECT hash FROM runs WHERE state = 'queued' ORDER BY priority DESC, place LIMIT 1)
               RETURNING hash, spec, attempt, cost""",
            (now,),
        )
        return next(iter(list(rows)), None)

    def first(self, run: str) -> None:
        """Move a queued run to the front."""
        self.db.execute("UPDATE runs SET priority = (SELECT max(priority) + 1 FROM runs) WHERE hash = ?", (run,))

    def settle(self, run: str, state: str, now: float, seconds: float, **why: str) -> None:
        """Write how an attempt ended. `why`: kind, reason and hint; `seconds` are added to the run's."""
        self.db.execute(
            """UPDATE runs SET state = :state, kind = :kind, reason = :reason, hint = :hint, finished = :now,
               seconds = seconds + :seconds, pid = NULL, pid_started = NULL, priority = 0,
               tail = max(0, :seconds - last_elapsed) WHERE hash = :run""",
            {"kind": "", "reason": "", "hint": "", **why, "state": state, "now": now, "seconds": seconds, "run": run},
        )

    def set(self, run: str, **columns: str | float | int | None) -> None:
        """Write single columns of a run."""
        names = ", ".join(f"{name} = ?" for name in columns)
        sql = f"UPDATE runs SET {names} WHERE hash = ?"  # noqa: S608 - names are keywords of our own calls
        self.db.execute(sql, (*columns.values(), run))

    def run(self, run: str) -> Row:
        """A run's row. Raises StoreError where there is none."""
        for row in self.db.query("SELECT * FROM runs WHERE hash = ?", (run,)):
            return row
        raise StoreError(f"There is no run {run!r}.", "The queue lists the runs.")

    def in_state(self, state: str) -> list[Row]:
        """The rows of all runs in a state, in the queue's order."""
        return list(self.db.query("SELECT * FROM runs WHERE state = ? ORDER BY priority DESC, place", (state,)))

    def cancel_trial(self, trial: str, now: float) -> list[str]:
        """Mark a trial cancelled. Returns its runs that no other trial waits for."""
        if not list(self.db.query("SELECT id FROM trials WHERE id = ?", (trial,))):
            raise StoreError(f"There is no trial {trial!r}.", "The queue lists the trials.")
        self.db.execute("UPDATE trials SET cancelled = ? WHERE id = ?", (now, trial))
        rows = self.db.query(
            """SELECT run FROM trial_runs AS mine WHERE trial = ? AND NOT EXISTS (
               SELECT 1 FROM trial_runs AS other JOIN trials ON trials.id = other.trial
               WHERE other.run = mine.run AND trials.cancelled IS NULL) ORDER BY n""",
            (trial,),
        )
        return [row["run"] for row in rows]

    # What runs say

    def ingest(self, run: str, lines: Iterable[bytes], offset: int) -> list[str]:
        """Insert whole lines of a run's stream, repeats ignored, and the offset that follows them.

        Returns:
            What is wrong with each line that is no event (they are skipped; a gap shows at the end, see `complete`).
        """
        wrong: list[str] = []
        for line in lines:
            try:
                event = decode(line)
            except ValidationError as error:
                wrong.append(str(error.errors()[0]["msg"]))
                continue
            self._insert(run, event)
        self.set(run, events_offset=offset)
        return wrong

    def _insert(self, run: str, event: Event) -> None:
        body = event.model_dump_json(exclude={"outcomes", "texts"})
        put = self.db.execute("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?)", (run, event.seq, event.kind, body))
        if put.rowcount != 1:  # a resumed run repeats what it said; the first saying stands
            return
        if isinstance(event, Started):
            self.set(run, total_steps=event.total_steps)
        elif isinstance(event, Stepped):
            self._step(run, event)
        elif isinstance(event, Asked):
            self._ask(run, event)
        elif isinstance(event, Probed):
            self._probe(run, event)
        elif isinstance(event, Checked):
            row = (run, event.seq, event.name, event.ok, event.detail)
            self.db.execute("INSERT INTO checks VALUES (?, ?, ?, ?, ?)", row)
        elif isinstance(event, Noted):
            self.db.execute("INSERT INTO notes VALUES (?, ?, ?, ?)", (run, event.seq, event.name, event.detail))

    def _step(self, run: str, event: Stepped) -> None:
        if not self._number(run, event.seq, "loss", event.step, event.loss):
            return
        self._point(run, "loss", event.step, event.loss)
        self.db.execute(
            """UPDATE runs SET step = max(step, :step), loss = :loss, last_elapsed = :elapsed,
               first_step = coalesce(first_step, :step), first_elapsed = coalesce(first_elapsed, :elapsed)
               WHERE hash = :run""",
            {"step": event.step, "loss": event.loss, "elapsed": event.elapsed, "run": run},
        )

    def _ask(self, run: str, event: Asked) -> None:
        plan = RunSpec.model_validate_json(self.run(run)["spec"]).measures
        rows = [(plan, text.item, text.prompt, text.gold) for text in event.texts]
        self.db.conn.executemany("INSERT OR IGNORE INTO items VALUES (?, ?, ?, ?)", rows)

    def _probe(self, run: str, event: Probed) -> None:
        for metric, value in event.metrics.items():
            name = f"{event.probe}.{metric}"
            if not self._number(run, event.seq, name, event.step, value):
                continue
            if event.stage == "live" or not self._drawn(run, name):  # the full set's figure, where no curve was drawn
                self._point(run, name, event.step, value)
            if event.stage == "after":
                self.db.execute("INSERT OR REPLACE INTO metrics VALUES (?, ?, ?)", (run, name, value))
        rows = [
            (run, event.probe, n, o.item, o.correct, o.failure, o.model_dump_json())
            for n, o in enumerate(event.outcomes)
        ]
        self.db.conn.executemany("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def _number(self, run: str, seq: int, name: str, step: int, value: float) -> bool:
        if math.isfinite(value):
            return True
        detail = f"{name} is {value} at step {step}; it is left out."
        self.db.execute("INSERT OR IGNORE INTO notes VALUES (?, ?, 'not a number', ?)", (run, seq, detail))
        return False

    def _point(self, run: str, name: str, step: int, value: float) -> None:
        sql = "INSERT OR IGNORE INTO points (run, name, step, value) VALUES (?, ?, ?, ?)"
        self.db.execute(sql, (run, name, step, value))

    def _drawn(self, run: str, name: str) -> bool:
        return bool(list(self.db.query("SELECT 1 FROM points WHERE run = ? AND name = ? LIMIT 1", (run, name))))

    def complete(self, run: str) -> bool | None:
        """Whether the run's last event stands and none before it is missing; None where the last is not there."""
        sql = "SELECT count(*) AS n, max(CASE WHEN kind = 'finished' THEN seq END) AS last FROM events WHERE run = ?"
        row = next(iter(self.db.query(sql, (run,))))
        return None if row["last"] is None else row["n"] == row["last"] + 1

    def finished(self, run: str) -> Finished | None:
        """The run's last event, if it stands."""
        for row in self.db.query("SELECT body FROM events WHERE run = ? AND kind = 'finished'", (run,)):
            event = decode(row["body"])
            return event if isinstance(event, Finished) else None
        return None


def cost(run: RunSpec) -> str:
    """Runs with the same key take about the same time: same study, method, scale, model and user's file."""
    scale = run.scale.model_dump(mode="json", exclude={"note", "seeds"})
    own = [run.data.digest] if run.data.path else []
    return digest([run.study, run.method, scale, run.model.digest, *own])[:12]


def _left_behind(home: Home) -> bool:
    if home.database.exists() and home.database.stat().st_size > 0:
        return False
    return any(home.trials.glob("*.json")) or any(home.runs.glob("*/events.ndjson"))
