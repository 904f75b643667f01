"""What the contract tests share: the tiny model and data, and the examples of docs/extending.md among the plug-ins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import examples
from tests.support.tiny import data, loaders, model, tokenizer, tokenizer_folder

__all__ = ["data", "loaders", "model", "tokenizer", "tokenizer_folder"]


@pytest.fixture(autouse=True)
def examples_are_there(home: Path) -> Iterator[None]:
    """The example plug-ins are found as a user's own are."""
    with examples.there():
        yield
