"""The hub's cache on disk: `models--owner--name/{blobs,refs,snapshots/<revision>}`, snapshots being links to blobs."""

from __future__ import annotations

import os
import re
from pathlib import Path

from engine.spec.errors import ModelError

_PREFIX, _SEPARATOR = "models--", "--"
_REVISION = re.compile(r"[0-9a-f]{40}")


def is_repository(path: Path) -> bool:
    """Whether a folder is a model's own folder of the hub's cache."""
    return path.name.startswith(_PREFIX) and (path / "snapshots").is_dir()


def repository(snapshot: Path) -> Path | None:
    """The `models--owner--name` folder that a snapshot belongs to; None for any other folder."""
    if snapshot.parent.name != "snapshots":
        return None
    found = snapshot.parent.parent
    return found if found.name.startswith(_PREFIX) else None


def blobs(snapshot: Path) -> Path | None:
    """Where the files of a snapshot really lie; None for any other folder."""
    found = repository(snapshot)
    return found / "blobs" if found is not None else None


def name(snapshot: Path) -> str:
    """What people call a snapshot: "owner/name@revision", eight digits of it; "" for any other folder."""
    found = repository(snapshot)
    if found is None:
        return ""
    return f"{found.name.removeprefix(_PREFIX).replace(_SEPARATOR, '/')}@{snapshot.name[:8]}"


def find(repository: str) -> Path | None:
    """The folder that the hub's own client keeps a model in, on this machine; None where it has none."""
    said = os.environ.get
    home = Path(said("HF_HOME") or Path(said("XDG_CACHE_HOME") or "~/.cache") / "huggingface")
    place = said("HF_HUB_CACHE") or said("HUGGINGFACE_HUB_CACHE") or home / "hub"
    try:
        found = Path(os.path.expandvars(place)).expanduser() / f"{_PREFIX}{repository.replace('/', _SEPARATOR)}"
        return found if is_repository(found) else None
    except (OSError, RuntimeError, ValueError):  # no home, a NUL
        return None


def snapshot(folder: Path) -> Path:
    """The one snapshot that is meant by a model's folder of the cache: its only one, or that of its branch main.

    Raises:
        ModelError: There is none, or nothing says which is meant.
    """
    found = sorted(path for path in (folder / "snapshots").iterdir() if path.is_dir())
    if not found:
        raise ModelError(
            f"{folder.name} of the hub's cache holds no snapshot.", "Download the model, or name another folder."
        )
    if len(found) == 1:
        return found[0]
    try:
        main = (folder / "refs" / "main").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        main = ""
    if _REVISION.fullmatch(main) and (folder / "snapshots" / main) in found:
        return folder / "snapshots" / main
    names = ", ".join(f"snapshots/{path.name}" for path in found[:5])
    raise ModelError(f"{folder.name} of the hub's cache holds {len(found)} snapshots.", f"Name one of them: {names}.")
