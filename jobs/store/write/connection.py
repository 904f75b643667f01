"""Connections to the database: read-only ones, and the one that writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from engine.spec.errors import StoreError
from jobs.paths import Home
from jobs.store import looks
from jobs.store.migrations import NAMES, VERSION, keep_a_copy, migrations

FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC}
BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
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


class Connection:
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
                if path is None:
                    looks.begin(home, self.db)
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


def _left_behind(home: Home) -> bool:
    if home.database.exists() and home.database.stat().st_size > 0:
        return False
    return any(home.trials.glob("*.json")) or any(home.runs.glob("*/events.ndjson"))
