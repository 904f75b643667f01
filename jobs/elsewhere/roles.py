"""Which arm of a table from elsewhere plays which part: as named by whoever asks, or guessed from names and order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engine.data.tables.wide import BASES
from engine.spec.errors import SpecError

PARTS = ("treated", "reference", "base", "format", "planted")
CONTROLS = ("planted", "format")
"""Parts that a table may lack."""
NONE = "none"
"""What to name where no arm is this control, though one is called like it."""
WORDS = {"planted": r"planted( control)?", "format": r"shuffled|format( only)?( control)?"}
"""What a control may be called, its words with one space between them."""
INSIDE = {"planted": r"planted", "format": r"shuffled|format (only|control)"}
"""Which words in a longer name make it a control's: "format" alone may be said of files."""


class PartError(SpecError):
    """Parts that make no comparison.

    Attributes:
        part: The part that should be another arm.
    """

    def __init__(self, part: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.part = part


@dataclass(frozen=True)
class Roles:
    """Which arm plays which part; None where the table has none. `guessed`: the parts that nobody named."""

    treated: str
    reference: str
    base: str
    format: str | None = None
    planted: str | None = None
    guessed: tuple[str, ...] = ()


def roles(
    arms: Iterable[str], treated: str | None, reference: str | None, base: str | None, format: str | None,  # noqa: A002
    planted: str | None,
) -> Roles:  # fmt: skip
    """Fill in what was not named: the base is called "base" or comes first, the treated arm comes last.

    Raises:
        PartError: An arm that is not in the table, one in two parts, or too few arms.
    """
    there = list(arms)
    named = {"treated": treated, "reference": reference, "base": base, "format": format, "planted": planted}
    taken: dict[str, str] = {}
    for part, arm in named.items():
        if arm is not None and arm not in there:
            raise PartError(part, f"The table has no arm {arm!r} (--{part}).", f"Its arms: {', '.join(there)}.")
        if arm is None or part == "reference":
            continue
        if arm in taken:
            raise PartError(part, f"Arm {arm!r} is named for two parts.", "Each part needs an arm of its own.")
        taken[arm] = part
    guessed = []
    free = [arm for arm in there if arm not in taken]
    if base is None:
        base = next((arm for arm in free if arm.lower() in BASES), None) or next(iter(free), None)
        guessed.append("base")
        free = [arm for arm in free if arm != base]
    if treated is None:
        treated = next(reversed([arm for arm in free if arm != reference]), None)
        guessed.append("treated")
        free = [arm for arm in free if arm != treated]
    if base is None or treated is None:
        hint = f"The table has: {', '.join(there)}. Where each arm has a file of its own, name them all together."
        raise PartError("treated", "A comparison needs two arms.", hint)
    if reference is None:
        reference = next(iter(free), base)
        guessed.append("reference")
    if reference in (treated, planted):
        hint = "Name another arm as the reference."
        raise PartError("reference", f"Arm {reference!r} cannot be compared with itself.", hint)
    return Roles(treated, reference, base, format, planted, tuple(guessed))


def suggest(
    arms: Iterable[str], treated: str | None = None, reference: str | None = None, base: str | None = None,
    format: str | None = None, planted: str | None = None,  # noqa: A002
) -> Roles:  # fmt: skip
    """Guess every part that nobody named, to be looked at before it is used: controls are known by their names alone.

    Raises:
        PartError: An arm that is not in the table, one in two parts, or too few arms.
    """
    there = list(arms)
    given = {"treated": treated, "reference": reference, "base": base, "format": format, "planted": planted}
    named = {part: arm for part, arm in given.items() if arm is not None}
    without = {part for part in CONTROLS if named.get(part) == NONE and NONE not in there}
    told = {part: None if part in without else arm for part, arm in named.items()}
    found: dict[str, str | None] = {}
    for part in CONTROLS:
        if part not in named:
            taken = {*told.values(), *found.values()}
            found[part] = _called(part, [arm for arm in there if arm not in taken])
    controls = sum((told | found).get(part) is not None for part in CONTROLS)
    if len(there) - controls < 2:  # an arm that is called a control may still be all that there is to compare
        found = {}
    made = roles(there, **{**dict.fromkeys(PARTS), **found, **told})
    return replace(made, guessed=tuple(p for p in PARTS if p not in named and getattr(made, p) is not None))


def is_known(parts: Roles) -> bool:
    """Whether the base is known to be the model before any tuning: it is an arm beside the reference, or called so.

    With two arms the base is the reference, and then it may as well be an arm that was trained.
    """
    return parts.base != parts.reference or parts.base.lower() in BASES


def _called(part: str, arms: Sequence[str]) -> str | None:
    """The arm that is called this control: by its whole name, else by a part of it."""
    words = {arm: " ".join(re.findall(r"[^\W_]+", arm.lower())) for arm in arms}
    whole = (arm for arm in arms if re.fullmatch(WORDS[part], words[arm]))
    inside = (arm for arm in arms if re.search(rf"\b({INSIDE[part]})\b", words[arm]))
    return next(whole, None) or next(inside, None)
