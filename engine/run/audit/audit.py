"""The design audit of a trial: no part of an input may tell the answer by itself, except through the study's own cue.

A hypothesis that gives the answer away without its premise (Poliak et al. 2018, arXiv:1805.01042; Gururangan et al.
2018, arXiv:1803.02324) is a shortcut nobody asked about: whatever a study then measures, it may be this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean

import numpy as np
from scipy import stats

from engine.run import sources
from engine.run.audit.balance import counted, seen
from engine.run.audit.mixes import Load, Mix, mixes
from engine.run.audit.part_model import PartModel, weights
from engine.spec.audit import Audit, Balance, PartAlone, Seen
from engine.spec.choice import Choice
from engine.spec.example import Item, Side
from engine.spec.trial import TrialSpec

WITHIN = 0.03
"""How far from chance a part alone may be (share right)."""
ALPHA = 0.05
"""Chance that the intervals do not all hold (Bonferroni); far fewer sound designs fail, for `WITHIN` is allowed."""
LOTS = 0.01
"""Chance that a sound design fails since its counts are uneven, over all parts together."""
UNITS = 20
"""Values of a part from which on they are the units of an interval; with fewer the items are."""
CUE = "it is the shortcut under study, on which examples may lean"
TAUGHT = "the arm is taught what it must not learn elsewhere (positive control)"
SHOWN = "examples to learn from may be uneven, where what is measured is not"
CONSTANT = "Every measured item has the same answer to {of} ({answer}), so what a part tells of it was not asked."
UNNAMED = "The data do not name the parts of their inputs, so none was tried alone."


def audit(trial: TrialSpec, load: Load = sources.load) -> Audit:
    """Audit the very examples and items of a trial, of every arm that is trained or shown examples.

    Args:
        load: Where data come from; tests pass their own.

    Raises:
        LabError: The data cannot be read.
    """
    notes: list[str] = []
    found = mixes(trial, load, notes)
    if not any(mix.measured for mix in found):
        return Audit(within=WITHIN, notes=(*notes, UNNAMED))
    return Audit(
        within=WITHIN,
        alone=_judged([one for mix in found for one in _alone(mix)]),
        balance=tuple(_balance(found)),
        seen=tuple(one for mix in found for one in _seen(mix)),
        words=_lengths(found[0].items),
        even=tuple(arm for mix in found if not mix.leans for arm in mix.arms),
        seeds=max(len(mix.seeds) for mix in found),
        notes=tuple(dict.fromkeys((*notes, *_constant(found)))),
    )


def _constant(found: Sequence[Mix]) -> Iterator[str]:
    for mix in found:
        for kind, entries in mix.measured.items():
            first = entries[0][0]
            if _alike([choice for choice, _ in entries]):
                yield CONSTANT.format(of=kind, answer=first.answers[first.right])


def _alike(measured: Sequence[Choice]) -> bool:
    """Whether all have one and the same right answer among the same ones: a constant, of which nothing can tell."""
    return len({(frozenset(choice.answers), choice.answers[choice.right]) for choice in measured}) < 2


def _alone(mix: Mix) -> Iterator[tuple[PartAlone, float, int]]:
    """Every part's model, fitted on each seed's examples and measured on each side, with error and units."""
    for kind, entries in mix.measured.items():
        measured, trained = [choice for choice, _ in entries], mix.trained(kind)
        if not trained or _alike(measured):
            continue
        for part in _shown(measured[0].parts, trained):
            credit = np.mean([PartModel(some, part).credit(measured) for some in trained], axis=0)
            # What a shortcut tells of one side it tells wrong of the other: where it is even, both count together.
            even = part in measured[0].cue and not mix.leans
            for side, at in [("", np.arange(len(measured)))] if even else _sides(entries):
                own, right = [measured[n] for n in at], credit[at]
                share = weights(own) / len(own)
                figure = PartAlone(
                    part=part, of=kind, arms=tuple(mix.arms), side=side, accuracy=_rounded(float(share @ right)),
                    chance=_rounded(float(share @ [1 / len(choice.answers) for choice in own])), ci=None,
                    exempt=_exempt(measured[0], part, mix),
                )  # fmt: skip
                yield figure, *_error(own, part, share, right)


def _rounded(share: float) -> float:
    """A sum of shares without the rounding errors of its last digits."""
    return round(share, 12)


def _shown(parts: Iterable[str], seeds: Sequence[Sequence[Choice]]) -> list[str]:
    """The parts of which examples show anything: an arm may withhold one."""
    return [part for part in parts if any(any(choice.parts[part]) for choices in seeds for choice in choices)]


def _exempt(choice: Choice, part: str, mix: Mix) -> str:
    """Why a part may tell the answer, "" where it may not."""
    return CUE if mix.leans and part in choice.cue else TAUGHT if mix.planted and part in choice.deciding else ""


def _sides(entries: Sequence[tuple[Choice, Side]]) -> list[tuple[str, np.ndarray]]:
    """The choices of each side; all together where no shortcut points anywhere, or all answers are to count evenly."""
    sides = np.array([side.value for _, side in entries])
    if entries[0][0].evenly or set(sides) == {Side.NEUTRAL.value}:
        return [("", np.arange(len(sides)))]
    return [(side.value, at) for side in Side if len(at := np.flatnonzero(sides == side.value))]


def _error(choices: Sequence[Choice], part: str, share: np.ndarray, right: np.ndarray) -> tuple[float, int]:
    """Standard error of a share right, and how many units it comes from.

    Items with one value of the part get one answer from its model, so values are the units that are drawn (as clusters:
    Liang & Zeger 1986). How often each fixed answer is right is the design's, not drawn: a model that always says the
    same has no error.
    """
    fixed = len(choices[0].parts[part]) == 1
    strata = _numbered([choice.answers[choice.right] if fixed else "" for choice in choices])
    means = np.bincount(strata, share * right) / np.bincount(strata, share)
    distance = share * (right - means[strata])
    values = np.bincount(_numbered([choice.parts[part] for choice in choices]), distance)
    units = values if len(values) >= UNITS else distance
    count = len(units)
    return float(np.sqrt((units**2).sum() * count / max(1, count - 1))), count


def _numbered(values: Sequence[object]) -> np.ndarray:
    codes: dict[object, int] = {}
    return np.array([codes.setdefault(value, len(codes)) for value in values])


def _judged(figures: Sequence[tuple[PartAlone, float, int]]) -> tuple[PartAlone, ...]:
    """The figures with intervals that hold all together, and whether each is surely too far from chance."""
    asked = sum(not figure.exempt for figure, _, _ in figures)
    found = []
    for figure, error, units in figures:
        if units < 2:
            found.append(figure)
            continue
        reach = float(stats.t.ppf(1 - ALPHA / max(1, asked) / 2, units - 1)) * error
        low, high = max(0.0, figure.accuracy - reach), min(1.0, figure.accuracy + reach)
        far = low > figure.chance + WITHIN or high < figure.chance - WITHIN
        found.append(figure.model_copy(update={"ci": (low, high), "ok": bool(figure.exempt) or not far}))
    return tuple(found)


def _balance(found: Sequence[Mix]) -> Iterator[Balance]:
    """The counts of each part in the measured items, and in each mix: those of the seed with the most uneven ones.

    Those of the measured items must be even. What a part tells in the training examples can make no side better than
    another unless it tells it of the measured items too, and then it is found by its model.
    """
    first = found[0]
    items = [(kind, (), [[choice for choice, _ in entries]]) for kind, entries in first.measured.items()]
    mixed = [(kind, tuple(mix.arms), mix.trained(kind)) for mix in found for kind in mix.measured]
    tests = sum(len(list(_counted_parts(choices[0]))) for _, _, (choices,) in items)
    for kind, arms, seeds in (*items, *mixed):
        for part in _shown(_counted_parts(seeds[0][0]), seeds) if seeds else ():
            counts = min((counted(choices, part) for choices in seeds), key=lambda counts: counts.p)
            yield Balance(
                part=part, of=kind, arms=arms, values=counts.values, p=counts.p, most=counts.most,
                exempt=SHOWN if arms else "", ok=bool(arms) or counts.p >= LOTS / tests,
            )  # fmt: skip


def _counted_parts(choice: Choice) -> Iterator[str]:
    """The parts whose values must be even: neither the shortcut, nor what decides, nor where answers are rare."""
    return (part for part in choice.parts if not choice.evenly and part not in choice.cue | choice.deciding)


def _seen(mix: Mix) -> Iterator[Seen]:
    """Which values are both trained on and measured; of deciding parts none may be."""
    for kind, entries in mix.measured.items():
        measured, trained = [choice for choice, _ in entries], mix.trained(kind)
        first = measured[0]
        for part in (part for part in _shown(first.parts, trained) if part not in first.cue):
            there, both = seen([choice for some in trained for choice in some], measured, part)
            exempt = TAUGHT if mix.planted and part in first.deciding else ""
            yield Seen(
                part=part, of=kind, arms=tuple(mix.arms), measured=there, trained=both, exempt=exempt,
                ok=part not in first.deciding or bool(exempt) or not both,
            )  # fmt: skip


def _lengths(items: Sequence[Item]) -> dict[str, float]:
    """Mean number of words of the prompts of each side; tokens are a check of every run."""
    said = {side: [_words(item) for item in items if item.side is side] for side in (Side.CONGRUENT, Side.CONFLICTING)}
    return {side.value: fmean(counts) for side, counts in said.items() if counts}


def _words(item: Item) -> int:
    return sum(len(str(message.get("content") or "").split()) for message in item.prompt.messages)
