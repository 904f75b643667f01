"""How far an arm leans on a shortcut, by its own level of reliance, and whether it leans more than others.

A change of reliance alone says neither: an arm that goes from -40 to 0 points gained 40 and lost a lean, and one that
stays at +40 changed nothing and leans. So levels are judged, by size and sign, and changes beside them.

- An arm *leans on* the shortcut where its level's 95 % interval lies above zero and its mean beyond the limit `leans`;
  it *leans against* the shortcut where the same holds below zero: its answers depend on the cue there, too.
- It was *shown not to lean* where the 90 % interval of its level lies within the limit to either side, two one-sided
  tests at 5 % (Schuirmann 1987). Anything else is open.
- It leans *more than* another arm where its level and the difference between the two both lie beyond the margin in the
  same direction, by their 95 % intervals and means.
- It *lost the lean* of another arm where that one leans, it was itself shown not to, and the difference between the two
  is shown, beyond the margin and away from that lean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from engine.rules._reading import gained, lost, no_more, turned
from engine.stats.display.wording import judged_level, level, unsigned
from engine.stats.evidence import Estimate
from engine.stats.inference.equivalence import equivalent


class Lean(NamedTuple):
    """An arm's level of reliance.

    Attributes:
        arm: The arm's label.
        limit: Level beyond which an arm is said to lean.
        unit: Of the level.
    """

    arm: str
    found: Estimate
    limit: float
    unit: str

    @property
    def way(self) -> int:
        """1 where it leans on the shortcut, -1 where it leans against it, 0 where neither was shown."""
        return int(gained(self.found, self.limit)) - int(lost(self.found, self.limit))

    @property
    def none(self) -> bool:
        """Whether it was shown not to lean."""
        return equivalent(self.found.ci90, self.limit)

    @property
    def shown(self) -> str:
        """The level with its interval."""
        return judged_level(self.found, self.unit, self.limit)

    @property
    def named(self) -> str:
        """The arm and its level."""
        return f"{self.arm}: {level(self.found.value, self.unit)}"


class Leaning:
    """The treated arm's lean beside those of other arms.

    Args:
        own: The treated arm's.
        others: Arm to its lean.
        changes: Arm to the paired difference of reliance, the treated arm's minus that arm's.
        margin: A difference of reliance within +- this is too small to matter.
    """

    def __init__(self, own: Lean, others: Mapping[str, Lean], changes: Mapping[str, Estimate], margin: float) -> None:
        self.own, self.others, self._changes, self.margin = own, others, changes, margin

    def more_than(self, arm: str) -> int:
        """1 where the treated arm leans on the shortcut more than another, -1 where against it, else 0."""
        level, change = self.own.found, self._changes[arm]
        if gained(level, self.margin) and gained(change, self.margin):
            return 1
        return -1 if lost(level, self.margin) and lost(change, self.margin) else 0

    def lost(self, arm: str) -> bool:
        """Whether the treated arm lost the lean of another."""
        way, change = self.others[arm].way, self._changes[arm]
        away = lost(change, self.margin) if way > 0 else gained(change, self.margin)
        return bool(way) and self.own.none and away

    def growth(self, arm: str) -> Estimate:
        """The difference to another arm, so turned that more of what the treated arm leans to is positive."""
        change = self._changes[arm]
        return turned(change) if self.own.found.value < 0 else change

    def no_more_than(self, arm: str) -> bool:
        """Whether it was shown that the treated arm leans by no more than the margin more than another.

        Either the difference says so, or its own level, which lies within the margin whatever the other's is.
        """
        return no_more(self.growth(arm), self.margin) or equivalent(self.own.found.ci90, self.margin)

    def no_more_on_average(self, arm: str) -> bool:
        """The same, by the means alone."""
        return min(abs(self.own.found.value), self.growth(arm).value) <= self.margin

    def clause(self) -> str:
        """Whether the treated arm leans, with its level and the others', as the end of a sentence about it."""
        own = self.own
        limit = unsigned(own.limit, own.unit)
        if own.way:
            said = f"leans {on(own.way)} the shortcut"
        elif own.none:
            said = f"was shown not to lean on the shortcut, nor against it, by {limit} or more"
        else:
            return f"whether it leans on the shortcut is open ({self.levels()})"
        return f"it {said} ({self.levels()})"

    def levels(self, *arms: str) -> str:
        """The treated arm's level with its interval, and the levels of these arms, or of all others."""
        others = [self.others[arm] for arm in arms] or list(self.others.values())
        return "; ".join([self.own.shown, *(one.named for one in others)])


def on(way: int) -> str:
    """Whether a lean is one on the shortcut (1) or against it (-1), in a word."""
    return "on" if way > 0 else "against"
