"""The database's shape, as small transactional steps. A step that was published is never edited."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from engine.analysis.copies import fingerprint
from engine.spec.errors import StoreError
from engine.spec.example import Outcome
from engine.spec.trial import UNNAMED_RECIPE
from jobs.store import older

OLDER = (
    "queued by an older version of the lab, which computed runs differently",
    "What it measured is kept. Start the study anew to run it with this version.",
)
"""Reason and hint of a run of an older recipe that is not run any more."""
migrations = Migrations("tuning-fork")

TABLES = (
    """CREATE TABLE trials (
        id TEXT PRIMARY KEY, study TEXT NOT NULL, question TEXT NOT NULL, scale TEXT NOT NULL, seeds INTEGER NOT NULL,
        model TEXT NOT NULL, arms TEXT NOT NULL, spec TEXT NOT NULL, created REAL NOT NULL, cancelled REAL)""",
    """CREATE TABLE runs (
        hash TEXT PRIMARY KEY, arm TEXT NOT NULL, seed INTEGER NOT NULL, cost TEXT NOT NULL, spec TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN
            ('queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled', 'interrupted')),
        kind TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', hint TEXT NOT NULL DEFAULT '',
        step INTEGER NOT NULL DEFAULT 0, total_steps INTEGER NOT NULL DEFAULT 0, loss REAL,
        created REAL NOT NULL, started REAL, finished REAL, seconds REAL NOT NULL DEFAULT 0,
        attempt INTEGER NOT NULL DEFAULT 0, pid INTEGER, pid_started REAL, events_offset INTEGER NOT NULL DEFAULT 0,
        first_step INTEGER, first_elapsed REAL, last_elapsed REAL, tail REAL,
        priority INTEGER NOT NULL DEFAULT 0, place INTEGER NOT NULL)""",
    "CREATE INDEX runs_in_order ON runs (state, priority DESC, place)",
    """CREATE TABLE trial_runs (
        trial TEXT NOT NULL REFERENCES trials (id), run TEXT NOT NULL REFERENCES runs (hash), n INTEGER NOT NULL,
        PRIMARY KEY (trial, run)) WITHOUT ROWID""",
    "CREATE INDEX trials_of_run ON trial_runs (run)",
    # An event's outcomes are rows of their own; `body` is the rest of the line.
    """CREATE TABLE events (
        run TEXT NOT NULL REFERENCES runs (hash), seq INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (run, seq)) WITHOUT ROWID""",
    # AUTOINCREMENT: a reader's cursor never meets a number twice, even after rows were deleted.
    """CREATE TABLE points (
        id INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL REFERENCES runs (hash), name TEXT NOT NULL,
        step INTEGER NOT NULL, value REAL NOT NULL, UNIQUE (run, name, step))""",
    """CREATE TABLE metrics (
        run TEXT NOT NULL REFERENCES runs (hash), name TEXT NOT NULL, value REAL NOT NULL,
        PRIMARY KEY (run, name)) WITHOUT ROWID""",
    """CREATE TABLE outcomes (
        run TEXT NOT NULL REFERENCES runs (hash), probe TEXT NOT NULL, n INTEGER NOT NULL, item TEXT NOT NULL,
        correct INTEGER NOT NULL, failure TEXT, body TEXT NOT NULL, PRIMARY KEY (run, probe, n)) WITHOUT ROWID""",
    """CREATE TABLE checks (
        run TEXT NOT NULL REFERENCES runs (hash), seq INTEGER NOT NULL, name TEXT NOT NULL, ok INTEGER NOT NULL,
        detail TEXT NOT NULL, PRIMARY KEY (run, seq)) WITHOUT ROWID""",
    """CREATE TABLE notes (
        run TEXT NOT NULL REFERENCES runs (hash), seq INTEGER NOT NULL, name TEXT NOT NULL, detail TEXT NOT NULL,
        PRIMARY KEY (run, seq)) WITHOUT ROWID""",
)


@migrations()
def m001_first_tables(db: Database) -> None:
    """Trials, runs, and what runs say."""
    for statement in TABLES:
        db.execute(statement)
    db.execute("PRAGMA user_version = 1")


@migrations()
def m002_words_of_items(db: Database) -> None:
    """What items ask, once for all runs that are measured alike; what was written down when a trial was queued."""
    db.execute(
        """CREATE TABLE items (
        plan TEXT NOT NULL, item TEXT NOT NULL, prompt TEXT NOT NULL, gold TEXT NOT NULL,
        PRIMARY KEY (plan, item)) WITHOUT ROWID"""
    )
    db.execute("ALTER TABLE trials ADD COLUMN planned TEXT")
    db.execute("PRAGMA user_version = 2")


@migrations()
def m003_items_that_are_not_scored(db: Database) -> None:
    """`correct` may be NULL: such an outcome is neither right nor wrong. SQLite changes this by a table anew."""
    db.execute(
        """CREATE TABLE outcomes_anew (
        run TEXT NOT NULL REFERENCES runs (hash), probe TEXT NOT NULL, n INTEGER NOT NULL, item TEXT NOT NULL,
        correct INTEGER, failure TEXT, body TEXT NOT NULL, PRIMARY KEY (run, probe, n)) WITHOUT ROWID"""
    )
    db.execute("INSERT INTO outcomes_anew SELECT run, probe, n, item, correct, failure, body FROM outcomes")
    db.execute("DROP TABLE outcomes")
    db.execute("ALTER TABLE outcomes_anew RENAME TO outcomes")
    db.execute("PRAGMA user_version = 3")


@migrations()
def m004_weights_of_their_own(db: Database) -> None:
    """A run is known by what made its weights and what it needs, and a trial by the names that it gives its runs.

    Runs of an older recipe stay as they are stored, without `tune`; those that were still to be run are cancelled.
    """
    db.execute("ALTER TABLE runs ADD COLUMN tune TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE runs ADD COLUMN needs TEXT NOT NULL DEFAULT '[]'")
    db.execute("ALTER TABLE runs ADD COLUMN measures TEXT NOT NULL DEFAULT ''")
    db.execute("CREATE INDEX runs_by_tune ON runs (tune)")
    for run, spec in db.execute("SELECT hash, spec FROM runs").fetchall():
        db.execute("UPDATE runs SET measures = ? WHERE hash = ?", (older.measures_of(json.loads(spec)), run))
    db.execute(
        """UPDATE runs SET state = 'cancelled', reason = ?, hint = ?
           WHERE state IN ('queued', 'paused', 'interrupted')""",
        OLDER,
    )
    db.execute("ALTER TABLE trials ADD COLUMN recipe INTEGER NOT NULL DEFAULT 0")
    db.execute("UPDATE trials SET recipe = coalesce(json_extract(spec, '$.recipe'), ?)", (UNNAMED_RECIPE,))
    # Two arms of a trial may share a run, and two trials may give it different names.
    db.execute("ALTER TABLE trial_runs RENAME TO earlier_trial_runs")
    db.execute("DROP INDEX trials_of_run")
    db.execute(
        """CREATE TABLE trial_runs (
        trial TEXT NOT NULL REFERENCES trials (id), arm TEXT NOT NULL, seed INTEGER NOT NULL,
        run TEXT NOT NULL REFERENCES runs (hash), n INTEGER NOT NULL, PRIMARY KEY (trial, arm, seed)) WITHOUT ROWID"""
    )
    db.execute(
        """INSERT INTO trial_runs SELECT t.trial, r.arm, r.seed, t.run, t.n
           FROM earlier_trial_runs AS t JOIN runs AS r ON r.hash = t.run"""
    )
    db.execute("DROP TABLE earlier_trial_runs")
    db.execute("CREATE INDEX trials_of_run ON trial_runs (run)")
    db.execute("PRAGMA user_version = 4")


@migrations()
def m005_looks_are_noted(db: Database) -> None:
    """What runs answered, as hashes by which a copy is known (`jobs/store/looks.py`).

    Labs that know no log of looks refuse this version: what they would show could not be told from what nobody saw.
    """
    db.execute(
        """CREATE TABLE fingerprints (
        run TEXT NOT NULL REFERENCES runs (hash), probe TEXT NOT NULL, digest TEXT NOT NULL,
        PRIMARY KEY (run, probe)) WITHOUT ROWID"""
    )
    for run, probe in db.execute("SELECT DISTINCT run, probe FROM outcomes").fetchall():
        rows = db.execute("SELECT body FROM outcomes WHERE run = ? AND probe = ?", (run, probe))
        try:
            found = fingerprint([Outcome.model_validate_json(body) for (body,) in rows])
        except ValidationError:  # no figure can be drawn from it either, and the rest of the folder is sound
            continue
        if found:
            db.execute("INSERT INTO fingerprints VALUES (?, ?, ?)", (run, probe, found))
    db.execute("PRAGMA user_version = 5")


@migrations()
def m006_trials_that_are_looked_at(db: Database) -> None:
    """After how many seeds a trial is looked at (JSON; "": its seeds are fixed), what was seen, and why it ended."""
    db.execute("ALTER TABLE trials ADD COLUMN looks TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE trials ADD COLUMN looked TEXT NOT NULL DEFAULT ''")  # JSON of the last look's `Sequential`
    db.execute("ALTER TABLE trials ADD COLUMN settled TEXT NOT NULL DEFAULT ''")  # "": it has not ended
    db.execute(  # what came to be measured of an item is another thing since recipe 6
        """UPDATE runs SET state = 'cancelled', reason = ?, hint = ?
           WHERE state IN ('queued', 'paused', 'interrupted')
           AND coalesce(json_extract(spec, '$.tune.recipe'), 0) < 6""",
        OLDER,
    )
    db.execute("PRAGMA user_version = 6")


def keep_a_copy(db: Database, path: Path) -> None:
    """Before its shape changes, copy a database that holds something beside itself.

    Raises:
        StoreError: No copy can be made; nothing was changed.
    """
    version = db.execute("PRAGMA user_version").fetchone()[0]
    copy = path.with_name(f"{path.name}.version-{version}")
    if not version or not migrations.pending(db) or copy.exists():
        return
    part = copy.with_name(f"{copy.name}.part")
    try:
        part.unlink(missing_ok=True)  # of a copy that was cut short
        db.execute("VACUUM INTO ?", (str(part),))
        part.rename(copy)
    except OSError as error:
        why = f"{path} cannot be copied to {copy.name}, and without a copy it is not brought up to date"
        raise StoreError(f"{why}: {error.strerror}.", "Nothing was changed. Is there room?") from error


VERSION = 6
"""What `PRAGMA user_version` says once every migration is applied; a higher one was made by a newer lab."""
NAMES = frozenset(
    {
        "m001_first_tables", "m002_words_of_items", "m003_items_that_are_not_scored", "m004_weights_of_their_own",
        "m005_looks_are_noted", "m006_trials_that_are_looked_at",
    }
)  # fmt: skip
"""The steps this lab knows."""
