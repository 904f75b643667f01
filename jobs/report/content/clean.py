"""Text that came from outside, made harmless to look at: a model's words, a file's name, a study of the user's."""

from __future__ import annotations

import unicodedata

_SPACES = frozenset("\t\n\v\f\r\x85\u2028\u2029")
# Format characters that letters need: joiners in Persian, Indic scripts and emoji, number signs of Arabic and Syriac.
_NEEDED = frozenset((0x200C, 0x200D, *range(0x0600, 0x0606), 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x110BD, 0x110CD))
_LONGEST = 4000  # characters of one text in a report
SHOWN_AS = "\N{REPLACEMENT CHARACTER}"


def clean(text: str) -> str:
    """A text on one line, without control, direction or other unseen characters, cut where it is endless."""
    cut = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    if cut.isascii() and cut.isprintable():
        return cut
    return "".join(" " if c in _SPACES else SHOWN_AS if _unsafe(c) else c for c in cut)


def shortened(text: str, longest: int) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def elided(name: str, longest: int) -> str:
    """A name of at most so many characters, cut in its middle: names of one family begin alike and end apart."""
    if len(name) <= longest:
        return name
    end = (longest - 1) // 2
    return f"{name[: longest - 1 - end]}…{name[len(name) - end :]}"


def _unsafe(character: str) -> bool:
    code = ord(character)
    if unicodedata.category(character) == "Cf":  # directions, invisible joins, tags that spell unseen words
        return code not in _NEEDED
    return unicodedata.category(character) in ("Cc", "Cs") or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
