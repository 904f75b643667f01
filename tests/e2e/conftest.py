"""The tiny model, tokenizer and data of `tests.support.tiny`."""

from __future__ import annotations

import pytest

from engine import methods
from tests.support.tiny import data, loaders, model, tokenizer, tokenizer_folder
from tests.unit.jobs import fakes

__all__ = ["data", "loaders", "model", "tokenizer", "tokenizer_folder"]


@pytest.fixture(autouse=True)
def _fake_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "found", fakes.known)
