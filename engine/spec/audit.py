"""What the design audit found before anything was trained: the figures that a result carries, and its sentence."""

from __future__ import annotations

from engine.spec.example import Frozen


class PartAlone(Frozen):
    """How often a simple model is right that sees one part of the input and nothing else.

    Attributes:
        part: The part, e.g. "the hypothesis".
        of: What is chosen, e.g. "the label".
        arms: The arms whose training examples it was fitted on.
        side: The items' side; "" for all of them.
        accuracy: Share right on the measured items, mean over seeds; ties count as a guess.
        chance: Share right by guessing.
        ci: 95 % interval for all figures of the audit together (Bonferroni); null with one item.
        exempt: Why the part may tell the answer; "" where it may not.
        ok: Whether it is not surely further from chance than the audit allows, or exempt.
    """

    part: str
    of: str
    arms: tuple[str, ...]
    side: str
    accuracy: float
    chance: float
    ci: tuple[float, float] | None
    exempt: str = ""
    ok: bool = True

    @property
    def distance(self) -> float:
        """How far from chance it is."""
        return abs(self.accuracy - self.chance)


class Balance(Frozen):
    """Whether each value of a part goes with each answer equally often.

    Attributes:
        arms: The arms whose training examples were counted; () for the measured items.
        values: How many values there are.
        p: Chance that counts are as uneven if right answers are drawn by lot; of the most uneven seed.
        most: The most uneven value, its answer, how often that was right, and how often it would be by lot.
    """

    part: str
    of: str
    arms: tuple[str, ...]
    values: int
    p: float
    most: str
    exempt: str = ""
    ok: bool = True


class Seen(Frozen):
    """How many of a part's measured values are in the training examples: none (held out), all (crossed), or some."""

    part: str
    of: str
    arms: tuple[str, ...]
    measured: int
    trained: int
    exempt: str = ""
    ok: bool = True


class Audit(Frozen):
    """The design audit of a study as it was to be run.

    Attributes:
        within: The distance from chance that a part alone may have (share).
        alone, balance, seen: What was found; empty where the data do not name their parts.
        words: Mean length of the measured prompts in words, by side.
        even: Labels of arms whose training examples have the shortcut right as often as wrong.
        seeds: How many seeds' training examples were read.
        notes: What could not be audited, and why.
    """

    within: float
    alone: tuple[PartAlone, ...] = ()
    balance: tuple[Balance, ...] = ()
    seen: tuple[Seen, ...] = ()
    words: dict[str, float] = {}
    even: tuple[str, ...] = ()
    seeds: int = 0
    notes: tuple[str, ...] = ()

    @property
    def faults(self) -> tuple[PartAlone | Balance | Seen, ...]:
        """What stands against a verdict."""
        return tuple(one for one in (*self.alone, *self.seen, *self.balance) if not one.ok)

    @property
    def ok(self) -> bool:
        """Whether nothing does."""
        return not self.faults

    @property
    def asked(self) -> tuple[PartAlone, ...]:
        """The figures of parts that may not tell the answer."""
        return tuple(one for one in self.alone if not one.exempt)

    @property
    def done(self) -> bool:
        """Whether any such part was tried, or a fault was found without that: else an audit says nothing."""
        return bool(self.asked or self.faults)

    @property
    def sentence(self) -> str:
        """What it found, the gravest first."""
        if not self.done:
            return " ".join(("Nothing was audited.", *self.notes))
        if self.ok:
            return _passed(self)
        found = max((one for one in self.alone if not one.ok), key=lambda one: one.distance, default=None)
        first = _alone(found) if found else _other(self.faults[0])
        rest = len(self.faults) - 1
        return first + (f" {rest} more {'figure fails' if rest == 1 else 'figures fail'}." if rest else "")


def _passed(audit: Audit) -> str:
    inside = sum(_within(one, audit.within) for one in audit.asked)
    points, asked = f"{100 * audit.within:g} points", len(audit.asked)
    figures = "1 figure" if asked == 1 else f"{asked} figures"
    return (
        f"No part of the input alone was shown to tell the answer: of {figures} none is surely more than {points} from "
        f"chance, and {inside} {'is' if inside == 1 else 'are'} shown to be within."
    )


def _within(one: PartAlone, margin: float) -> bool:
    return one.ci is not None and one.ci[0] >= one.chance - margin and one.ci[1] <= one.chance + margin


def _alone(one: PartAlone) -> str:
    where = f" on {one.side} items" if one.side else ""
    low, high = (f"{100 * bound:.0f}" for bound in one.ci) if one.ci else ("?", "?")
    return (
        f"From {one.part} alone a simple model gets {one.of} right in {100 * one.accuracy:.0f} % [{low}, {high}]"
        f"{where} (trained like {one.arms[0]}; by guessing {100 * one.chance:.0f} %)."
    )


def _other(one: PartAlone | Balance | Seen) -> str:
    where = f"the training examples of {one.arms[0]}" if one.arms else "the measured items"
    if isinstance(one, Seen):
        return f"{one.trained} of {one.measured} values of {one.part} that are measured are in {where}."
    if isinstance(one, Balance):
        return f"In {where} {one.of} is not balanced within {one.part}: {one.most}."
    return _alone(one)
