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


def there(root: Path, tune: str) -> bool:
    """Whether the weights were kept, without looking whether they are whole."""
    return (folder_of(root, tune) / MANIFEST).is_file()


def maker(root: Path, tune: str) -> TuneSpec | None:
    """What made the weights, without looking whether they are whole; None where it is not told."""
    try:
        plain = json.loads((folder_of(root, tune) / MANIFEST).read_text(encoding="utf-8"))
        return TuneSpec.model_validate(plain["tune"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def restore(root: Path, tune: TuneSpec, saved: Path, digest: str) -> bool:
    """Keep again what a run saved in its own folder, where it is still what the run said it made.

    Args:
        digest: sha256 of the weights, as the run's last event gave it.

    Returns:
        Whether the weights are there now.
    """
    if not digest or not saved.is_dir():
        return False
    if not any(hash_file(path) == digest for path in saved.iterdir() if path.is_file()):
        return False
    keep(root, tune, saved, digest)
    return found(root, tune.hash) is not None


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
