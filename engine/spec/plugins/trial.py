"""A user's plug-in file is tried in a process of its own before any other loads it.

It may hang, end its process, or crash the interpreter: then it is listed as broken, with the line where it stood, and
nothing else is harmed. What came out is kept beside the file by its sha256, so that a file is tried once.
"""

from __future__ import annotations

import contextlib
import faulthandler
import hashlib
import importlib
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from engine.spec.plugins.discovery import BASES, File, load
from engine.spec.plugins.fault import place
from engine.spec.plugins.fault import told as told_by

SECONDS = 15.0
"""A file that has not loaded after so long is given up."""
START = 120.0
"""Seconds that the process may take besides: it loads the libraries first, and torch is slow on a busy machine."""
KEPT = ".tried"
"""The folder beside a kind's files that holds what came out."""
SECONDS_VARIABLE = "TUNING_FORK_PLUGIN_SECONDS"


class Tried(NamedTuple):
    """What came out for a file.

    Attributes:
        problem: Why it cannot be loaded: a traceback, or what else there is to say. "" where it can.
        certain: Whether the file is what decides it: a machine that is too busy is no fault of the file's.
    """

    problem: str
    certain: bool = True


def tried(kind: str, file: File) -> Tried:
    """What came out for a file; only what is certain is kept."""
    if file.problem:
        return Tried(file.problem)
    path = Path(file.path).parent / KEPT / f"{_key(kind, file)}.json"
    known = _known(path)
    if known is not None:
        return Tried(known)
    found = _try(kind, file)
    if found.certain:
        _keep(path, found.problem)
    return found


def _key(kind: str, file: File) -> str:
    """What the outcome depends on: the file, the lab's base class and words, and which packages are installed."""
    engine = Path(__file__).resolve().parents[2]
    stamps = [
        *(_changed(Path(__file__).with_name(f"{name}.py")) for name in ("misfits", "fault", "trial")),
        _changed(engine.joinpath(*kind.split(".")) / "_base.py"),
        _changed(Path(sysconfig.get_path("purelib"))),
        _changed(Path(sysconfig.get_path("platlib"))),
    ]
    said = json.dumps([file.name, file.digest, sys.version, str(engine), stamps])
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _known(path: Path) -> str | None:
    try:
        plain: Any = json.loads(path.read_text(encoding="utf-8"))
        return str(plain["problem"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(path: Path, said: str) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    with contextlib.suppress(OSError):  # where nothing can be written, the next process tries the file again
        path.parent.mkdir(exist_ok=True)
        draft.write_text(json.dumps({"problem": said}), encoding="utf-8")
        os.replace(draft, path)


def _try(kind: str, file: File) -> Tried:
    root = str(Path(__file__).resolve().parents[3])
    environment = {**os.environ, "PYTHONPATH": root, SECONDS_VARIABLE: str(SECONDS)}
    with tempfile.TemporaryDirectory(prefix="tuning-fork-plugin-") as scratch:
        told, stood = Path(scratch) / "told.json", Path(scratch) / "stood.txt"
        asked = [kind, file.name, file.path, file.digest, str(told), str(stood)]
        command = [sys.executable, "-m", "engine.spec.plugins.trial", *asked]
        flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows would open a console
        try:
            done = subprocess.run(
                command, cwd=scratch, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, timeout=START + SECONDS, check=False, creationflags=flags,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Tried(f'File "{file.path}", line 1: it did not load within {START + SECONDS:g} seconds.', False)
        except OSError as error:
            return Tried(f"No process could be started to try {file.path}: {error}.", False)
        known = _known(told)
        if known is not None:
            return Tried(known)
        with contextlib.suppress(OSError):
            if stack := stood.read_text(encoding="utf-8", errors="replace").strip():
                said = f"it did not load within {SECONDS:g} seconds" if "Timeout" in stack else "its process crashed"
                return Tried(f"{_own_lines(stack, file.path)}\n{place(file.path, _stood(stack, file.path))}: {said}.")
    return Tried(f'File "{file.path}", line 1: its process ended with code {done.returncode} while it was loaded.')


def _own_lines(stack: str, path: str) -> str:
    """A stack as faulthandler writes it, without what lies below the user's file."""
    lines = stack.splitlines()
    last = max((n for n, line in enumerate(lines) if path in line), default=len(lines) - 1)
    return "\n".join(lines[: last + 1])


def _stood(stack: str, path: str) -> int | None:
    """The line of the file at which the stack stood, the newest first; None where it is not within it."""
    found = re.search(rf'File "{re.escape(path)}", line (\d+)', stack)
    return int(found[1]) if found else None


def main(kind: str, name: str, path: str, digest: str, told: str, stood: str) -> None:
    """The process's own side: loads the base class, then the file under a time limit, and writes down what came out."""
    base = getattr(importlib.import_module(f"engine.{kind}._base"), BASES[kind])
    with Path(stood).open("w", encoding="utf-8") as stack:
        faulthandler.enable(stack)
        faulthandler.dump_traceback_later(float(os.environ[SECONDS_VARIABLE]), exit=True, file=stack)
        try:
            cls = load(File(name, path, digest), base)
            if hasattr(cls, "Config"):
                cls.Config.model_json_schema()  # forms, flags and tables are derived from it
            said = ""
        except BaseException as error:  # noqa: BLE001 - whatever it raises is shown to the user, SystemExit as well
            said = told_by(error, path)
        faulthandler.cancel_dump_traceback_later()
        Path(told).write_text(json.dumps({"problem": said}), encoding="utf-8")
        os._exit(0)  # a thread that the file began must not keep the process


if __name__ == "__main__":
    main(*sys.argv[1:])
