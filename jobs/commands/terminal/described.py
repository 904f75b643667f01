"""What was found out about a trial's model and data, as lines for a terminal."""

from __future__ import annotations

from engine.spec.understanding import Cost, Inspection
from jobs.inspecting.words import cost_words, duration, facts, fit_facts, left_out

BAR = "─" * 24


def describe(found: Inspection) -> list[str]:
    """All of it: the file, the data as the model sees them, the first example, the costs, and what may go wrong."""
    lines: list[str] = []
    read = found.understanding
    if read is not None:
        lines += ["The data", *_pairs(facts(read)), *(f"  Note: {note}" for note in read.notes), ""]
    lines += ["As the model sees them", *_pairs(fit_facts(found.fit)), ""]
    if found.fit.prompt:
        shown = [*found.fit.prompt.splitlines(), f"{BAR} the answer begins here", *found.fit.answer.splitlines()]
        lines += ["The first example, as the model sees it", *(f"  | {line}" for line in shown), ""]
    if read is not None and read.left_out_count:
        lines += [left_out(read), *(f"  - {row}" for row in read.left_out), ""]
    if found.costs:
        lines += ["What it takes", *(f"  {', '.join(cost.arms)}: {_cost(cost)}" for cost in found.costs)]
        lines += [f"  {cost_words(found)}"] if cost_words(found) else []
        lines += [""]
    return [*lines, *(f"Mind: {warning}" for warning in found.warnings)]


def _pairs(pairs: tuple[tuple[str, str], ...]) -> list[str]:
    width = max((len(name) for name, _ in pairs), default=0)
    return [f"  {name:<{width}}  {value}" for name, value in pairs]


def _cost(cost: Cost) -> str:
    low, high = sorted((min(cost.low, cost.seconds), max(cost.high, cost.seconds)))
    return f"{duration(low, high)} and {cost.memory / 1e9:.1f} GB a run"
