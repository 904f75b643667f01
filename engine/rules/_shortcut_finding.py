"""The decision of the rule "shortcut", in the order that the head of `engine/rules/shortcut.py` gives.

Each clause of a sentence is written beside the comparison that it states, so that it cannot say more than that shows.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.rules._advice import Aim
from engine.rules._base import OPEN
from engine.rules._leaning import on
from engine.rules._reading import gained, lost, no_less, no_more, present
from engine.rules._shortcut_figures import Figures
from engine.spec.example import Side
from engine.stats.evidence import Estimate
from engine.stats.inference.equivalence import equivalent

_MISLED = {1: Side.CONFLICTING, -1: Side.CONGRUENT}
"""Where a lean on the shortcut (1), or against it (-1), leads to wrong answers."""
ONE_SIDED = (
    "A gain on one side of the items, without a lean to it, shows neither that the task was learned nor a shortcut."
)
_WHERE = {Side.CONGRUENT: "helps", Side.CONFLICTING: "misleads"}


class Finding(NamedTuple):
    """Code, the sentence's beginning, and what would make an open question conclusive."""

    code: str
    lead: str
    more: tuple[str, ...] = ()


def found(figures: Figures) -> Finding:
    """What a case shows once its gates are passed."""
    for arm in figures.able:
        if way := figures.leaning.more_than(arm):
            return _leans_more(figures, arm, way)
    gain = present(figures.gain)
    if lost(gain, figures.margin):
        return Finding("worse", f"{_less_accurate(figures)}; {figures.leaning.clause()}")
    if not gained(gain, figures.margin):
        return _debiased_alone(figures) or _no_gain(figures, gain)
    return _form(figures, gain) or _leaning(figures) or _lean_lost(figures) or _learned(figures)


def _leans_more(figures: Figures, arm: str, way: int) -> Finding:
    """It leans more than another arm: what did that do to accuracy, over all and where it misleads?"""
    treated, other, margin = figures.treated, figures.label(arm), figures.margin
    gain, misled = figures.over(arm), figures.over_on(arm, _MISLED[way])
    where, levels = _WHERE[_MISLED[way]], figures.leaning.levels(arm)
    leans = f"leans {on(way)} it more than {other} ({levels})"
    sharpened = f"{treated} sharpened a shortcut: it {leans}"
    if misled is not None and misled.below:
        return Finding("shortcut", f"{sharpened} and is less accurate where it {where}")
    if gain is not None and gained(gain, margin):
        more = f"{treated} is more accurate than {other}{figures.gain_words(arm)}"
        if misled is None or gained(misled, 0.0):
            also = "" if misled is None else f", also where the shortcut {where},"
            return Finding("mixed", f"{more}{also} and leans {on(way)} the shortcut more ({levels})")
        if no_more(misled, margin):
            but = f"but {_no_gain_words(figures, misled)} where it {where}"
            return Finding("shortcut", f"{sharpened} and is more accurate{figures.gain_words(arm)}, {but}")
        lead = f"{more} and leans {on(way)} the shortcut more ({levels}); whether it gained where that {where} is open"
        return _open(figures, lead, misled, Aim(0.0, margin), arm)
    if gain is not None and no_more(gain, margin):
        less = f"is {_no_gain_words(figures, gain)}"
        return Finding("shortcut", f"{sharpened} and {less}{figures.gain_words(arm)}")
    lead = f"{treated} leans {on(way)} the shortcut more than {other} ({levels})"
    lead = f"{lead}; whether it is more accurate by more than {figures.margin_words} is open"
    return _open(figures, lead, gain, Aim(margin, margin, both=False), arm)


def _debiased_alone(figures: Figures) -> Finding | None:
    """It lost a lean, and no accuracy that matters, without a gain over the base."""
    if not no_less(present(figures.gain), figures.margin):
        return None
    return next((_debiased(figures, arm) for arm in _leans_lost(figures)), None)


def _leans_lost(figures: Figures) -> list[str]:
    """The arms whose lean it lost, without losing accuracy that matters against them."""
    kept = [arm for arm in figures.able if (gain := figures.over(arm)) is not None and no_less(gain, figures.margin)]
    return [arm for arm in kept if figures.leaning.lost(arm)]


