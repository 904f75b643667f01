"""A database of an older lab is taken over whole, and a copy of it is kept."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlite_utils import Database

from engine.spec.errors import StoreError
from engine.spec.example import Outcome
from engine.spec.trial import UNNAMED_RECIPE, TrialSpec
from jobs.lab import Lab
from jobs.paths import Home
from jobs.queue.lock import OwnerLock
from jobs.store.migrations import VERSION, migrations
from jobs.store.write import Store
from tests.unit.jobs import fakes

TABLES = ("trials", "runs", "trial_runs", "points", "metrics", "events", "outcomes")


def first_version(home: Home) -> dict[str, list[tuple]]:
    """A database as the first version left it, with one trial; its rows."""
    home.create()
    db = Database(sqlite3.connect(home.database))
    migrations.apply(db, stop_before="m002_words_of_items")
    trial = fakes.trial(seeds=1)
    arms = json.dumps([(name, name) for name in trial.arms])
    row = (trial.id, "fake", "Does it?", "smoke", 1, "none", arms, trial.model_dump_json(), 1.5)
    columns = "id, study, question, scale, seeds, model, arms, spec, created"
    db.execute(f"INSERT INTO trials ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    for n, run in enumerate(trial.runs()):
        db.execute(
            """INSERT INTO runs (hash, arm, seed, cost, spec, state, created, place, finished)
               VALUES (?, ?, ?, 'c', ?, ?, 1.5, ?, 2)""",
            (run.hash, run.arm, run.seed, run.model_dump_json(), "succeeded", n + 1),
        )
        db.execute("INSERT INTO trial_runs VALUES (?, ?, ?)", (trial.id, run.hash, n))
        db.execute("INSERT INTO metrics VALUES (?, 'calls.accuracy', ?)", (run.hash, 0.25 + n / 4))
        db.execute("INSERT INTO points (run, name, step, value) VALUES (?, 'loss', 1, 0.5)", (run.hash,))
        for at, correct in enumerate((True, False)):
            body = Outcome(item=f"i{at}", correct=correct, split="s", cluster="c").model_dump_json()
            words = (run.hash, at, f"i{at}", correct, body)
            db.execute("INSERT INTO outcomes VALUES (?, 'calls', ?, ?, ?, NULL, ?)", words)
        started = {"kind": "started", "seq": 0, "total_steps": 1, "threads": 1, "device": "cpu", "versions": {"a": "1"}}
        db.execute("INSERT INTO events VALUES (?, 0, 'started', ?)", (run.hash, json.dumps(started)))
    db.conn.commit()
    rows = held(db)
    db.close()
    return rows


def held(db: Database) -> dict[str, list[tuple]]:
    return {name: [tuple(row.values()) for row in db.table(name).rows] for name in TABLES}


def test_nothing_is_lost_and_a_copy_is_kept(home: Path, open_lab: Callable[..., Lab]) -> None:
    before = first_version(Home.at(home))
    store = Store(Home.at(home))
    after = held(store.db)
    assert store.db.execute("PRAGMA user_version").fetchone()[0] == VERSION
    store.close()
    assert after.pop("trials") == [(*before["trials"][0], None)]  # nothing was said of what it would find
    assert after == {name: rows for name, rows in before.items() if name != "trials"}
    copy = Home.at(home).database.with_name("lab.db.version-1")
    kept = Database(sqlite3.connect(copy))
    assert held(kept) == before
    kept.close()
    written = copy.stat().st_mtime_ns
    lab = open_lab()
    result = lab.result(fakes.trial(seeds=1).id)
    assert result.study.registration is not None
    assert result.study.registration.detectable is None
    assert not result.flips
    assert copy.stat().st_mtime_ns == written


def test_who_only_reads_brings_it_up_to_date(home: Path) -> None:
    made = Home.at(home)
    first_version(made)
    reader = Lab.reader(home)
    assert reader.result(fakes.trial(seeds=1).id).study.registration is not None
    reader.close()
    assert made.database.with_name("lab.db.version-1").exists()
    with OwnerLock(made):  # and nobody holds the folder any more
        pass


def test_while_an_older_lab_owns_it_readers_say_so(home: Path) -> None:
    made = Home.at(home)
    first_version(made)
    with OwnerLock(made), pytest.raises(StoreError, match="in use"):
        Lab.reader(home).snapshot()
    assert not made.database.with_name("lab.db.version-1").exists()


def test_a_new_database_needs_no_copy(home: Path) -> None:
    made = Home.at(home)
    made.create()
    Store(made).close()
    assert not list(made.database.parent.glob("lab.db.version-*"))


def test_a_copy_that_was_cut_short_is_made_again(home: Path) -> None:
    made = Home.at(home)
    before = first_version(made)
    made.database.with_name("lab.db.version-1.part").write_bytes(b"half a data")
    Store(made).close()
    kept = Database(sqlite3.connect(made.database.with_name("lab.db.version-1")))
    assert held(kept) == before
    kept.close()


def test_without_a_copy_nothing_is_changed(home: Path) -> None:
    made = Home.at(home)
    first_version(made)
    made.database.with_name("lab.db.version-1.part").mkdir()  # in the copy's way
    with pytest.raises(StoreError, match="cannot be copied"):
        Store(made)
    db = sqlite3.connect(made.database)
    assert db.execute("PRAGMA user_version").fetchone()[0] == 1
    db.close()


def test_trials_keep_the_names_they_were_stored_under() -> None:
    trial = fakes.trial(seeds=2).model_copy(update={"recipe": UNNAMED_RECIPE})
    assert trial.id == "fake-smoke-241ca37e"  # as the first version named it
    primary = trial.study.primary.model_copy(update={"seed_sd": 0.1})
    assert trial.model_copy(update={"study": trial.study.model_copy(update={"primary": primary})}).id != trial.id
    assert TrialSpec.model_validate_json(trial.model_dump_json()).id == trial.id
