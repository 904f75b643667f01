"""The user's own plug-ins: which there are, and which cannot be used. None is loaded into this process for it."""

from __future__ import annotations

from typing import NamedTuple

from engine.spec import plugin, plugin_trial
from engine.spec.plugin import BASES, Broken, File


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
        Own(plugin.folder_name(kind), file.name, file.path, file.digest[:8])
        for kind in BASES
        for file, problem in _files(kind)
        if not problem
    ]


def broken() -> list[Broken]:
    """Those that cannot, with what is wrong."""
    return [Broken(file.name, file.path, problem) for kind in BASES for file, problem in _files(kind) if problem]


def _files(kind: str) -> list[tuple[File, str]]:
    """The user's files of a kind, each with why it cannot be used; "" where it can."""
    names = set(plugin.ours(kind))
    found: list[tuple[File, str]] = []
    for file in plugin.own_files(kind):
        problem = plugin.taken(file) if file.name in names else plugin_trial.tried(kind, file).problem
        names |= set() if problem else {file.name}
        found.append((file, problem))
    return found
