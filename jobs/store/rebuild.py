"""Opening the database, whatever became of it: a missing or damaged one is made anew from the run folders."""

from __future__ import annotations

import os
import time
from pathlib import Path

from pydantic import ValidationError

from engine.spec.errors import LabError, StoreError
from engine.spec.run import RunSpec
from engine.spec.runs import Planned
from engine.spec.trial import TrialSpec
from jobs.paths import Home, read_json
from jobs.queue import endings
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
        found: dict[str, tuple[RunSpec, float]] = {}
        trials: list[tuple[TrialSpec, list[RunSpec], float, Planned | None]] = []
        for file in sorted(home.trials.glob("*.json")):
            try:
                told = read_json(file) or {}
                trial = TrialSpec.stored(told.get("trial"))
                created = float(told["created"])
                planned = Planned.model_validate(told["planned"]) if told.get("planned") else None
                trials.append((trial, trial.runs(), created, planned))
            except (ValidationError, LabError, KeyError, TypeError, ValueError):
                lost += 1
        for file in sorted(home.runs.glob("*/run.json")):
            try:
                told = read_json(file) or {}
                run = RunSpec.model_validate(told.get("spec"))
                found[run.hash] = (run, float(told["created"]))
            except (ValidationError, KeyError, TypeError, ValueError):
                lost += 1
        with store.batch():
            for run, created in sorted(found.values(), key=lambda entry: entry[1]):
                store.add_run(run, created)
            for trial, runs, created, planned in sorted(trials, key=lambda t: t[2]):
                store.add_trial(trial, runs, created, planned)
            rows = store.in_state("queued")
            for row in rows:
                _refill(store, home, row["hash"])
    finally:
        store.close()
    return len(trials), len(rows), lost


def _refill(store: Store, home: Home, run: str) -> None:
    folder = home.run(run)
    events, offset = folder / "events.ndjson", 0
    while True:
        lines, after = whole_lines(events, offset)
        if not lines:
            break
        store.ingest(run, lines, after)
        offset = after
    if not folder.exists():
        store.settle(run, "paused", time.time(), 0.0, reason=UNFINISHED)
        return
    attempt = int((read_json(folder / "failure.json") or {}).get("attempt", 1))
    ended = events.stat().st_mtime if events.exists() else time.time()
    last = store.finished(run)
    ending = endings.judge(store.complete(run), "", None, attempt, folder)
    seconds = last.seconds if last else 0.0
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
