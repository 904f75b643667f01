"""Finding plug-ins: one file, one class, and the file's name is the plug-in's."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import sys
import traceback
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from engine.spec.errors import PluginError, SpecError
from engine.spec.provenance import hash_file

T = TypeVar("T")

FOLDER = "TUNING_FORK_PLUGINS"
"""The environment variable that names the user's folder of plug-ins, for the lab and all of its processes."""


@dataclass(frozen=True)
class Broken:
    """A plug-in file that could not be loaded, with its traceback: listed, never silently gone."""

    name: str
    path: str
    traceback: str


@dataclass(frozen=True)
class Found(Generic[T]):
    """The plug-ins of one kind.

    Attributes:
        files: Where the user's own lie.
        digests: sha256 of those files, as they were loaded.
    """

    classes: dict[str, type[T]]
    broken: tuple[Broken, ...]
    files: dict[str, Path] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> type[T]:
        """The plug-in of that name. Raises PluginError where there is none or it is broken."""
        if name in self.classes:
            return self.classes[name]
        for broken in self.broken:
            if broken.name == name:
                raise PluginError(
                    f"The plug-in {broken.path} does not load.", broken.traceback.strip().splitlines()[-1]
                )
        raise PluginError(f"There is no plug-in named {name!r}.", f"There are: {', '.join(sorted(self.classes))}.")

    def code(self, name: str) -> str:
        """sha256 of the file of a user's plug-in; "" for the lab's own."""
        return self.digests.get(name, "")


def discover(kind: str, base: type[T]) -> Found[T]:
    """Every plug-in of a kind: those of the package `engine.<kind>`, then the user's own.

    Names that begin with "_" are no plug-ins. What is known is kept until a file of the user's changes.

    Args:
        kind: "methods", "objectives", "adaptations", "probes", "rules" or "world.tasks".
        base: Each module must define exactly one subclass of it whose `name` is the module's.
    """
    return _discover(kind, base, _stamp(kind))


def folder_of(kind: str) -> Path | None:
    """The user's own folder of a kind of plug-ins ("tasks" for "world.tasks"); None where no data folder was named."""
    named = os.environ.get(FOLDER)
    return Path(named) / kind.rpartition(".")[2] if named else None


def code_of(kind: str, name: str) -> str:
    """sha256 of the file of a user's plug-in, without importing it; "" for the lab's own."""
    stem = name.replace("-", "_")
    if (Path(__file__).resolve().parents[1] / kind.replace(".", "/") / f"{stem}.py").exists():
        return ""
    return next((digest for path, digest in _stamp(kind) if Path(path).stem == stem), "")


def _stamp(kind: str) -> tuple[tuple[str, str], ...]:
    """The user's files with the sha256 of each."""
    folder = folder_of(kind)
    files = sorted(folder.glob("*.py")) if folder is not None and folder.is_dir() else []
    return tuple((str(path), _hash(path)) for path in files)


def _hash(path: Path) -> str:
    try:
        return hash_file(path)
    except OSError:
        return ""


@cache
def _discover(kind: str, base: type[T], stamp: tuple[tuple[str, str], ...]) -> Found[T]:
    package = importlib.import_module(f"engine.{kind}")
    classes: dict[str, type[T]] = {}
    files: dict[str, Path] = {}
    digests: dict[str, str] = {}
    broken: list[Broken] = []
    inside = [(m.name, f"{package.__name__}.{m.name}", "", "") for m in pkgutil.iter_modules(package.__path__)]
    outside = [(Path(path).stem, "", path, digest) for path, digest in stamp]
    for stem, module_name, path, digest in inside + outside:
        if stem.startswith("_"):
            continue
        name = stem.replace("_", "-")
        try:
            module = importlib.import_module(module_name) if module_name else _load(stem, path)
            cls = _only_class(module, base)
            if getattr(cls, "name", None) != name:
                raise PluginError(f"the class in {stem}.py must be named {name!r}")
            if name in classes:
                raise PluginError("the name is taken")
        except Exception:  # noqa: BLE001 - whatever a user's file raises is shown to the user
            broken.append(Broken(name, path or module_name, traceback.format_exc()))
            continue
        classes[name] = cls
        if path:
            files[name], digests[name] = Path(path), digest
    return Found(classes, tuple(broken), files, digests)


def _load(name: str, path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tuning_fork_plugin_{name}", path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # pydantic looks up postponed annotations there
    spec.loader.exec_module(module)
    return module


def _only_class(module: ModuleType, base: type[T]) -> type[T]:
    own = [
        v
        for v in vars(module).values()
        if isinstance(v, type) and issubclass(v, base) and v.__module__ == module.__name__
    ]
    if len(own) != 1:
        raise PluginError(f"a plug-in file defines one {base.__name__}; this one defines {len(own)}")
    return own[0]


def configured(cls: Any, settings: dict[str, Any], what: str) -> Any:
    """A method or a probe with its settings. Raises SpecError where they do not fit; `what` names it for people."""
    try:
        return cls(cls.Config.model_validate(settings))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SpecError(
            f"The settings of {what} do not fit: {where}: {first['msg']}.", "Correct the study's file."
        ) from error
