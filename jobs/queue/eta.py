"""How long is still to come, as a range, from seconds measured in this run and in earlier ones of its kind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from engine.run.planned import runs_of
from engine.spec.trial import TrialSpec
from engine.spec.understanding import Inspection
from jobs.store.write import Database, Row

Range = tuple[float, float]
STEADY = (0.85, 1.3)  # how far the steps to come may differ from those measured on a machine with other work
KIND = (0.8, 1.4)  # how far another run of the same kind may differ from those measured


class Measured(NamedTuple):
    """Earlier runs of one kind. All in seconds, (shortest, longest)."""

    whole: Range
    tail: Range | None  # from the last step to the end: the measurements after training


def history(db: Database) -> dict[str, Measured]:
    """What finished runs took, by kind (`jobs.store.write.cost`); only runs that were never interrupted count."""
    rows = db.query(
        """SELECT cost, min(seconds) AS low, max(seconds) AS high, min(tail) AS tail_low, max(tail) AS tail_high
           FROM runs WHERE state = 'succeeded' AND attempt = 1 AND seconds > 0 GROUP BY cost"""
    )
    return {
        row["cost"]: Measured(
            (row["low"], row["high"]), None if row["tail_low"] is None else (row["tail_low"], row["tail_high"])
        )
        for row in rows
    }


def of_run(row: Row, known: dict[str, Measured], now: float) -> Range | None:
    """Seconds until a run ends once it has a slot; None where nothing was measured that could say."""
    before = known.get(row["cost"])
    if row["state"] == "queued":
        return None if before is None else (before.whole[0] * KIND[0], before.whole[1] * KIND[1])
    if row["state"] != "running":
        return None
    spent = max(0.0, now - row["started"])
    measured = (row["step"] - row["first_step"]) if row["first_step"] is not None else 0
    if measured >= 2:
        rate = (row["last_elapsed"] - row["first_elapsed"]) / measured  # seconds per step
        ahead = max(0, row["total_steps"] - row["step"]) * rate
        waited = max(0.0, spent - row["last_elapsed"])  # since the last step came
        tail = before.tail if before is not None and before.tail is not None else (0.0, 0.5 * rate * row["total_steps"])
        low, high = (ahead * STEADY[n] + tail[n] * KIND[n] - waited for n in (0, 1))
        return max(0.0, low), max(0.0, high)
    if before is None:
        return None
    return max(0.0, before.whole[0] * KIND[0] - spent), max(0.0, before.whole[1] * KIND[1] - spent)


def of_inspection(trial: TrialSpec, found: Inspection, slots: int) -> Range | None:
    """Seconds of a whole trial on this machine before any of it has run; None where an arm's cost is not known.

    Within each run's bounds (every answer as short as a right one, or as long as it may be) the range keeps nearer to
    what is expected: the bounds are hardly ever met by all answers of all runs. Of a trial that goes on until it is
    settled the range reaches from its first look to its last.
    """
    costs = {arm: cost for cost in found.costs for arm in cost.arms}
    runs, first = list[Range | None](), list[Range | None]()
    for run in runs_of(trial):
        cost = costs.get(run.arm)
        if cost is None:
            return None
        low, high = (math.sqrt(max(0.0, end) * cost.seconds) for end in (cost.low, cost.high))
        runs.append((low * STEADY[0], high * STEADY[1]))
        if run.seed < (trial.looks or (trial.seeds,))[0]:
            first.append(runs[-1])
    least, most = of_trial(first, slots), of_trial(runs, slots)
    if least is None or most is None:
        return None
    return found.once * STEADY[0] + least[0], found.once * STEADY[1] + most[1]


def of_seeds(seeds: tuple[int, int], arms: Sequence[Sequence[float]], slots: int) -> Range | None:
    """Seconds of so many more seeds, from the fewest to the most, by what earlier seeds of the same trial took.

    Args:
        arms: Of each arm that every seed runs, the seconds of its runs so far.
    """
    kind = [(min(took) * KIND[0], max(took) * KIND[1]) for took in arms if took]
    fewest, most = (of_trial(kind * number, slots) for number in seeds)
    return None if fewest is None or most is None else (fewest[0], most[1])


def of_trial(runs: Sequence[Range | None], slots: int) -> Range | None:
    """Seconds until the last of these runs ends, shared among `slots`; None where none waits or one is unknown."""
    known = [r for r in runs if r is not None]
    if not known or len(known) < len(runs):
        return None
    slots = max(1, slots)
    low = max(max(r[0] for r in known), sum(r[0] for r in known) / slots)
    high = sum(r[1] for r in known) / slots + (max(r[1] for r in known) if len(known) > slots else 0.0)
    return low, max(low, high, max(r[1] for r in known))
