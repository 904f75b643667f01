"""The weights that runs have made, kept by the hash of what made them: another measurement trains nothing anew."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from engine.spec.provenance import hash_file
from engine.spec.run import TuneSpec

MANIFEST = "made.json"


def folder_of(root: Path, tune: str) -> Path:
    """Where the weights of a `TuneSpec` of this hash lie."""
    return root / tune


def keep(root: Path, tune: TuneSpec, saved: Path, digest: str) -> None:
    """Copy what an adaptation saved to where other runs find it; whole or not at all.

    Args:
        digest: sha256 of the weights.
    """
    target = folder_of(root, tune.hash)
    if found(root, tune.hash):
        return
    made = target.with_name(f"{target.name}.{os.getpid()}.part")
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(saved, made)
    files = {path.relative_to(made).as_posix(): hash_file(path) for path in sorted(made.rglob("*")) if path.is_file()}
    plain = {"tune": tune.model_dump(mode="json"), "digest": digest, "files": files}
    (made / MANIFEST).write_text(json.dumps(plain), encoding="utf-8")
    try:
        if target.exists():  # damaged
            shutil.rmtree(target)
        os.replace(made, target)
    except OSError:
        # Another process that made the same weights was faster; theirs are as good.
        shutil.rmtree(made, ignore_errors=True)
        if not found(root, tune.hash):
            raise


def found(root: Path, tune: str) -> tuple[TuneSpec, str] | None:
    """What made the weights, and their sha256; None where they are not there whole."""
    folder = folder_of(root, tune)
    try:
        plain = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        made = TuneSpec.model_validate(plain["tune"])
        whole = all(hash_file(folder / name) == digest for name, digest in plain["files"].items())
        return (made, str(plain["digest"])) if whole and made.hash == tune else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # no file, no JSON, or JSON of another form
        return None
