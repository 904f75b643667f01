"""A folder for libraries to look into that holds only the files the lab checked, as links to them.

transformers goes by what it finds: an adapter_config.json, custom_generate/, pickled weights or Python files that lie
in a model's folder would be seen by it. What is not in its folder cannot be opened.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def only(files: Sequence[Path]) -> Iterator[Path]:
    """A temporary folder with links to these files, under their own names; gone afterwards, the files untouched."""
    with tempfile.TemporaryDirectory(prefix="tuning-fork-model-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        for file in files:
            _link(file.resolve(), folder / file.name)
        yield folder


def _link(target: Path, place: Path) -> None:
    """A link, by whatever means this system allows: Windows lets not everyone make symbolic ones."""
    for make in (os.symlink, os.link):
        try:
            make(target, place)
        except OSError:
            continue
        return
    shutil.copyfile(target, place)
