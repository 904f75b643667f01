"""The example plug-ins of docs/extending.md, as if they lay in the user's folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from engine.spec.plugins import discovery, trial

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "extending" / "plugins"


@contextmanager
def there() -> Iterator[None]:
    """Within it, they are found beside the lab's own. They are not tried in a process of their own first."""
    named = mock.patch.dict(os.environ, {discovery.FOLDER: str(FOLDER)})
    with named, mock.patch.object(trial, "tried", _nothing_wrong):
        yield


def drop(home: Path) -> Path:
    """Copy them into the data folder of a home; gives their folder there."""
    ignored = shutil.ignore_patterns(trial.KEPT, "__pycache__")
    return Path(shutil.copytree(FOLDER, home / "plugins", ignore=ignored, dirs_exist_ok=True))


def _nothing_wrong(kind: str, file: discovery.File) -> trial.Tried:
    return trial.Tried("")
