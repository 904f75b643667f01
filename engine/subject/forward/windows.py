"""How far a model looks: its context and every narrower window that its configuration names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_NAMED = re.compile(r"window|chunk|local_att|block_size|block_length|original_max_position")
_CONTEXT = re.compile(r"^(n_ctx|n_positions|max_position_embeddings|max_seq_len|seq_length|context_length)$")
_COUNTS = re.compile(r"layers?$|pattern$|^use_|_types?$")  # "max_window_layers" counts layers, not tokens
UNKNOWN = 1024
"""Tokens that are taken for the context of a model that says nothing of it."""


def narrowest(config: Any) -> int:
    """The narrower of a configuration's windows and its context, in tokens; 1024 where it says neither."""
    return min((found for found in (window(config), context(config)) if found is not None), default=UNKNOWN)


def window(config: Any) -> int | None:
    """The narrowest window that a configuration names, in tokens; None where it names none.

    Fields are found by their names, in nested parts as well: `sliding_window`, `attention_chunk_size`, GPT-Neo's
    `window_size`, `original_max_position_embeddings` of a stretched rotary embedding, and their likes.
    """
    return min(_lengths(config.get_text_config().to_dict(), _NAMED), default=None)


def context(config: Any) -> int | None:
    """The longest sequence that a configuration names, in tokens; None where it names none."""
    text = config.get_text_config()
    own: Any = getattr(text, "max_position_embeddings", None)  # also under the name that a family has for it
    said = [*_lengths(text.to_dict(), _CONTEXT), own]
    return min((length for length in said if _is_length(length)), default=None)


def _lengths(plain: Mapping[str, Any], names: re.Pattern[str]) -> Iterator[int]:
    for name, value in plain.items():
        if isinstance(value, Mapping):
            yield from _lengths({str(key): part for key, part in value.items()}, names)
        elif names.search(name) and not _COUNTS.search(name):
            yield from (
                length for length in (value if isinstance(value, list | tuple) else [value]) if _is_length(length)
            )


def _is_length(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
