"""Finding plug-ins: one file, one class, and the file's name is the plug-in's."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from engine.spec.errors import PluginError, SpecError

T = TypeVar("T")


@dataclass(frozen=True)
class Broken:
    """A plug-in file that could not be loaded, with its traceback: listed, never silently gone."""

    name: str
    path: str
    traceback: str


@dataclass(frozen=True)
class Found(Generic[T]):
    """What a folder of plug-ins holds."""

    classes: dict[str, type[T]]
    broken: tuple[Broken, ...]

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


def discover(package: ModuleType, base: type[T], folders: Sequence[Path] = ()) -> Found[T]:
    """Every plug-in of a package and of the user's own folders.

    Args:
        package: Its modules are walked; names that begin with "_" are no plug-ins.
        base: Each module must define exactly one subclass of it whose `name` is the module's.
        folders: The user's own folders, walked after the package; a name already taken is broken there.
    """
    classes: dict[str, type[T]] = {}
    broken: list[Broken] = []
    inside = [(m.name, f"{package.__name__}.{m.name}", "") for m in pkgutil.iter_modules(package.__path__)]
    outside = [(p.stem, "", str(p)) for folder in folders for p in sorted(folder.glob("*.py"))]
    for name, module_name, path in inside + outside:
        if name.startswith("_"):
            continue
        try:
            module = importlib.import_module(module_name) if module_name else _load(name, path)
            cls = _only_class(module, base)
            if getattr(cls, "name", None) != name.replace("_", "-"):
                raise PluginError(f"the class in {name}.py must be named {name.replace('_', '-')!r}")
            if name.replace("_", "-") in classes:
                raise PluginError("the name is taken")
            classes[name.replace("_", "-")] = cls
        except Exception:  # noqa: BLE001 - whatever a user's file raises is shown to the user
            broken.append(Broken(name.replace("_", "-"), path or module_name, traceback.format_exc()))
    return Found(classes, tuple(broken))


def _load(name: str, path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tuning_fork_plugin_{name}", path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
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
