"""The looks of trials that go on until they are settled: once a look's runs are there, it is judged."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from engine.run.planned import runs_of
from engine.spec.errors import LabError
from engine.spec.run import RunSpec
from engine.spec.sequential import Sequential
from engine.spec.trial import TrialSpec
from jobs.queue.budget import Budget
from jobs.store.write import Store

Judge = Callable[[str], tuple[TrialSpec, Sequential | None]]
"""A trial and its looks so far, from what is stored."""


class _Next(NamedTuple):
    """What was seen at a look, and what follows: more runs of the trial, or none and why."""

    seen: Sequential | None
    more: tuple[TrialSpec, list[RunSpec]] | None
    why: str = ""


class Looking:
    """Judges looks in a thread of its own, one at a time: statistics take seconds, and the queue must not wait.

    Args:
        store: The writing connection, used by the supervisor's thread alone.
        judged: None: no trial is looked at.
        budget: Is told of the runs to come.
    """

    def __init__(self, store: Store, judged: Judge | None, budget: Budget) -> None:
        self._store, self._judged, self._budget = store, judged, budget
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="looking")
        self._at: tuple[str, Future[_Next]] | None = None
        self._failed: set[str] = set()  # judged in vain because of a bug: not again before the lab is opened anew

    def step(self) -> None:
        """Act on a look that has been judged, and begin with the next one, if any. A bug in judging is raised here."""
        if self._at is None and self._judged is not None:
            waiting = [trial for trial in self._store.at_a_look() if trial not in self._failed]
            self._at = (waiting[0], self._pool.submit(_follows, self._judged, waiting[0])) if waiting else None
        if self._at is None or not self._at[1].done():
            return
        (name, done), self._at = self._at, None
        self._failed |= {name} if done.exception() else set()
        found = done.result()
        with self._store.batch():
            if found.more is not None:
                trial, runs = found.more
                self._budget.expect(runs, trial.inspection)
                self._store.add_trial(trial, runs, time.time())
            self._store.looked(name, found.seen, found.why)

    @property
    def busy(self) -> bool:
        """Whether a look is being judged."""
        return self._at is not None

    def close(self) -> None:
        """Begin with no more looks; one in progress is judged again when the lab is opened."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def first_look(store: Store, trial: TrialSpec, runs: list[RunSpec]) -> list[RunSpec]:
    """The runs to be queued at first: of later looks they are queued once it is known that they are needed."""
    if not trial.looks:
        return runs
    seeds = max(store.begun(trial.id), trial.looks[0])
    return [run for run in runs if run.seed < seeds]


def _follows(judged: Judge, name: str) -> _Next:
    try:
        trial, seen = judged(name)
        if seen is None or seen.decision != "go-on":
            return _Next(seen, None, seen.decision if seen else "settled")
        seeds = next(seeds for seeds in seen.plan if seeds > seen.looks[-1].seeds)
        return _Next(seen, (trial, [run for run in runs_of(trial) if run.seed < seeds]))
    except LabError as error:  # a plug-in or a model is gone; whoever asks for the result is told the same
        return _Next(None, None, f"stopped: {error.message}")
