"""Models that were downloaded from the hub: each in a folder of its own, pinned to a revision.

A folder is a model only once it holds `hub.json`, which is written last: what a kill left unfinished is never found.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs

from engine.models import bundled
from engine.spec.errors import ModelError

MARK = "hub.json"
UNFINISHED = "unfinished"
"""The subfolder of downloads that are not complete; nothing in it is ever used as a model."""
VARIABLE = "TUNING_FORK_MODELS"
"""Names the folder of downloads to this process and the children it starts."""

_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
NAME = re.compile(rf"(?:{_PART}/)?{_PART}")
_ASKED = re.compile(rf"((?:{_PART}/)?{_PART})(?:@([0-9a-f]{{7,40}}))?")
_REVISION = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Downloaded:
    """A model that lies in the data folder.

    Attributes:
        repository: "owner/name".
        revision: 40 hexadecimal digits.
        path: Its folder.
        bytes: The size of its files.
        licence: As its card names it, "" where it does not.
    """

    repository: str
    revision: str
    path: str
    bytes: int = 0
    licence: str = ""

    @property
    def name(self) -> str:
        """What people read and type: "owner/name@revision", eight digits of it."""
        return f"{self.repository}@{self.revision[:8]}"


def default_folder() -> Path:
    """Where downloads lie unless a caller says otherwise: `$TUNING_FORK_MODELS`, else `models` of the data folder."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    home = os.environ.get("TUNING_FORK_HOME") or platformdirs.user_data_path("tuning-fork", appauthor=False)
    return Path(home).expanduser().absolute() / "models"


def folder_name(repository: str, revision: str) -> str:
    """The folder of a model: "owner--name--revision", eight digits of it."""
    return f"{repository.replace('/', '--')}--{revision[:8]}"


def read(path: Path) -> Downloaded | None:
    """What a folder's `hub.json` says; None where it is no finished download."""
    try:
        said = json.loads((path / MARK).read_bytes())
        repository, revision = said["repository"], said["revision"]
        size, licence = int(said.get("bytes", 0)), str(said.get("licence", ""))[:100]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if not (isinstance(repository, str) and NAME.fullmatch(repository)):
        return None
    if not (isinstance(revision, str) and _REVISION.fullmatch(revision)):
        return None
    return Downloaded(repository, revision, str(path), size, licence)


def write(path: Path, model: Downloaded) -> None:
    """Mark a folder as a finished download."""
    plain = {key: value for key, value in asdict(model).items() if key != "path"}
    draft = path / f"{MARK}.part"
    with draft.open("w", encoding="utf-8") as file:
        json.dump(plain, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path / MARK)


def name(path: Path) -> str:
    """What a downloaded model is called; "" for any other folder."""
    model = read(path)
    return model.name if model is not None else ""


def every(folder: Path | None = None) -> list[Downloaded]:
    """The finished downloads of a folder (None: `default_folder()`), by name."""
    place = folder or default_folder()
    try:
        entries = [entry for entry in place.iterdir() if entry.name != UNFINISHED and entry.is_dir()]
    except OSError:
        return []
    return sorted((m for m in map(read, entries) if m is not None), key=lambda m: (m.repository.casefold(), m.revision))


def is_name(text: str) -> bool:
    """Whether a text could name a model of the hub: "owner/name" or "owner/name@revision"."""
    return bool(_ASKED.fullmatch(text)) and ("/" in text or "@" in text)


def find(text: str, folder: Path | None = None) -> Downloaded | None:
    """The download that "owner/name" or "owner/name@revision" names; None where there is none.

    Raises:
        ModelError: Several revisions are there, and the text names none of them.
    """
    asked = _ASKED.fullmatch(text)
    if asked is None:
        return None
    repository, revision = asked[1], asked[2] or ""
    found = [m for m in every(folder) if m.repository == repository and m.revision.startswith(revision)]
    if len(found) > 1:
        raise ModelError(
            f"{len(found)} revisions of {repository} are downloaded.",
            f"Say which: {', '.join(model.name for model in found)}.",
        )
    return found[0] if found else None


def located(text: str | None, folder: Path) -> str | None:
    """The folder of a download that a text names, as text; any other text as it is. Raises ModelError as `find`."""
    model = find(text, folder) if text is not None and text not in bundled.names() else None
    return model.path if model is not None else text


def remove(model: Downloaded) -> None:
    """Delete a download. First its mark, so that half a model is never found. Raises ModelError where it cannot be."""
    path = Path(model.path)
    try:
        (path / MARK).unlink()
        shutil.rmtree(path)
    except OSError as error:
        raise ModelError(
            f"{path} cannot be deleted ({error.strerror or error}).", "Delete the folder by hand."
        ) from error
