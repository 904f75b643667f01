"""Runs that are to be run again: with what they need, with what needs them, and without what is damaged."""

from __future__ import annotations

import shutil

from engine.run import weights
from engine.spec.errors import StoreError
from jobs.paths import Home
from jobs.queue.waiting import Waiting
from jobs.store.write import OLDER, Store


def retry(home: Home, store: Store, waiting: Waiting, run: str) -> None:
    """Queue a failed, cancelled, paused or interrupted run again, with the runs that it needs or that need it.

    One that has succeeded begins anew where the weights that it made are gone.

    Raises:
        StoreError: It has succeeded, or is of an older recipe.
    """
    row = store.run(run)
    if not row["tune"]:
        raise StoreError(f"This run was {OLDER[0]}.", OLDER[1])
    if row["state"] == "succeeded":
        if not waiting.lost(run):
            raise StoreError("This run has succeeded; there is nothing to retry.", "Its results stand.")
        shutil.rmtree(home.run(run), ignore_errors=True)
        with store.batch():
            store.begin_anew(run)
    runs = [*waiting.makers(run), run, *waiting.users(run)]
    clear_damaged(home, store, runs)
    with store.batch():
        store.requeue(runs)


def clear_damaged(home: Home, store: Store, runs: list[str]) -> None:
    """Remove what damaged runs left. Weights stay where another run is made from the same or needs them."""
    for run in runs:
        row = next(iter(store.db.query("SELECT kind, tune FROM runs WHERE hash = ?", (run,))), None)
        if row is None or row["kind"] != "damaged":
            continue
        shutil.rmtree(home.run(run), ignore_errors=True)
        if len(store.makers(row["tune"])) == 1 and not store.users(row["tune"]):
            shutil.rmtree(weights.folder_of(home.weights, row["tune"]), ignore_errors=True)
