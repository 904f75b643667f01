"""Runs and trials that were stored by older labs: what they were called, and what counted as a look at figures.

Runs from before a run was what made its weights and what is measured on them are read as the plain values that they
were stored as, and never run again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.run.planned import planned
from engine.spec.result import Look
from engine.spec.run import digest
from engine.spec.trial import UNNAMED_RECIPE, TrialSpec

if TYPE_CHECKING:
    from jobs.store.write import Database

_LATER = ("grader", "skip_bad_rows", "without")  # of the data: left at their defaults they change no name

Plain = dict[str, Any]


def is_run(plain: Any) -> bool:
    """Whether a stored run is one of these."""
    return isinstance(plain, dict) and "tune" not in plain and {"arm", "seed", "method", "data"} <= plain.keys()


def name_of(run: Plain) -> str:
    """The name of a run: paths, names and notes do not count."""
    plain = dict(run)
    plain["model"] = _without(run["model"], ("path", "name"))
    plain["data"] = _said(_without(run["data"], ("path",)))
    plain["scale"] = _without(run["scale"], ("note", "seeds"))
    return digest(plain)[:16]


def measures_of(run: Plain) -> str:
    """Runs with the same value were measured on the same items, and by the same probes."""
    return digest([_said(run["data"]), run["probes"], run["scale"]["items"], run["scale"]["live_items"]])


def cost_of(run: Plain) -> str:
    """Runs with the same value take about the same time."""
    own = [run["data"]["digest"]] if run["data"].get("path") else []
    scale = _without(run["scale"], ("note", "seeds"))
    return digest([run["study"], run["method"], scale, run["model"]["digest"], *own])[:12]


def runs_of(plain: Plain, trial: TrialSpec) -> list[Plain]:
    """The runs of a trial as they were planned then, in order.

    Args:
        plain: The trial as it was stored.
        trial: The same, read.
    """
    recipe = plain.get("recipe", UNNAMED_RECIPE)
    arms = {arm["name"]: arm for arm in plain["study"]["arms"]}
    scale = {**plain["study"]["scales"][plain["scale"]], "seeds": plain["seeds"]}
    there = planned(trial)
    return [
        {
            "study": plain["study"]["id"], "arm": name, "method": arms[name]["method"],
            "settings": arms[name]["settings"], "agreement": arms[name]["agreement"], "seed": seed,
            "probes": plain["study"]["probes"], "scale": scale, "model": plain["model"], "data": plain["data"],
            "recipe": recipe,
        }
        for seed in range(plain["seeds"])
        for name in plain["arms"]
        if (name, seed) in there
    ]  # fmt: skip


def looks_at(db: Database, name: str, trial: TrialSpec, queued: float) -> tuple[Look, ...]:
    """What counted as a look before looks were noted: that figures were there, whether anyone saw them or not.

    Earlier trials that had measured both arms of the primary contrast when this one was queued. They count if they
    share this trial's runs of both arms, or have the same design, whatever their name.
    """
    a, b = trial.study.primary.contrast
    rows = db.query(
        """SELECT e.id, e.seeds, e.spec, t.arm, own.arm AS shared FROM trials AS e
           JOIN trial_runs AS t ON t.trial = e.id JOIN runs AS r ON r.hash = t.run
           LEFT JOIN trial_runs AS own ON own.run = r.hash AND own.trial = :name AND own.arm IN (:a, :b)
           WHERE e.id != :name AND e.created < :queued AND r.state = 'succeeded' AND r.finished < :queued
           AND (t.arm IN (:a, :b) OR own.arm IS NOT NULL) ORDER BY e.created""",
        {"name": name, "queued": queued, "a": a, "b": b},
    )
    seen: dict[str, tuple[Look, str, set[str], set[str]]] = {}
    for row in rows:
        entry = (Look(trial=row["id"], seeds=row["seeds"]), row["spec"], set[str](), set[str]())
        _, _, measured, shared = seen.setdefault(row["id"], entry)
        measured |= {row["arm"]} & {a, b}
        shared |= {row["shared"]} if row["shared"] else set()
    return tuple(
        look
        for look, spec, measured, shared in seen.values()
        if len(shared) == 2
        or (len(measured) == 2 and TrialSpec.stored(json.loads(spec), look.trial).design == trial.design)
    )


def _without(plain: Plain, names: tuple[str, ...]) -> Plain:
    return {name: value for name, value in plain.items() if name not in names}


def _said(data: Plain) -> Plain:
    return {name: value for name, value in data.items() if value or name not in _LATER}
