"""The tiny model, tokenizer and data of `tests.support.tiny`."""

from __future__ import annotations

from tests.support.tiny import data, model, tokenizer, tokenizer_folder

__all__ = ["data", "model", "tokenizer", "tokenizer_folder"]
