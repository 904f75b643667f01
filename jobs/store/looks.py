"""The log of looks: which runs' figures were shown, when, how and by which trial (`engine.analysis.registration`).

It is a file of its own, `looks.ndjson`: whoever shows figures appends to it, whether or not the process owns the folder
and could write to the database, and it outlives a database that is lost. Its first line says since when looks are
noted; every other line is a `LookNoted`. A line is written, and on the disk, before the figures are handed out, so that
a process that is killed has noted what it showed; half a line was no look.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from engine.analysis.registration import looks_at, probes_read
from engine.spec.errors import StoreError
from engine.spec.result import Look, Shown
from engine.spec.run import RunSpec
from engine.spec.runs import Identity, LookNoted
from engine.spec.trial import TrialSpec
from jobs.paths import Home
from jobs.store import older

if TYPE_CHECKING:
    from jobs.store.write import Database

log = logging.getLogger("tuning_fork.jobs")


class Noted(NamedTuple):
    """What the log holds.

    Attributes:
        since: When it was begun, seconds since 1970; infinity where there is none.
    """

    since: float
    looks: tuple[LookNoted, ...]


def begin(home: Home, db: Database) -> None:
    """Begin the log, where there is none.

    Whatever was measured by then may have been seen by anyone: it counts as shown when it was there.

    Args:
        db: The folder's database; this process owns the folder.

    Raises:
        StoreError: The file cannot be written.
    """
    if home.looks.exists():
        return
    lines = [json.dumps({"since": time.time()})]
    rows = db.query(
        """SELECT t.trial, trials.spec, max(r.finished) AS at, json_group_array(r.hash) AS runs FROM trial_runs AS t
           JOIN trials ON trials.id = t.trial JOIN runs AS r ON r.hash = t.run AND r.state = 'succeeded'
           GROUP BY t.trial ORDER BY at, trials.created"""
    )
    for row in rows:
        spec = json.loads(row["spec"])  # as it was stored: not every old trial can be read whole
        primary, scale = spec["study"]["primary"], spec["scale"]
        look = _look(db, row["trial"], primary, scale, "assumed", json.loads(row["runs"]), row["at"])
        lines.append(look.model_dump_json())
    draft = home.looks.with_name(f"{home.looks.name}.part")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, home.looks)
    except OSError as error:
        raise StoreError(
            f"{home.looks} cannot be written: {error.strerror or error}.",
            "It says which figures have been seen. Is there room, and may you write there?",
        ) from error


def read(home: Home) -> Noted:
    """All that was noted, in the order in which it was. Raises StoreError where the file cannot be read."""
    try:
        whole = home.looks.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return Noted(float("inf"), ())
    except OSError as error:
        raise StoreError(
            f"{home.looks} cannot be read: {error.strerror or error}.",
            "It says which figures have been seen, without which no result is drawn up.",
        ) from error
    since, looks = float("inf"), list[LookNoted]()
    for number, line in enumerate(whole, 1):
        try:
            if number == 1:
                since = float(json.loads(line)["since"])
            elif line:
                looks.append(LookNoted.model_validate_json(line))
        except (ValidationError, ValueError, KeyError, TypeError):
            log.warning("line %d of %s is no look and is passed over", number, home.looks)
    return Noted(since, tuple(looks))


def note(home: Home, db: Database, name: str, trial: TrialSpec, shown: Shown, runs: Collection[str]) -> None:
    """Note that figures of a trial's runs are about to be shown, as far as this trial has not shown them before.

    Args:
        name: The name under which the trial is stored.
        runs: The runs' names.

    Raises:
        StoreError: It cannot be noted.
    """
    look = _look(db, name, trial.study.primary.model_dump(), trial.scale, shown, runs, time.time())
    before = [run for known in read(home).looks if known.trial == name for run in known.runs]
    new = tuple(run for run in look.runs if run not in before)
    if not new:
        return
    # It begins with a line's end: if another process was cut short within its line, this one stands by itself.
    line = f"\n{look.model_copy(update={'runs': new}).model_dump_json()}\n".encode()
    try:
        file = os.open(home.looks, os.O_WRONLY | os.O_APPEND)  # not made here: only `begin` knows what was before
        try:
            if os.write(file, line) < len(line):
                raise OSError("there is no room for it")
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as error:
        raise StoreError(
            f"It could not be noted that figures of {name} were shown: {error.strerror or error}.",
            "A trial that is queued later in this folder does not know that they were seen.",
        ) from error


class Others(NamedTuple):
    """Other trials by which arms that a trial compares were shown.

    Attributes:
        before: When it was queued.
        beside: Later, by trials that may have been queued before, but earlier than by the trial itself.
    """

    before: tuple[Look, ...] = ()
    beside: tuple[Look, ...] = ()


def of_others(home: Home, db: Database, name: str, trial: TrialSpec, queued: float) -> Others:
    """The other trials by which arms that a trial compares had been shown when it was queued, and afterwards.

    Of trials from before the log was begun it is what was said of them then.

    Args:
        name: The name under which the trial is stored; its looks at its own figures stand under it in the log.
        queued: When it was queued, seconds since 1970.

    Raises:
        StoreError: The log cannot be read.
        PluginError: The trial's rule, from which it is known what is compared, cannot be had.
    """
    noted = read(home)
    if queued < noted.since:
        return Others(older.looks_at(db, name, trial, queued))
    own = min((look.at for look in noted.looks if look.trial == name), default=float("inf"))
    others = [look for look in noted.looks if look.trial != name]
    if not others:
        return Others()
    runs = _identities(db, name, probes_read(trial.study))
    before = looks_at(trial.study, runs, [look for look in others if look.at <= queued], trial.scale)
    beside = looks_at(trial.study, runs, [look for look in others if queued < look.at < own], trial.scale)
    return Others(before, beside)


def _look(
    db: Database, name: str, primary: Mapping[str, Any], scale: str, shown: Shown, runs: Collection[str], at: float
) -> LookNoted:
    return LookNoted(
        at=at, trial=name, shown=shown, metric=f"{primary['probe']}.{primary['metric']}", contrast=primary["contrast"],
        runs=tuple(run for run in _identities(db, name) if run.run in runs), scale=scale,
    )  # fmt: skip


def _identities(db: Database, trial: str, probes: Collection[str] | None = None) -> tuple[Identity, ...]:
    """A trial's runs by what they are, whether they have been run or not.

    Args:
        probes: By their answers to these alone; None: to any.
    """
    rows = db.query(
        """SELECT t.arm, t.seed, t.run, r.tune, r.spec, (SELECT json_group_array(json_array(probe, digest))
           FROM (SELECT probe, digest FROM fingerprints WHERE run = t.run ORDER BY probe))
           AS outcomes FROM trial_runs AS t JOIN runs AS r ON r.hash = t.run WHERE t.trial = ? ORDER BY t.n""",
        (trial,),
    )
    return tuple(
        Identity(
            arm=row["arm"], seed=row["seed"], run=row["run"], tune=row["tune"], kin=_kin(row["spec"]),
            outcomes=tuple(
                digest for probe, digest in json.loads(row["outcomes"]) if probes is None or probe in probes
            ),
        )
        for row in rows
    )  # fmt: skip


@lru_cache(maxsize=4096)  # curves are asked for many times a minute, and each asking is noted
def _kin(spec: str) -> str:
    """`RunSpec.kin` of a stored run; "" where it is of a recipe so old that it cannot be read."""
    try:
        return RunSpec.model_validate_json(spec).kin
    except ValidationError:
        return ""
