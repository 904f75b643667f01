"""A trial's file: with the run folders, all that a lost database is rebuilt from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from engine.run.planned import runs_of
from engine.spec.errors import LabError
from engine.spec.run import RunSpec
from engine.spec.runs import Planned
from engine.spec.trial import TrialSpec
from jobs.paths import Home, read_json, write_json
from jobs.store import older

LINKED = 5
"""The first recipe whose trials' files name their runs as labs do now."""


class Told(NamedTuple):
    """A trial as its file tells of it.

    Attributes:
        created: When it was queued, seconds since 1970.
        links: Its runs in order: arm, seed and the run's name.
        runs: The specifications of those that can be planned again; of an older recipe, as they were stored.
    """

    trial: TrialSpec
    created: float
    planned: Planned | None
    links: list[tuple[str, int, str]]
    runs: dict[str, RunSpec | older.Plain]


def write(home: Home, trial: TrialSpec, runs: Sequence[RunSpec], now: float, planned: Planned | None) -> None:
    """Write a trial's file, unless it is there: what was written first stands."""
    file = home.trials / f"{trial.id}.json"
    if file.exists():
        return
    named = [(run.arm, run.seed, run.hash) for run in runs]
    plain = {"created": now, "trial": trial.model_dump(mode="json"), "runs": named}
    write_json(file, plain | ({"planned": planned.model_dump()} if planned else {}))


def read(file: Path) -> Told:
    """What a trial's file tells. Raises LabError, ValueError, KeyError or TypeError where it is damaged."""
    told = read_json(file) or {}
    trial = TrialSpec.stored(told.get("trial"), file.stem)
    created = float(told["created"])
    planned = Planned.model_validate(told["planned"]) if told.get("planned") else None
    if trial.recipe < LINKED:
        plain = {older.name_of(run): run for run in older.runs_of(told["trial"], trial)}
        links = [(run["arm"], run["seed"], name) for name, run in plain.items()]
        return Told(trial, created, planned, links, dict(plain))
    links = [(str(arm), int(seed), str(name)) for arm, seed, name in told["runs"]]
    try:
        again = {run.hash: run for run in runs_of(trial)}
    except LabError:  # it is of an older recipe, or a model or a plug-in is gone: what has run is there all the same
        again = {}
    named = {name for _, _, name in links}
    return Told(trial, created, planned, links, {name: run for name, run in again.items() if name in named})
