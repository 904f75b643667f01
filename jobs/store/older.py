"""Runs and trials that were stored before a run was what made its weights and what is measured on them.

They are read as the plain values that they were stored as, and never run again.
"""

from __future__ import annotations

from typing import Any

from engine.run.planned import planned
from engine.spec.run import digest
from engine.spec.trial import UNNAMED_RECIPE, TrialSpec

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


def _without(plain: Plain, names: tuple[str, ...]) -> Plain:
    return {name: value for name, value in plain.items() if name not in names}


def _said(data: Plain) -> Plain:
    return {name: value for name, value in data.items() if value or name not in _LATER}
