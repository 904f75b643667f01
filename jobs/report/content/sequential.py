"""A trial that goes on until it is settled, in words: the same on the terminal, in the window and in reports."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from engine.spec.result import Result
from engine.spec.sequential import LookResult, Sequential
from engine.stats.display.wording import bounds, counted, difference, judged_difference, narrower, unsigned
from jobs.inspecting.words import duration
from jobs.report.content.lookup import ABSENT, label_of, pair_label
from jobs.report.content.model import Paragraph, Section, Table

if TYPE_CHECKING:
    from jobs.store.records import TrialRecord

COST = "Intervals are wider at early looks, so that all looks together are wrong no more than 5 times in 100."
SPENDING = "Lan and DeMets’ spending of O’Brien and Fleming’s type"
ABOUT = (
    f"How the 5 % is shared among the looks was fixed beforehand ({SPENDING}). Where this contrast itself ended it (by "
    "a difference that no earlier look had shown, or since no look was left), the last interval is the one for such an "
    "end. p is worth what it is in this design: it is below 0.05 just where the interval excludes 0."
)
HEAD = ("look after", "difference", "interval", "answer", "decision")
_ANSWERS = {
    "effect": "a difference",
    "no-effect": "too small to matter",
    "not-greater": "not higher by {margin} or more",
    "not-less": "not lower by {margin} or more",
    "go-on": "open",
}
_NO_MORE = "a check failed that no further seed can mend"
_HARDLY = 0.8  # of trials that begin like this one are open in the end: four in five, as the forecast's range holds
_MANY = 5  # looks that are named one by one, whatever lies between them


def after(looks: Sequence[int]) -> str:
    """When a trial is looked at: "after 4, 5, … 12 seeds"."""
    steps = {b - a for a, b in pairwise(looks)}
    named = [str(seeds) for seeds in looks]
    if len(named) > _MANY and len(steps) == 1:
        return f"after {named[0]}, {named[1]}, … {counted(looks[-1], 'seed')}"
    first = f"{', '.join(named[:-1])} and " if named[1:] else ""
    return f"after {first}{counted(looks[-1], 'seed')}"


def look_words(look: LookResult, seen: Sequential) -> str:
    """What one look said: "Look after 6 of at most 12 seeds: +9.1 points [+0.4, +17.2]"."""
    figure = "no figure" if look.difference is None else judged_difference(look, seen.unit, seen.margin)
    return f"Look after {look.seeds} of at most {counted(seen.max_seeds, 'seed')}: {figure}"


def look_answer(look: LookResult, seen: Sequential) -> str:
    """The same with its answer: "…; answer: too small to matter"."""
    return f"{look_words(look, seen)}; answer: {_answer(look, seen)}"


def _answer(look: LookResult, seen: Sequential) -> str:
    return _ANSWERS[look.decision].format(margin=unsigned(seen.margin, seen.unit))


def last_look(seen: Sequential, further_seconds: tuple[float, float] | None = None) -> str:
    """What the last look said and how the trial goes on.

    Args:
        further_seconds: How long the seeds take that may be needed.
    """
    return f"{look_words(seen.looks[-1], seen)}; {_follows(seen, further_seconds)}"


def ended(seen: Sequential) -> str:
    """What a trial ended by: "Settled after 6 seeds.", or what is open after the most that were planned."""
    seeds = counted(seen.looks[-1].seeds, "seed")
    return {
        "settled": f"Settled after {seeds}.",
        "most-seeds": f"{_open(seen)} after {seeds}, the most that were planned.",
        "stopped": f"Stopped after {seeds}: {_NO_MORE}.",
        "go-on": f"Not ended: {seeds} were begun, of at most {seen.max_seeds}.",
    }[seen.decision]


def _open(seen: Sequential) -> str:
    """What is open after the last look, since the trial was not settled: this difference, or else the verdict."""
    return "This difference is still open" if seen.looks[-1].decision == "go-on" else "The verdict is still open"


def standing(trial: TrialRecord) -> str:
    """How a trial that goes on until it is settled stands, in one line; "" where its seeds are fixed."""
    if not trial.looks:
        return ""
    most = f"of at most {counted(trial.looks[-1], 'seed')}"
    if trial.at_a_look:
        return f"Look after {trial.begun} {most}: judging whether more seeds are needed"
    if trial.settled.startswith("stopped: "):
        return f"Stopped after {trial.begun} {most}: {trial.settled.removeprefix('stopped: ').rstrip('.')}"
    if trial.looked is None:
        return f"First look after {trial.looks[0]} {most}"
    if trial.looked.decision == "go-on" and (trial.cancelled or trial.finished is not None):
        halted = "the trial was stopped before the next one" if trial.cancelled else "runs are missing for the next one"
        return f"{look_words(trial.looked.looks[-1], trial.looked)}; {halted}"
    return last_look(trial.looked, trial.further_seconds)


def section(result: Result) -> Section | None:
    """The looks as a table, what the trial ended by and what looking costs; None where its seeds were fixed."""
    seen = result.sequential
    if seen is None:
        return None
    blocks = (
        Paragraph(ended(seen)),
        Table("looks", "The looks, each with its own interval", HEAD, rows(result), words=(0, 3, 4)),
        Paragraph(f"{COST} {ABOUT}", "muted"),
    )
    return Section("looks", "Look by look", blocks, looks_caption(result))


def looks_caption(result: Result) -> str:
    """What is looked at, and when looks were planned; "" where the seeds were fixed."""
    if (seen := result.sequential) is None:
        return ""
    return (
        f"{label_of(result, seen.metric)}, {pair_label(result, *seen.contrast)}; looks were planned {after(seen.plan)}"
    )


def rows(result: Result) -> tuple[tuple[str, ...], ...]:
    """The looks, a row for each, under `HEAD`."""
    seen = result.sequential
    if seen is None:
        return ()
    missing = any(run.status != "succeeded" for arm in result.arms for run in arm.runs)
    return tuple(
        (
            counted(look.seeds, "seed"),
            ABSENT if look.difference is None else difference(look.difference, seen.unit),
            (bounds(look.ci, seen.unit) or ABSENT) + narrower(look, seen.unit, seen.margin),
            _answer(look, seen),
            "went on" if look is not seen.looks[-1] else _decision(seen, missing),
        )
        for look in seen.looks
    )


def _decision(seen: Sequential, missing: bool) -> str:
    if seen.decision == "go-on":
        return "not taken yet: runs are missing" if missing else "goes on"
    return {"settled": "settled", "most-seeds": "ended: the most seeds", "stopped": "stopped"}[seen.decision]


def _follows(seen: Sequential, further_seconds: tuple[float, float] | None) -> str:
    if seen.decision != "go-on":
        return {
            "settled": "settled",
            "most-seeds": f"{_open(seen).lower()}, and no more seeds are planned",
            "stopped": f"stopped: {_NO_MORE}",
        }[seen.decision]
    if seen.looks[-1].decision != "go-on":
        return "goes on, since the verdict rests on more than this difference"
    if seen.further is None:
        return "goes on"
    low, high = seen.further
    more = counted(high, "more seed") if low == high else f"{low} to {high} more seeds"
    time = f" (about {duration(*further_seconds)})" if further_seconds else ""
    if (seen.stays_open or 0) >= _HARDLY:
        return f"goes on, up to {counted(high, 'more seed')}{time}, but will hardly be settled by them"
    return f"goes on, probably {more}{time}"
