"""Which run comes next: a run whose weights are not there yet waits, and says for what."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import NamedTuple

from engine.run import weights
from engine.spec.run import RunSpec
from engine.spec.runs import State
from jobs.paths import Home
from jobs.store.write import Row, Store

NEEDS = "needs"
"""The `kind` of a run that was ended because what it needs cannot be had: it is queued again with what it needs."""
WAITS = "waits for the weights"
FATES: dict[str, tuple[State, str]] = {
    "failed": ("failed", "has failed"),
    "cancelled": ("failed", "was cancelled"),
    "paused": ("paused", "was stopped"),
    "interrupted": ("interrupted", "was interrupted"),
}
"""What becomes of a run whose need cannot be had now, by the state of the run that makes it."""

HOPE = ("running", "queued", *reversed(FATES), "succeeded")
"""States of runs that make weights, the most hopeful first; of one that has succeeded, the weights are gone."""


class Look(NamedTuple):
    """What a queued run can do: start at once (`reason` is empty), wait (`state` is "queued"), or not be run."""

    state: State = "queued"
    reason: str = ""
    hint: str = ""


class Waiting:
    """Looks at what queued runs wait for. The supervisor's thread alone.

    Args:
        home: Its `weights` folder holds what runs have made, and its `runs` what can be kept again.
    """

    def __init__(self, home: Home, store: Store) -> None:
        self._home, self._store = home, store
        self._there: dict[str, bool] = {}  # of one look at all runs
        self._missing: dict[str, Look] = {}

    def next(self, active: Collection[str]) -> tuple[RunSpec | None, dict[str, Look]]:
        """The first queued run that can start, and what is to be written of the others.

        Args:
            active: The runs at work.

        Returns:
            That run, None where none can start; and by run's name what has changed.
        """
        self._forget()
        queued = self._store.queued()
        busy = {row["tune"]: run for run in active if (row := self._store.run(run))}
        first: str | None = None
        said: dict[str, Look] = {}
        for row in queued:
            look = self._look(row, busy)
            if not look.reason and first is None:
                first = row["hash"]
            waited = row["reason"].startswith(WAITS)
            if look.state != "queued" or (look.reason != row["reason"] and (look.reason or waited)):
                said[row["hash"]] = look
        if queued and first is None and not active and not said:
            circle = Look("failed", "It waits for runs that wait for it.", "Report this study: it cannot be run.")
            said = {row["hash"]: circle for row in queued}
        return (self._store.spec(first) if first else None), said

    def makers(self, run: str) -> list[str]:
        """The runs that make what a run needs, and what those need, each before those that need it."""
        self._forget()
        found: list[str] = []
        for tune in json.loads(self._store.run(run)["needs"]):
            made_by = [] if self._have(tune) else self._makers(tune)[:1]
            for row in made_by:
                found += [name for name in (*self.makers(row["hash"]), row["hash"]) if name not in found]
        return found

    def users(self, run: str) -> list[str]:
        """The runs that were ended because this one was, and those that were ended because they were."""
        found: list[str] = []
        for name in self._store.users(self._store.run(run)["tune"]):
            row = self._store.run(name)
            if row["kind"] == NEEDS and row["state"] in ("failed", "paused", "interrupted"):
                found += [each for each in (name, *self.users(name)) if each not in found]
        return found

    def trains(self, spec: RunSpec) -> bool:
        """Whether a run will train: it makes weights, and they are not there yet."""
        return spec.trains and not weights.there(self._home.weights, spec.tune.hash)

    def lost(self, run: str) -> bool:
        """Whether the weights that a run has made are gone and cannot be kept again."""
        self._forget()
        return self._store.spec(run).trains and not self._have(self._store.run(run)["tune"])

    def _forget(self) -> None:
        self._there, self._missing = {}, {}

    def _look(self, row: Row, busy: dict[str, str]) -> Look:
        for tune in json.loads(row["needs"]):
            if not self._have(tune):
                if tune not in self._missing:
                    self._missing[tune] = self._without(tune)
                return self._missing[tune]
        maker = busy.get(row["tune"])
        if maker is not None and self._store.spec(maker).trains and not self._have(row["tune"]):
            return Look("queued", f"{WAITS} that {self._store.title(maker)} is making")
        return Look()

    def _without(self, tune: str) -> Look:
        """What becomes of a run that needs weights which are not there."""
        made_by = next(iter(self._makers(tune)), None)
        if made_by is None:
            return Look(
                "failed", "No run makes the weights that it needs.", "Start its study again with the arm that does."
            )
        title, state = self._store.title(made_by["hash"]), made_by["state"]
        if state in ("running", "queued"):
            return Look("queued", f"{WAITS} that {title} {'is making' if state == 'running' else 'will make'}")
        if state == "succeeded":
            return Look(
                "failed", f"It needs the weights that {title} made, and they are gone from the data folder.",
                f"Retry {title}: it trains anew, and this run follows.",
            )  # fmt: skip
        fate, what = FATES[state]
        return Look(fate, f"It needs the weights of {title}, which {what}.", f"Retry {title}, and this run follows.")

    def _makers(self, tune: str) -> list[Row]:
        """The runs that make these weights, the most hopeful first."""
        return sorted(self._store.makers(tune), key=lambda row: HOPE.index(row["state"]))

    def _have(self, tune: str) -> bool:
        """Whether weights are there; what a finished run still has in its own folder is kept again."""
        if tune not in self._there:
            self._there[tune] = weights.there(self._home.weights, tune) or any(
                self._kept_again(row) for row in self._store.makers(tune) if row["state"] == "succeeded"
            )
        return self._there[tune]

    def _kept_again(self, row: Row) -> bool:
        spec = RunSpec.model_validate_json(row["spec"])
        told = self._store.finished(row["hash"])
        saved = self._home.run(row["hash"]) / "adapter"
        return told is not None and weights.restore(self._home.weights, spec.tune, saved, told.adapter)
