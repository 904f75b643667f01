"""The tiny model, tokenizer and data of `tests.support.tiny`."""

from __future__ import annotations

from tests.support.tiny import data, loaders, model, tokenizer, tokenizer_folder

__all__ = ["data", "loaders", "model", "tokenizer", "tokenizer_folder"]
