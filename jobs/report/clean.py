"""Text that came from outside, made harmless to look at: a model's words, a file's name, a study of the user's."""

from __future__ import annotations

import unicodedata

_DIRECTION = {chr(c) for c in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_LONGEST = 4000  # characters of one text in a report
SHOWN_AS = "\N{REPLACEMENT CHARACTER}"


def clean(text: str) -> str:
    """A text on one line, without control or direction characters, cut where it is endless."""
    cut = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    return "".join(" " if c in "\n\r\t" else SHOWN_AS if _unsafe(c) else c for c in cut)


def _unsafe(character: str) -> bool:
    return character in _DIRECTION or unicodedata.category(character) in ("Cc", "Cs")
