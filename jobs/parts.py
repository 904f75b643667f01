"""Which arm of a table from elsewhere plays which part: as named by whoever asks, or guessed from names and order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from engine.errors import SpecError

PARTS = ("treated", "reference", "base", "format", "planted")
BASES = ("base", "untuned", "pretrained")
FORMATS = ("shuffled", "format", "format-control", "format control")
PLANTED = ("planted", "planted-control", "planted control")


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
        raise PartError("treated", "A comparison needs two arms.", f"The table has: {', '.join(there)}.")
    if reference is None:
        reference = next(iter(free), base)
        guessed.append("reference")
    if reference in (treated, planted):
        hint = "Name another arm as the reference."
        raise PartError("reference", f"Arm {reference!r} cannot be compared with itself.", hint)
    return Roles(treated, reference, base, format, planted, tuple(guessed))


def suggest(arms: Iterable[str]) -> Roles:
    """A guess at every part, to be looked at before it is used: controls are known by their names alone.

    Raises:
        PartError: There are not two arms to compare.
    """
    there = list(arms)
    controls = {
        part: next((arm for arm in there if arm.strip().lower().replace("_", "-") in names), None)
        for part, names in (("format", FORMATS), ("planted", PLANTED))
    }
    rest = len(there) - sum(arm is not None for arm in controls.values())
    if rest < 2:  # an arm that is called a control may still be all that there is to compare
        controls = dict.fromkeys(controls)
    found = roles(there, None, None, None, **controls)
    return replace(found, guessed=tuple(part for part in PARTS if getattr(found, part) is not None))
