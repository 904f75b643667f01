"""Figures as people read them. One place, so that the window, the reports and the verdict never differ."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Protocol

from engine.spec.result import Look
from engine.stats.display import units

MINUS = "\N{MINUS SIGN}"
_BOUNDS = re.compile(rf"\[([+{MINUS}\d.]+), ([+{MINUS}\d.]+)\]")
_UNIT = re.compile(r"(\d) (?=%|points\b|nats\b|tokens\b|seconds\b)")


class Estimated(Protocol):
    """A figure with its 95 % interval, or None in its place (`engine.stats.estimate.Estimate`, which loads numpy)."""

    @property
    def value(self) -> float:
        """The figure."""
        ...

    @property
    def ci(self) -> tuple[float, float] | None:
        """Its interval."""
        ...


class Judged(Estimated, Protocol):
    """One that is judged by a margin."""

    @property
    def ci90(self) -> tuple[float, float] | None:
        """The narrower one, by which it is shown not to matter."""
        ...


def level(value: float, unit: str) -> str:
    """An arm's figure: "83.2 %", "+4.1 points", "2.314 nats", "+0.512", "3.1 tokens"."""
    known = units.unit(unit)
    return f"{_fixed(known.scale * value, known.digits, known.signed)} {known.word}".rstrip()


def difference(value: float, unit: str) -> str:
    """A difference of two arms' figures: "+5.1 points", "-0.021 nats"."""
    known = units.unit(unit)
    return f"{_fixed(known.scale * value, known.digits, sign=True)} {known.compared}".rstrip()


def unsigned(value: float, unit: str) -> str:
    """A difference whose direction says nothing, such as a margin: "3.0 points"."""
    return difference(value, unit).lstrip("+")


def about(value: float, unit: str) -> str:
    """A size that is itself only roughly known, without a sign: "16 points", "0.8 points", "0.02 nats", "40 tokens"."""
    known, size = units.unit(unit), abs(value)
    if known.scale == 100:
        shown = _fixed(100 * size, 0 if size >= 0.015 else 1)
    else:
        shown = f"{size:.1g}" if size < 9.5 else f"{size:.0f}"
    return f"{shown} {known.compared}".rstrip()


def exists(size: float, unit: str) -> bool:
    """Whether two arms can differ so much at all: 162 points of a share are no difference that anything can find."""
    known = units.unit(unit)
    return abs(size) <= known.most - known.least


def bounds(ci: tuple[float, float] | None, unit: str, signed: bool = True) -> str:
    """An interval without its unit: "[+2.2, +8.0]"; "" where there is none."""
    if ci is None:
        return ""
    known = units.unit(unit)
    low, high = (_fixed(known.scale * bound, known.digits, signed or known.signed) for bound in ci)
    return f"[{low}, {high}]"


def probability(p: float | None) -> str:
    """A p value to three places; "" where there is none."""
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_phrase(p: float | None) -> str:
    """A p value with its sign: "p = 0.062", "p < 0.001"; "" where there is none."""
    shown = probability(p)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}" if shown else ""


def level_of(estimate: Estimated, unit: str) -> str:
    """An arm's figure with its interval: "83.2 % [79.0, 86.1]"."""
    return f"{level(estimate.value, unit)} {bounds(estimate.ci, unit, signed=False)}".rstrip()


def difference_of(estimate: Estimated, unit: str) -> str:
    """A difference with its interval: "+5.1 points [+2.2, +8.0]"."""
    return f"{difference(estimate.value, unit)} {bounds(estimate.ci, unit)}".rstrip()


def judged_level(estimate: Judged, unit: str, margin: float) -> str:
    """The same of a figure that a margin judges: with its `narrower` interval where that tells more."""
    return level_of(estimate, unit) + narrower(estimate, unit, margin, signed=False)


def judged_difference(estimate: Judged, unit: str, margin: float) -> str:
    """A difference, likewise: "-1.6 points [-3.6, +0.4], 90 % [-2.9, +0.1]"."""
    return difference_of(estimate, unit) + narrower(estimate, unit, margin)


def narrower(estimate: Judged, unit: str, margin: float, signed: bool = True) -> str:
    """The 90 % interval where it ends within the margin and the 95 % one does not: ", 90 % [-2.7, +0.3]"; else "".

    So no sentence that says "by less than 3 points" stands beside an interval alone which seems to deny it. Of a figure
    beyond the margin it is not given where it lies beyond zero, too: it would be taken for a finding.
    """
    if estimate.ci is None or estimate.ci90 is None:
        return ""
    (low, high), (low90, high90) = estimate.ci, estimate.ci90
    says_more = low <= -margin < low90 or high90 < margin <= high
    finding = abs(estimate.value) > margin and (low90 > 0 or high90 < 0)
    return f", 90 % {bounds(estimate.ci90, unit, signed)}" if says_more and not finding else ""


def counted(number: int, thing: str) -> str:
    """A number and its noun: "1 seed", "3 seeds"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def moment(text: str) -> str:
    """A time as people write it; what is none is shown as it is."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{found.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if found.tzinfo else text


_LOOKS = {
    "": "figures of {trial} were there when it was queued",
    "result": "figures of {trial} were shown on {at}, before it was queued",
    "live": "live curves of {trial} were shown on {at}, before it was queued",
    "items": "outcomes of {trial} were written out on {at}, before it was queued",
    "assumed": "figures of {trial} were there on {at}, when looks were not noted yet and anyone may have seen them",
}


def look(found: Look, trial: str) -> str:
    """What was seen before a trial was queued, as a clause of which the trial is the subject.

    Args:
        trial: The other trial's name, as it may be shown.
    """
    named = f"{trial} ({counted(found.seeds, 'seed')})"
    whose = f"{named}, whose arms are these with other settings," if found.anew else named
    return _LOOKS[found.shown].format(trial=whose, at=moment(found.at))


EXPECTED = {"greater": "higher", "less": "lower", "equal": "equal"}
"""What a study expects of its primary contrast, in words."""


def lowered(label: str) -> str:
    """A label within a sentence: its first letter small, unless it begins with an abbreviation."""
    return label if len(label) > 1 and label[1].isupper() else label[:1].lower() + label[1:]


def together(text: str) -> str:
    """Figures keep their unit, and an interval its bounds, on one line."""
    return _UNIT.sub("\\1\N{NO-BREAK SPACE}", _BOUNDS.sub("[\\1,\N{NO-BREAK SPACE}\\2]", text))


def _fixed(value: float, digits: int, sign: bool = False) -> str:
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    if float(text) == 0:
        return text.lstrip("+-")
    return text.replace("-", MINUS)