def _debiased(figures: Figures, arm: str) -> Finding:
    other, gain = figures.label(arm), present(figures.over(arm))
    if gained(gain, figures.margin):
        accuracy = f"is more accurate than {other}"
    else:
        accuracy = f"is not less accurate than {other} by {figures.margin_words} or more"
    lead = f"{figures.treated} lost the lean of {other} {_lean_of(figures, arm)} and {accuracy}"
    return Finding("debiased", f"{lead}{figures.gain_words(arm)}")


def _lean_of(figures: Figures, arm: str) -> str:
    """Which lean another arm has, with both levels."""
    leaning = figures.leaning
    return f"{on(leaning.others[arm].way)} the shortcut ({leaning.levels(arm)})"


def _no_gain(figures: Figures, gain: Estimate) -> Finding:
    """No gain over the base that matters was shown: was one shown that does not, or none?"""
    treated, base, margin, figure = figures.treated, figures.base, figures.margin, figures.gain_words(figures.rule.base)
    matters, leaning = figures.margin_words, figures.leaning.clause()
    if gain.above and no_more(gain, margin):
        lead = f"{treated} is more accurate than {base} by less than {matters}, too little to matter{figure}"
        return Finding("small", f"{lead}; {leaning}")
    if gain.above:
        lead = f"{treated} is more accurate than {base}, in these runs by no more than {matters}{figure}"
        lead = f"{lead}; whether it is by more in general is open; {leaning}"
        return _open(figures, lead, gain, Aim(margin, margin)) if figures.goes_on else Finding("small", lead)
    if equivalent(gain.ci90, margin):
        lead = f"{treated} and {base} differ in accuracy by less than {matters}, too little to matter{figure}"
        return Finding("equal", f"{lead}; {leaning}")
    if gain.below:
        lead = f"{_less_accurate(figures)}; whether by more than {matters} is open"
    elif no_more(gain, margin):
        lead = f"{treated} is not more accurate than {base} by {matters} or more{figure}; whether it is less is open"
    elif no_less(gain, margin):
        lead = f"{treated} is not less accurate than {base} by {matters} or more{figure}; whether it is more is open"
    else:
        lead = f"Whether {treated} is more accurate than {base} is open{figure}"
    return _open(figures, lead, gain, Aim(margin, margin))


def _no_gain_words(figures: Figures, estimate: Estimate) -> str:
    """What is known of accuracy that was shown not to have gained."""
    return "less accurate" if estimate.below else f"not more accurate by {figures.margin_words} or more"


def _less_accurate(figures: Figures) -> str:
    return f"{figures.treated} is less accurate than {figures.base}{figures.gain_words(figures.rule.base)}"


def _form(figures: Figures, gain: Estimate) -> Finding | None:
    """Whether the gain is one that the form of the answer brings about; None where there is more to it."""
    fmt, name, margin = figures.over_format, figures.rule.format, figures.margin
    if fmt is None or name is None or gained(fmt, margin):
        return None
    treated, label = figures.treated, figures.label(name)
    if explained := explains(fmt, gain, margin):
        how = f"is not less accurate by {figures.margin_words} or more"
        how = "is more accurate" if fmt.below else how if explained == "all" else "reaches more than half of the gain"
        return Finding("format", f"{treated} learned the form of the answer: {label} {how}{_against_it(figures, name)}")
    lead = f"Whether {treated} learned more than the form of the answer is open"
    return _open(figures, lead, fmt, Aim(margin, margin, both=False), name)


def _against_it(figures: Figures, arm: str) -> str:
    """The treated arm's difference to another, where that other is what the sentence is about."""
    return figures.gain_words(arm).replace("(", f"({figures.treated} against it: ", 1)


def explains(over_format: Estimate, gain: Estimate, margin: float) -> str:
    """Whether the format arm accounts for the gain: "all" of it but the margin, "most" of it, or ""."""
    if over_format.ci is None or over_format.ci90 is None or over_format.value > margin:
        return ""
    return "all" if no_more(over_format, margin) else "most" if over_format.ci[1] < gain.value / 2 else ""


