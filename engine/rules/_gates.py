"""What stands against any verdict, whatever the rule."""

from __future__ import annotations

from engine.rules._base import Case, Gate, Rule
from engine.rules._reading import MIN_SEEDS, Reading
from engine.stats.display.wording import counted, lowered
from engine.stats.evidence import Estimate, Evidence

UNSHARED = 0.05
"""The largest share of items that one arm of a comparison may leave without a figure and the other not."""
BOTH = "Both arms must be run and measured."
SIDES = "Both arms must be measured on items where the shortcut helps and on items where it misleads."


def trial_gates(case: Case) -> list[Gate]:
    """Smoke scale, runs missing, and checks failed."""
    planned, succeeded = case.runs
    found: list[Gate] = []
    if case.smoke:
        found.append(Gate("smoke scale shows that everything runs, and no more", "Run the study at a larger scale."))
    if succeeded < planned:
        lost = planned - succeeded
        missing = f"{lost} of {counted(planned, 'run')} {'is' if lost == 1 else 'are'} missing"
        which = f"Missing: {case.missing}. " if case.missing else ""
        found.append(Gate(missing, which + case.advice.missing))
    return [*found, *(Gate(f"the check “{label}” did not pass", detail) for label, detail in case.failed)]


def figure_gates(rule: Rule, case: Case) -> list[Gate]:
    """Figures missing, the primary one or others that the rule reads, and figures that rest on too few seeds."""
    found: list[Gate] = []
    reading = Reading(case)
    primary = (*case.study.primary.contrast, reading.metric)
    asked = dict.fromkeys([primary, *(read[:3] for read in rule.reads())])
    figures = {at: case.evidence.difference(*at) for at in asked}
    if figures[primary] is None:
        a, b = (reading.label(arm) for arm in primary[:2])
        pair = f"{lowered(reading.metric_label(reading.metric))}, {a} against {b}"
        found.append(Gate(f"the primary contrast, {pair}, could not be computed", BOTH))
    for (a, b, metric), figure in figures.items():
        if figure is None and (a, b, metric) != primary:
            what = f"{reading.named(metric)} of {reading.label(a)} and {reading.label(b)} could not be compared"
            found.append(Gate(what, SIDES if metric == case.study.reliance else BOTH))
    found += _other_items(reading, [at for at, figure in figures.items() if figure is not None])
    return [*found, *_too_few_seeds(reading, {at: e for at, e in figures.items() if e is not None})]


def _other_items(reading: Reading, read: list[tuple[str, str, str]]) -> list[Gate]:
    """Figures that the two arms give for other items."""
    found: list[Gate] = []
    for a, b, metric in read:
        alone, either = reading.evidence.unshared(a, b, metric)
        if alone > UNSHARED * either:
            pair = f"{reading.named(metric)}, {reading.label(a)} against {reading.label(b)}"
            what = f"{alone} of {counted(either, 'item')} (all seeds) have a figure in one arm only ({pair})"
            found.append(Gate(what, "What an arm leaves unanswered is no random choice: have each item scored."))
    return found


def _too_few_seeds(reading: Reading, figures: dict[tuple[str, str, str], Estimate]) -> list[Gate]:
    """Figures that rest on one seed, or on fewer than were run."""
    found: list[Gate] = []
    for (a, b, _), figure in figures.items():
        if not enough_seeds(reading.evidence, a, b, figure):
            pair = f"{reading.label(a)} against {reading.label(b)}"
            what = f"one seed cannot tell an effect from luck ({pair})"
            found.append(Gate(what, "Run at least 2 seeds, better 5 or more."))
            break
    for (a, b, _), figure in figures.items():
        if lost := len(reading.evidence.pairs(a, b)) - figure.n_seeds:
            what = f"a figure of {reading.label(a)} or {reading.label(b)} is missing in {counted(lost, 'seed')}"
            return [*found, Gate(what, "The runs' notes may say why; seeds are not left out for their figures.")]
    return found


def enough_seeds(evidence: Evidence, a: str, b: str, found: Estimate) -> bool:
    """Whether a difference rests on enough seeds: two arms that no seed changes have one run each, and need no more."""
    if found.n_seeds >= MIN_SEEDS:
        return True
    return not any(run.seeded for pair in evidence.pairs(a, b) for run in pair)
