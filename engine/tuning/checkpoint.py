"""Checkpoints that are whole or not there: a manifest with every file's hash is written last."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.spec.provenance import hash_file

MANIFEST = "complete.json"
FOLDER = "checkpoints"
KEPT = 2  # newest checkpoints of a run, over all its phases


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint.

    Attributes:
        path: Its folder, as the trainer (TRL) wrote it.
        phase: Which phase it is in, from 0.
        step: Optimizer steps done in that phase.
        seq: Number of the next event of the run's stream.
    """

    path: Path
    phase: int
    step: int
    seq: int


def folder_of(run: Path, phase: int) -> Path:
    """The output folder of a phase's trainer."""
    return run / FOLDER / f"phase-{phase}"


def seal(run: Path, path: Path, phase: int, step: int, seq: int, identity: str) -> Checkpoint:
    """Mark the files under `path` as complete, and delete all but the run's `KEPT` newest checkpoints.

    Args:
        identity: The run's hash; checkpoints with another one are never used, and are deleted here.
    """
    point = Checkpoint(path, phase, step, seq)
    files = {p.name: hash_file(p) for p in sorted(path.iterdir()) if p.is_file() and not p.name.startswith(MANIFEST)}
    for name in files:
        _sync(path / name)
    plain = {**asdict(point), "path": path.name, "identity": identity, "files": files}
    part = path / (MANIFEST + ".part")
    part.write_text(json.dumps(plain), encoding="utf-8")
    _sync(part)
    os.replace(part, path / MANIFEST)
    _drop_old(run, identity)
    return point


def newest(run: Path, identity: str) -> Checkpoint | None:
    """The newest checkpoint whose every file is as it was written, or None."""
    for point in _sealed(run, identity):
        if _whole(point.path):
            return point
    return None


def _sealed(run: Path, identity: str) -> list[Checkpoint]:
    """Checkpoints with a manifest, newest first."""
    found = []
    for manifest in (run / FOLDER).glob(f"phase-*/*/{MANIFEST}"):
        plain = _read(manifest)
        if plain and plain["identity"] == identity:
            found.append(Checkpoint(manifest.parent, plain["phase"], plain["step"], plain["seq"]))
    return sorted(found, key=lambda point: (point.phase, point.step), reverse=True)


def _whole(path: Path) -> bool:
    plain = _read(path / MANIFEST)
    return plain is not None and all(
        (path / name).is_file() and hash_file(path / name) == digest for name, digest in plain["files"].items()
    )


def _read(manifest: Path) -> dict | None:
    try:
        plain = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return plain if isinstance(plain, dict) and {"identity", "phase", "step", "seq", "files"} <= plain.keys() else None


def _drop_old(run: Path, identity: str) -> None:
    kept = {point.path for point in _sealed(run, identity)[:KEPT]}
    for path in (run / FOLDER).glob("phase-*/*"):
        if path.is_dir() and path not in kept:
            # The manifest goes first: a kill in between leaves a torn checkpoint, never one that looks whole.
            (path / MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
