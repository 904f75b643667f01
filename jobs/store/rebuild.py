"""Opening the database, whatever became of it: a missing or damaged one is made anew from the run folders."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from engine.spec.errors import LabError, StoreError
from engine.spec.run import RunSpec
from jobs.paths import Home, read_json
from jobs.queue import endings
from jobs.store import older, trial_file
from jobs.store.stream import whole_lines
from jobs.store.write import Damaged, Store

UNFINISHED = "the queue was rebuilt from the run folders; retry goes on from the last checkpoint"


def open_store(home: Home) -> tuple[Store, str]:
    """The writing connection, and what there is to say about it ("" for nothing).

    A damaged database is moved aside, never overwritten. Raises StoreError where it was made by a newer version, or
    where it cannot be rebuilt.
    """
    try:
        store = Store(home)
        home.suspect.unlink(missing_ok=True)
        return store, ""
    except Damaged as error:
        draft = home.database.with_name("lab.db.rebuilt")
        _remove(draft)
        trials, runs, lost = _fill(home, draft)
        aside = _move_aside(home.database)
        os.replace(draft, home.database)
        home.suspect.unlink(missing_ok=True)
        said = f"{error.message} It was rebuilt from the run folders: {trials} trials, {runs} runs"
        said += f"; {lost} files could not be read." if lost else "."
        return Store(home), f"{said} The damaged file is kept as {aside.name}." if aside else said


def _fill(home: Home, draft: Path) -> tuple[int, int, int]:
    store = Store(home, draft)
    lost = 0
    try:
        trials: list[trial_file.Told] = []
        for file in sorted(home.trials.glob("*.json")):
            try:
                trials.append(trial_file.read(file))
            except (ValidationError, LabError, KeyError, TypeError, ValueError):
                lost += 1
        found: dict[str, tuple[RunSpec | older.Plain, float]] = {}
        for file in sorted(home.runs.glob("*/run.json")):
            try:
                name, run, created = _run(file)
                found[name] = (run, created)
            except (ValidationError, KeyError, TypeError, ValueError):
                lost += 1
        found = dict(sorted(found.items(), key=lambda entry: entry[1][1]))
        for told in sorted(trials, key=lambda told: told.created):  # what has begun stays before what has not
            for name, run in told.runs.items():
                found.setdefault(name, (run, told.created))
        with store.batch():
            for name, (run, created) in found.items():
                if isinstance(run, RunSpec):
                    store.add_run(run, created)
                else:
                    store.add_older_run(name, run, created)
            for told in sorted(trials, key=lambda told: told.created):
                store.write_trial(told.trial, told.created, told.planned)
                for n, (arm, seed, name) in enumerate(told.links):
                    if name in found:
                        store.link(told.trial.id, arm, seed, name, n)
                lost += any(name not in found for _, _, name in told.links)
            for name in found:
                _refill(store, home, name)
    finally:
        store.close()
    return len(trials), len(found), lost


def _run(file: Path) -> tuple[str, RunSpec | older.Plain, float]:
    told = read_json(file) or {}
    plain, created = told.get("spec"), float(told["created"])
    if older.is_run(plain):
        return file.parent.name, cast(older.Plain, plain), created
    run = RunSpec.model_validate(plain)
    return run.hash, run, created


def _refill(store: Store, home: Home, run: str) -> None:
    folder = home.run(run)
    events, offset = folder / "events.ndjson", 0
    while True:
        lines, after = whole_lines(events, offset)
        if not lines:
            break
        store.ingest(run, lines, after)
        offset = after
    if not folder.exists() and store.run(run)["tune"]:
        store.settle(run, "paused", time.time(), 0.0, reason=UNFINISHED)
        return
    if not folder.exists():  # of an older recipe: it stays cancelled
        return
    attempt = int((read_json(folder / "failure.json") or {}).get("attempt", 1))
    ended = events.stat().st_mtime if events.exists() else time.time()
    last = store.finished(run)
    ending = endings.judge(store.complete(run), "", None, attempt, folder)
    seconds = last.seconds if last else 0.0
    if not store.run(run)["tune"] and ending.state == "interrupted":
        return
    state, reason = (ending.state, ending.reason) if ending.state != "interrupted" else ("paused", UNFINISHED)
    store.settle(run, state, ended, seconds, kind=ending.kind, reason=reason, hint=ending.hint)
    # How often it was interrupted is not known any more, so its seconds say nothing about others: attempt 2.
    store.set(run, started=ended - seconds, attempt=max(2, attempt))


def _move_aside(database: Path) -> Path | None:
    aside = database.with_name(f"{database.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    number = 1
    while aside.exists():
        number += 1
        aside = aside.with_name(f"{database.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}-{number}")
    try:
        for ending in ("-wal", "-shm", ""):  # the database last: until it is moved, the next start tries again
            part = database.with_name(database.name + ending)
            if part.exists():
                part.rename(aside.with_name(aside.name + ending))
    except OSError as error:
        raise StoreError(
            f"The damaged database {database} cannot be moved aside: {error.strerror or error}.",
            "Close other programs that use it, then start the lab again.",
        ) from error
    return aside if aside.exists() else None


def _remove(draft: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        draft.with_name(draft.name + ending).unlink(missing_ok=True)
