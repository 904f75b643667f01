"""A database of an older lab is taken over whole, and a copy of it is kept."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlite_utils import Database

from engine.spec.errors import StoreError
from engine.spec.trial import UNNAMED_RECIPE, TrialSpec
from jobs.lab import Lab
from jobs.paths import Home
from jobs.queue.lock import OwnerLock
from jobs.store import older, read
from jobs.store.migrations import VERSION, migrations
from jobs.store.write import Store, errors
from tests.unit.jobs import fakes
from tests.unit.jobs.test_rebuild import OLDER_NAME, OLDER_TRIAL

MEASURES = "2954eac642c3bba780d943a85805c07d999ac9d23e27476925f8dc3bd1a25697"
TABLES = ("trials", "runs", "trial_runs", "points", "metrics", "events", "outcomes")


def first_version(home: Home) -> dict[str, list[tuple]]:
    """A database as the first version left it, with one trial: a run that succeeded and one still queued; its rows."""
    home.create()
    db = Database(sqlite3.connect(home.database))
    migrations.apply(db, stop_before="m002_words_of_items")
    plain = json.loads(OLDER_TRIAL.read_text())
    for arm in plain["study"]["arms"]:
        arm["settings"] = {}  # the fake method's are not the real one's
    trial = TrialSpec.stored(plain, OLDER_NAME)
    arms = json.dumps([(name, name) for name in trial.arms])
    row = (trial.id, "fake", "Does it?", "smoke", 1, "none", arms, json.dumps(plain), 1.5)
    columns = "id, study, question, scale, seeds, model, arms, spec, created"
    db.execute(f"INSERT INTO trials ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    for n, run in enumerate(older.runs_of(plain, trial)):
        name = older.name_of(run)
        db.execute(
            """INSERT INTO runs (hash, arm, seed, cost, spec, state, created, place, finished)
               VALUES (?, ?, ?, 'c', ?, ?, 1.5, ?, 2)""",
            (name, run["arm"], run["seed"], json.dumps(run), ("succeeded", "queued")[n], n + 1),
        )
        db.execute("INSERT INTO trial_runs VALUES (?, ?, ?)", (trial.id, name, n))
        db.execute("INSERT INTO metrics VALUES (?, 'calls.accuracy', ?)", (name, 0.25 + n / 4))
        db.execute("INSERT INTO points (run, name, step, value) VALUES (?, 'loss', 1, 0.5)", (name,))
        started = {"kind": "started", "seq": 0, "total_steps": 1, "threads": 1, "device": "cpu", "versions": {"a": "1"}}
        db.execute("INSERT INTO events VALUES (?, 0, 'started', ?)", (name, json.dumps(started)))
    db.conn.commit()
    rows = every(db)
    db.close()
    return rows


def held(db: Database) -> dict[str, list[tuple]]:
    """All rows, without what later versions added to them."""
    added = {
        "trials": ("planned", "recipe", "looks", "looked", "settled"),
        "runs": ("tune", "needs", "measures", "state", "reason", "hint"),
        "trial_runs": ("arm", "seed"),
    }  # fmt: skip
    found = {name: list(db.table(name).rows) for name in TABLES}
    return {
        name: [tuple(row[key] for key in sorted(row) if key not in added.get(name, ())) for row in rows]
        for name, rows in found.items()
    }


def every(db: Database) -> dict[str, list[tuple]]:
    return {name: [tuple(row.values()) for row in db.table(name).rows] for name in TABLES}


def test_nothing_is_lost_and_a_copy_is_kept(home: Path, open_lab: Callable[..., Lab]) -> None:
    before = first_version(Home.at(home))
    raw = Database(sqlite3.connect(Home.at(home).database))
    common = held(raw)
    raw.close()
    store = Store(Home.at(home))
    assert held(store.db) == common
    assert [row["recipe"] for row in store.db.table("trials").rows] == [UNNAMED_RECIPE]
    assert [(row["arm"], row["seed"]) for row in store.db.query("SELECT * FROM trial_runs ORDER BY n")] == [
        ("plain", 0), ("odd", 0),
    ]  # fmt: skip
    assert store.db.execute("PRAGMA user_version").fetchone()[0] == VERSION
    store.close()
    copy = Home.at(home).database.with_name("lab.db.version-1")
    kept = Database(sqlite3.connect(copy))
    assert every(kept) == before
    kept.close()
    written = copy.stat().st_mtime_ns
    lab = open_lab()
    assert [(run.arm, run.state) for run in lab.snapshot(OLDER_NAME).runs] == [
        ("plain", "succeeded"),
        ("odd", "cancelled"),
    ]
    assert "older version" in lab.snapshot(OLDER_NAME).runs[1].reason
    assert lab.snapshot(OLDER_NAME).trials[0].old
    result = lab.result(OLDER_NAME)
    assert result.study.registration is not None
    assert result.study.registration.detectable is None
    assert not result.flips
    assert copy.stat().st_mtime_ns == written


def test_who_only_reads_brings_it_up_to_date(home: Path) -> None:
    made = Home.at(home)
    first_version(made)
    reader = Lab.reader(home)
    assert reader.result(OLDER_NAME).study.registration is not None
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
    assert every(kept) == before
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


def test_what_old_items_asked_is_still_known(home: Path, open_lab: Callable[..., Lab]) -> None:
    """The words of items stood under what the run measured, which had another name then."""
    made = Home.at(home)
    first_version(made)
    db = Database(sqlite3.connect(made.database))
    migrations.apply(db, stop_before="m004_weights_of_their_own")
    spec = json.loads(next(db.query("SELECT spec FROM runs"))["spec"])
    plan = older.measures_of(spec)
    db.execute("INSERT INTO items VALUES (?, 'i0', 'What?', 'this')", (plan,))
    db.conn.commit()
    db.close()
    lab = open_lab()
    with errors(made.database):
        assert read.texts(lab._db(), OLDER_NAME)["i0"].prompt == "What?"


def test_what_was_at_work_in_an_older_lab_is_not_begun_again(home: Path, open_lab: Callable[..., Lab]) -> None:
    made = Home.at(home)
    first_version(made)
    db = sqlite3.connect(made.database)
    db.execute("UPDATE runs SET state = 'running', started = 1.0 WHERE state = 'queued'")
    db.commit()
    db.close()
    lab = open_lab()
    assert [run.state for run in lab.snapshot(OLDER_NAME).runs] == ["succeeded", "cancelled"]


def test_measures_of_older_runs_are_those_of_then() -> None:
    """As the lab of recipe 3 named them (`RunSpec.measures`)."""
    plain = json.loads(OLDER_TRIAL.read_text())
    runs = older.runs_of(plain, TrialSpec.stored(plain, OLDER_NAME))
    assert {older.measures_of(run) for run in runs} == {MEASURES}
    assert {older.cost_of(run) for run in runs} == {"5f1812f4394e"}


def test_trials_keep_the_names_they_were_stored_under() -> None:
    plain = json.loads(OLDER_TRIAL.read_text())
    trial = TrialSpec.stored(plain, OLDER_NAME)
    assert trial.id == OLDER_NAME
    assert TrialSpec.stored(trial.model_dump(mode="json"), OLDER_NAME) == trial
    assert TrialSpec.model_validate_json(trial.model_dump_json()).id == trial.id
    new = fakes.trial(seeds=2)
    assert not new.old
    assert TrialSpec.stored(new.model_dump(mode="json"), "any").id == new.id
