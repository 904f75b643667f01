"""Finding plug-ins: one file, one class, and the file's name is the plug-in's."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import os
import pkgutil
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from engine.spec.errors import PluginError, SpecError
from engine.spec.plugins import fault
from engine.spec.plugins.misfits import fields_for, misfit

T = TypeVar("T")

FOLDER = "TUNING_FORK_PLUGINS"
"""The environment variable that names the user's folder of plug-ins, for the lab and all of its processes."""
BASES: Mapping[str, str] = {
    "methods": "Method",
    "objectives": "Objective",
    "adaptations": "Adaptation",
    "probes": "Probe",
    "rules": "Rule",
    "world.tasks": "Task",
}
"""The kinds of plug-ins that a user may add, with the base class of each, in `engine/<kind>/_base.py`."""
LARGEST = 1 << 20  # bytes of a user's file


@dataclass(frozen=True)
class Broken:
    """A plug-in file that could not be loaded, with its traceback: listed, never silently gone."""

    name: str
    path: str
    traceback: str

    @property
    def reason(self) -> str:
        """Its last line, which says what is wrong, without the file's path: "line 3: ValueError: no luck"."""
        lines = self.traceback.strip().splitlines() or ["no reason was given"]
        last = lines[-1].strip().removeprefix(f'File "{self.path}"').removeprefix(self.path)
        return last.removeprefix(",").removeprefix(":").strip()


class File(NamedTuple):
    """A user's own file of a kind of plug-ins.

    Attributes:
        digest: sha256; "" where it cannot be read.
        problem: Why it is not read; "" where it is.
    """

    name: str
    path: str
    digest: str
    problem: str = ""


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
                reason = f"{broken.reason[:1].upper()}{broken.reason[1:]}"
                raise PluginError(f"The plug-in {broken.path} does not load.", reason)
        raise PluginError(f"There is no plug-in named {name!r}.", f"There are: {', '.join(sorted(self.classes))}.")

    def code(self, name: str) -> str:
        """sha256 of the file of a user's plug-in; "" for the lab's own."""
        return self.digests.get(name, "")


def discover(kind: str, base: type[T]) -> Found[T]:
    """Every plug-in of a kind: those of the package `engine.<kind>`, then the user's own.

    Names that begin with "_" are no plug-ins. What is known is kept until a file of the user's changes. A user's file
    is tried in a process of its own before it is loaded here (`engine.spec.plugins.trial`).

    Args:
        kind: One of `BASES`, or another folder of the package, which no user adds to.
        base: Each module must define exactly one subclass of it whose `name` is the module's.
    """
    own = own_files(kind)
    if (kind, own) in _found:
        return _found[kind, own]
    found, certain = _discover(kind, base, own)
    if certain:
        _found[kind, own] = found
    return found


_found: dict[tuple[str, tuple[File, ...]], Found[Any]] = {}


def folder_of(kind: str) -> Path | None:
    """The user's own folder of a kind of plug-ins ("tasks" for "world.tasks"); None where no data folder was named."""
    named = os.environ.get(FOLDER)
    return Path(named) / folder_name(kind) if named and kind in BASES else None


def folder_name(kind: str) -> str:
    """What the user's folder of a kind is called."""
    return kind.rpartition(".")[2]


def own_files(kind: str) -> tuple[File, ...]:
    """The user's files of a kind with the sha256 of each, none of them loaded. Names that begin with "_" are left out.

    What is no ordinary file (a folder, a pipe) is listed with that problem and not opened.
    """
    folder = folder_of(kind)
    try:
        paths = sorted(folder.glob("*.py")) if folder is not None and folder.is_dir() else []
    except OSError:  # the folder may not be read: the same as none, as for every other file of the user's
        paths = []
    return tuple(_file(path) for path in paths if not path.stem.startswith("_"))


def code_of(kind: str, name: str) -> str:
    """sha256 of the file of a user's plug-in, without importing it; "" for the lab's own."""
    if name in ours(kind):
        return ""
    return next((file.digest for file in own_files(kind) if file.name == name), "")


def ours(kind: str) -> frozenset[str]:
    """The names of the lab's own plug-ins of a kind, none of them imported."""
    folder = Path(__file__).resolve().parents[2].joinpath(*kind.split("."))
    return frozenset(name_of(path) for path in folder.glob("*.py") if not path.stem.startswith("_"))


def name_of(path: Path) -> str:
    """The name of the plug-in that a file of this name defines."""
    return path.stem.replace("_", "-")


def _file(path: Path) -> File:
    name = name_of(path)
    try:
        if not path.is_file():
            return File(name, str(path), "", "it is no ordinary file")
        if path.stat().st_size > LARGEST:
            return File(name, str(path), "", f"it is larger than {LARGEST >> 20} MiB")
        return File(name, str(path), hashlib.sha256(path.read_bytes()).hexdigest())
    except OSError as error:
        return File(name, str(path), "", f"it cannot be read: {error.strerror or error}")


