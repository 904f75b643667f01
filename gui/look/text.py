"""Words and figures as people read them. Every text that came from outside passes through `clean`.

Qt guesses whether a string is HTML in tooltips and labels; nothing here lets it: `clean` takes the control and
direction characters out, and `tip` escapes what a tooltip shows.
"""

from __future__ import annotations

import html
import math
import time
import unicodedata

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
DIRECTION = {chr(c) for c in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
LONGEST = 2000
"""No single label shows more characters than this; the log and the report show everything."""

ORDINALS = {1: "st", 2: "nd", 3: "rd"}


def clean(text: str, limit: int = LONGEST) -> str:
    """A text without control or direction characters (shown as U+FFFD), cut to `limit` characters."""
    cut = text[: limit + 1]
    kept = "".join(" " if c in "\n\r\t" else "\N{REPLACEMENT CHARACTER}" if _unsafe(c) else c for c in cut)
    return kept[:limit] + "…" if len(cut) > limit else kept


def elided(name: str, limit: int) -> str:
    """A name as `clean` has it, of at most `limit` characters, cut in its middle: names of a family end apart."""
    shown = clean(name)
    if len(shown) <= limit:
        return shown
    end = (limit - 1) // 2
    return f"{shown[: limit - 1 - end]}…{shown[len(shown) - end :]}"


def clean_lines(text: str) -> str:
    """As `clean`, but lines and tabs stay and nothing is cut: for logs and tracebacks."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if c not in "\n\t" and _unsafe(c) else c for c in text.replace("\r\n", "\n")
    )


def _unsafe(character: str) -> bool:
    return character in DIRECTION or unicodedata.category(character) in ("Cc", "Cs")


def tip(text: str) -> str:
    """A tooltip that Qt wraps and shows as plain text, whatever it holds."""
    cleaned = clean(text)
    return f"<p style='white-space: pre-wrap'>{html.escape(cleaned)}</p>" if cleaned else ""


def button(text: str) -> str:
    """A text for a button or menu: an ampersand there marks a shortcut, so it is doubled."""
    return clean(text, 200).replace("&", "&&")


def number(value: float, digits: int = 1, sign: bool = False) -> str:
    """A number with a real minus sign and, if wanted, a plus sign."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else f"{MINUS}∞")
    shown = f"{abs(value):.{digits}f}"
    zero = float(shown) == 0
    return f"{MINUS if value < 0 and not zero else '+' if sign and not zero else ''}{shown}"


def seconds(value: float) -> str:
    """A short duration: "9 s", "4 min", "2 h 05 min"."""
    whole = max(0, round(value))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{round(whole / 60)} min"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def seconds_range(low: float, high: float) -> str:
    """A duration one is unsure of: "9-12 s", "2-3 min"."""
    low, high = max(0.0, low), max(0.0, high)
    first, second = seconds(low), seconds(high)
    if first == second:
        return first
    if first.split(" ", 1)[1] == second.split(" ", 1)[1] and high < 3600:
        return f"{first.split(' ')[0]}{DASH}{second}"
    return f"{first} {DASH} {second}"


def clock(moment: float) -> str:
    """The local time of day, with the date where it was not today."""
    then, now = time.localtime(moment), time.localtime()
    today = (then.tm_year, then.tm_yday) == (now.tm_year, now.tm_yday)
    this_year = then.tm_year == now.tm_year
    return time.strftime("%H:%M" if today else "%d %b %H:%M" if this_year else "%d %b %Y %H:%M", then)


def gigabytes(used: int, total: int) -> str:
    """Used and all of it, e.g. "1.9 of 24 GB"."""
    return f"{used / 1e9:.1f} of {total / 1e9:.0f} GB"


def count(n: int, one: str, many: str | None = None) -> str:
    """A number of things: "1 run", "3 runs"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}".replace(",", " ")
