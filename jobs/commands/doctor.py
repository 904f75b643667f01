"""`doctor`: what this machine has, and what to do about what it lacks. It imports neither torch nor Qt itself."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from engine.spec.errors import LabError
from engine.spec.example import Frozen
from jobs.commands.start import has_display
from jobs.commands.terminal.screen import Screen

Level = Literal["ok", "warning", "error"]
PACKAGES = ("torch", "transformers", "trl", "peft", "PySide6_Essentials", "pyqtgraph", "pydantic", "sqlite-utils")
MARKS: dict[str, str] = {"ok": "ok", "warning": "!", "error": "X"}
NEEDED_BYTES = 2 * 1024**3
SQLITE_FIXED = (3, 51, 3)
WORKER_PROBE = """
import json, sqlite3
found = {"sqlite": sqlite3.sqlite_version}
try:
    import torch
    found["devices"] = ["cpu"] + [
        f"cuda:{i} {torch.cuda.get_device_name(i)}, {torch.cuda.mem_get_info(i)[1] / 2**30:.0f} GiB"
        for i in range(torch.cuda.device_count())
    ] + (["mps"] if torch.backends.mps.is_available() else [])
except Exception as error:
    found["torch_error"] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""


class Finding(Frozen):
    """One thing that was looked at.

    Attributes:
        advice: What to do; "" where nothing need be done.
    """

    name: str
    level: Level
    value: str
    advice: str = ""


def doctor(home: Path | None, screen: Screen, as_json: bool) -> int:
    """Look at the machine and print what was found. 1 where the lab cannot work as it is, else 0."""
    findings = list(examine(home))
    bad = any(finding.level == "error" for finding in findings)
    if as_json:
        plain = {"ok": not bad, "findings": [finding.model_dump() for finding in findings]}
        screen.out.file.write(json.dumps(plain, indent=2) + "\n")
        return int(bad)
    screen.table(("", "what", "found"), [(MARKS[f.level], f.name, f.value) for f in findings])
    for finding in findings:
        if finding.advice:
            screen.say(f"{finding.name}: {finding.advice}", "bold red" if finding.level == "error" else "yellow")
    if not bad:
        screen.say("The lab can work on this machine.")
    return int(bad)


def examine(home: Path | None) -> Iterator[Finding]:
    """Everything that is looked at, in the order in which it is shown."""
    version = sys.version_info[:2]
    yield Finding(
        name="Python",
        level="ok" if (3, 11) <= version <= (3, 13) else "error",
        value=f"{platform.python_version()} on {platform.platform()}",
        advice="" if (3, 11) <= version <= (3, 13) else "Use Python 3.11, 3.12 or 3.13: `make setup` finds one.",
    )
    yield from map(package, PACKAGES)
    yield from worker()
    yield display()
    yield folder(home)
    yield from bundled_models()
    yield memory()


def package(name: str) -> Finding:
    """Whether a package is installed, and which version."""
    try:
        return Finding(name=name.replace("_", "-"), level="ok", value=importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Finding(name=name, level="error", value="missing", advice="`make setup` installs it.")


def worker() -> Iterator[Finding]:
    """What a worker process sees: SQLite's version and the devices torch can use."""
    command = [sys.executable, "-c", WORKER_PROBE]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        found = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        yield Finding(name="worker", level="error", value=str(error), advice="`make setup` mends the environment.")
        return
    yield sqlite(found["sqlite"])
    if "devices" in found:
        yield Finding(name="devices", level="ok", value="; ".join(found["devices"]))
    else:
        yield Finding(name="devices", level="error", value=found["torch_error"], advice="`make setup` installs torch.")


def sqlite(version: str) -> Finding:
    """SQLite's version. The WAL-reset bug needs several connections that write; the lab has one writer."""
    known = tuple(int(part) for part in version.split(".")[:3])
    if (3, 7, 0) <= known < SQLITE_FIXED:
        advice = "Versions 3.7.0 to 3.51.2 can damage a database that several programs write at once. The lab writes "
        advice += "from one connection only, so this is safe; do not open its database for writing elsewhere."
        return Finding(name="SQLite", level="warning", value=version, advice=advice)
    return Finding(name="SQLite", level="ok", value=version)


def display() -> Finding:
    """Whether a window can be seen."""
    if has_display():
        name = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY") or "native"
        return Finding(name="display", level="ok", value=name)
    advice = "The window needs one; `python main.py run STUDY` and `make run` work without."
    return Finding(name="display", level="warning", value="none", advice=advice)


def folder(home: Path | None) -> Finding:
    """Whether the data folder can be written, and how much room it has."""
    from jobs.paths import Home

    where = Home.at(home).folder
    standing = where
    while not standing.exists() and standing != standing.parent:
        standing = standing.parent  # looking at a machine must not make folders on it
    try:
        with tempfile.NamedTemporaryFile(dir=standing):
            free = shutil.disk_usage(standing).free
    except OSError as error:
        advice = "Give another with --home DIR or TUNING_FORK_HOME."
        return Finding(name="data folder", level="error", value=f"{where}: {error.strerror}", advice=advice)
    value = f"{where} ({free / 1024**3:.1f} GiB free)"
    if free < NEEDED_BYTES:
        advice = "A study writes up to some hundred MiB; make room, or give another folder with --home DIR."
        return Finding(name="data folder", level="warning", value=value, advice=advice)
    return Finding(name="data folder", level="ok", value=value)


def bundled_models() -> Iterator[Finding]:
    """Whether the bundled models are there and whole; the default first."""
    from engine.models import bundled, resolve

    for name in bundled.names() or [None]:
        try:
            model = resolve(name)
        except LabError as error:
            advice = error.hint or "Fetch the repository anew."
            yield Finding(name="bundled model", level="error", value=error.message, advice=advice)
        else:
            value = f"{model.name}, {model.parameters / 1e6:.1f} M parameters, {model.digest[:12]}"
            yield Finding(name="bundled model", level="ok", value=value)


def memory() -> Finding:
    """Cores and memory."""
    import psutil

    free, total = psutil.virtual_memory().available / 1024**3, psutil.virtual_memory().total / 1024**3
    value = f"{os.cpu_count()} cores, {free:.1f} of {total:.1f} GiB memory free"
    if free < 2:
        advice = "A run takes about 1 GiB; close something, or expect one run at a time."
        return Finding(name="machine", level="warning", value=value, advice=advice)
    return Finding(name="machine", level="ok", value=value)