def _leaning(figures: Figures) -> Finding | None:
    """It gained and leans, or may lean; None where it was shown not to."""
    own, base = figures.leaning.own, figures.rule.base
    levels, more = figures.leaning.levels(), _more_accurate(figures)
    if not own.way:
        if own.none:
            return None
        lead = f"{more}; whether it leans on the shortcut is open ({levels})"
        return _open(figures, lead, own.found, Aim(own.limit, own.limit))
    side = _MISLED[own.way]
    misled, where, leans = figures.over_on(base, side), _WHERE[side], f"leans {on(own.way)} the shortcut ({levels})"
    if misled is None or gained(misled, 0.0):
        also = "" if misled is None else f", also where the shortcut {where},"
        return Finding("mixed", f"{more}{also} and {leans}")
    if no_more(misled, figures.margin):
        but = f"but {_no_gain_words(figures, misled)} where the shortcut {where}"
        return Finding("shortcut", f"{more}, {but}: it {leans}")
    lead = f"{more} and {leans}; whether it gained where that {where} is open"
    return _open(figures, lead, misled, Aim(0.0, figures.margin))


def _lean_lost(figures: Figures) -> Finding | None:
    """It gained and lost a lean: on both sides of the items, or where that lean had misled; None where it lost none."""
    for arm in _leans_lost(figures):
        sides = [figures.over_on(one, side) for one in {arm, figures.rule.base} for side in Side if side in _WHERE]
        if not all(one is not None and gained(one, 0.0) for one in sides):
            return _debiased(figures, arm)
        gain = f"it is more accurate than {figures.base}{figures.gain_words(figures.rule.base)}"
        lost_it = f"lost the lean of {figures.label(arm)} {_lean_of(figures, arm)}"
        sides = "both where the shortcut helps and where it misleads"
        return Finding("learned", f"{figures.treated} learned the task: {gain}, {sides}, and {lost_it}")
    return None


def _learned(figures: Figures) -> Finding:
    """It gained and was shown not to lean: also where the shortcut misleads, and with no more lean than others?"""
    treated, base, leaning = figures.treated, figures.base, figures.leaning
    misled = figures.over_on(figures.rule.base, Side.CONFLICTING)
    if misled is not None and not gained(misled, 0.0):
        if no_more(misled, figures.margin):
            but = f"but {_no_gain_words(figures, misled)} where the shortcut misleads"
            lead = f"{_more_accurate(figures)}, {but}; {leaning.clause()}"
            return Finding("shortcut", lead) if leaning.own.found.above else Finding(OPEN, lead, (ONE_SIDED,))
        lead = f"{_more_accurate(figures)}; whether it gained where the shortcut misleads is open"
        return _open(figures, lead, misled, Aim(0.0, figures.margin))
    for arm in figures.able:
        growth = leaning.growth(arm)
        trusted = arm == figures.rule.base and figures.rule.reference not in (None, arm)
        if not (leaning.no_more_on_average(arm) if trusted else leaning.no_more_than(arm)):
            way = on(1 if leaning.own.found.value >= 0 else -1)
            lead = f"Whether {treated} leans {way} the shortcut more than {figures.label(arm)} is open"
            lead = f"{lead} ({leaning.levels(arm)})"
            return _open(figures, lead, growth, Aim(leaning.margin, leaning.margin, both=False), arm)
    beyond = ", beyond the form of the answer" if figures.over_format is not None else ""
    also = "" if misled is None else ", also where the shortcut misleads"
    accuracy = f"it is more accurate than {base}{figures.gain_words(figures.rule.base)}{also}"
    return Finding("learned", f"{treated} learned the task{beyond}: {accuracy}; {leaning.clause()}")


def _more_accurate(figures: Figures) -> str:
    return f"{figures.treated} is more accurate than {figures.base}{figures.gain_words(figures.rule.base)}"


def _open(figures: Figures, lead: str, asked: Estimate | None, aim: Aim, arm: str = "") -> Finding:
    """An open question about the treated arm's own figure, or where an arm is named about its difference to that."""
    arms = (figures.rule.treated, *([arm] if arm else []))
    return Finding(OPEN, lead, (figures.advice(asked, aim, *arms),) if asked is not None else ())
