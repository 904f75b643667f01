"""The user's own plug-ins: which there are, and which cannot be used. None is loaded into this process for it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from engine.spec.errors import PluginError
from engine.spec.plugins import discovery, trial
from engine.spec.plugins.discovery import BASES, Broken, File
from engine.spec.trial import TrialSpec
from jobs.paths import Home

DRAWN_BY = ("methods", "probes", "rules")
"""The kinds of plug-ins that are asked when a result is drawn up from outcomes."""


class Own(NamedTuple):
    """A plug-in of the user's that can be used.

    Attributes:
        kind: The folder it lies in, e.g. "methods".
        version: The first eight digits of the file's sha256: an edited file is another version.
    """

    kind: str
    name: str
    path: str
    version: str


def own() -> list[Own]:
    """Those that can be used, kind by kind."""
    return [
        Own(discovery.folder_name(kind), file.name, file.path, file.digest[:8])
        for kind in BASES
        for file, problem in _files(kind)
        if not problem
    ]


def broken() -> list[Broken]:
    """Those that cannot, with what is wrong."""
    return [Broken(file.name, file.path, problem) for kind in BASES for file, problem in _files(kind) if problem]


def no_result(trial: TrialSpec, home: Home, error: PluginError) -> PluginError:
    """What is said where a trial's figures cannot be drawn up for want of a plug-in: what to do, and what is safe.

    Args:
        error: What happened.
    """
    report = home.reports / f"{trial.id}.html"
    written = f" The report that was written earlier is {report}." if report.exists() else ""
    items = f"Every outcome as a table: python main.py report {trial.id} --items --to items.csv"
    kept = f"Runs and outcomes are kept.{written} {items}"
    if lost := _lost(trial, home):
        files = ", ".join(f"{path.name} in {path.parent}" for path in lost)
        return PluginError(
            f"The figures of {trial.id} cannot be drawn up without {files}.", f"Put back what is missing. {kept}"
        )
    return PluginError(error.message, f"{error.hint} {kept}".strip())


def _lost(trial: TrialSpec, home: Home) -> list[Path]:
    """The user's files by which the trial's figures are drawn up and that are not there."""
    used = [(kind, name) for kind, _, name in (use.partition("/") for use in trial.uses) if kind in DRAWN_BY]
    return [
        home.plugins / kind / f"{name.replace('-', '_')}.py" for kind, name in used if not discovery.code_of(kind, name)
    ]


def _files(kind: str) -> list[tuple[File, str]]:
    """The user's files of a kind, each with why it cannot be used; "" where it can."""
    names = set(discovery.ours(kind))
    found: list[tuple[File, str]] = []
    for file in discovery.own_files(kind):
        problem = discovery.taken(file) if file.name in names else trial.tried(kind, file).problem
        names |= set() if problem else {file.name}
        found.append((file, problem))
    return found