def _discover(kind: str, base: type[T], own: tuple[File, ...]) -> tuple[Found[T], bool]:
    """The plug-ins, and whether that is certain: a file that a busy machine could not try is tried again."""
    from engine.spec.plugins import trial

    package = importlib.import_module(f"engine.{kind}")
    classes: dict[str, type[T]] = {}
    files: dict[str, Path] = {}
    digests: dict[str, str] = {}
    broken: list[Broken] = []
    certain = True
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith("_"):
            continue
        name, full = module.name.replace("_", "-"), f"{package.__name__}.{module.name}"
        try:
            classes[name] = only_class(importlib.import_module(full), base, name)
        except Exception:  # noqa: BLE001 - one that does not load is listed, and the rest goes on
            broken.append(Broken(name, full, traceback.format_exc()))
    for file in own:
        problem = file.problem or (taken(file) if file.name in classes else "")
        if not problem:
            problem, sure = trial.tried(kind, file)
            certain &= sure
        if not problem:
            try:
                classes[file.name] = load(file, base)
                files[file.name], digests[file.name] = Path(file.path), file.digest
                continue
            except Exception as error:  # noqa: BLE001 - whatever a user's file raises is shown to the user
                problem = fault.told(error, file.path)
        broken.append(Broken(file.name, file.path, problem))
    return Found(classes, tuple(broken), files, digests), certain


def taken(file: File) -> str:
    """What is said of a file whose plug-in's name is taken."""
    return f'File "{file.path}", line 1: there is another plug-in named {file.name!r}; give the file another name.'


def load(file: File, base: type[T]) -> type[T]:
    """The plug-in that a user's file defines. Runs the file, exactly as it was when its sha256 was taken.

    Raises:
        PluginError: The file has changed since, or does not define what it should.
        Exception: Whatever the file raises.
    """
    source = Path(file.path).read_bytes()
    if hashlib.sha256(source).hexdigest() != file.digest:
        raise PluginError(f"{file.path} changed while it was read.", "Try again.")
    # Python's own import would take a compiled copy for a file that was edited twice within a second.
    code = compile(source, file.path, "exec", dont_inherit=True)
    module = ModuleType(f"tuning_fork_plugin_{Path(file.path).stem.replace('-', '_')}")
    module.__file__ = file.path
    sys.modules[module.__name__] = module  # pydantic looks up postponed annotations there
    exec(code, module.__dict__)  # noqa: S102 - a plug-in is a program that the user put there to be run
    return only_class(module, base, file.name)


def only_class(module: ModuleType, base: type[T], name: str) -> type[T]:
    """The one subclass of `base` that a module defines.

    Raises:
        PluginError: It defines none or several, or not of that name, or its settings are no pydantic model.
    """
    own = [
        v
        for v in vars(module).values()
        if isinstance(v, type) and issubclass(v, base) and v.__module__ == module.__name__
    ]
    own = [cls for cls in own if not cls.__name__.startswith("_")]
    where = module.__file__ or module.__name__
    if len(own) != 1:
        raise PluginError(f'File "{where}", line 1: it must define one {base.__name__}; it defines {len(own)}.')
    (cls,) = own
    at = fault.place(where, line_of(cls))
    if getattr(cls, "name", None) != name:
        raise PluginError(f"{at}: the class's `name` must be {name!r}, as the file is named.")
    settings = getattr(cls, "Config", None)
    if settings is not None and not (isinstance(settings, type) and issubclass(settings, BaseModel)):
        raise PluginError(f"{at}: `Config` must be a class of settings (a pydantic model).")
    return cls


def line_of(cls: type) -> int:
    """The line where a class begins; 1 where that is not known."""
    try:
        return inspect.getsourcelines(cls)[1]
    except (OSError, TypeError):
        return 1


def file_of(cls: type) -> str:
    """The file that defines a plug-in's class, or its module's name where that has none."""
    return getattr(sys.modules.get(cls.__module__), "__file__", None) or cls.__module__


def place_of(error: BaseException) -> str:
    """The line of the user's own files at which an error arose last, as tracebacks name it; "" where none was run."""
    named = os.environ.get(FOLDER)
    frames = traceback.extract_tb(error.__traceback__) if named else []
    own = [frame for frame in frames if Path(str(named)) in Path(frame.filename).parents]
    return fault.place(own[-1].filename, own[-1].lineno) if own else ""


def configured(cls: Any, settings: dict[str, Any], what: str) -> Any:
    """A method or a probe with its settings. Raises SpecError where they do not fit; `what` names it for people."""
    try:
        return cls(cls.Config.model_validate(settings))
    except ValidationError as error:
        raise SpecError(
            f"The settings of {what} do not fit: {misfit(error)}.",
            f"Correct the study's file. There are: {fields_for(error, cls.Config)}.",
        ) from error
