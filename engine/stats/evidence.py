"""Everything that can be said about a trial's figures: levels of arms and paired differences, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.spec.example import Outcome
from engine.stats.estimate import Estimate, estimated
from engine.stats.gap import gap_closed
from engine.stats.inference.looks import Looks
from engine.stats.metric import Metric
from engine.stats.resampling.columns import Columns
from engine.stats.resampling.jackknife import Influence, influence
from engine.stats.statistics._base import Statistic


@dataclass(frozen=True)
class Run:
    """One run that succeeded.

    Attributes:
        seeded: Whether another seed gives another run; one that is not seeded is paired with every seed of another arm.
        metrics: "probe.metric" to value.
        outcomes: Probe to the outcomes of its items.
        complete: Whether its arm has all of its runs at the first look of a design that has several: what is said of it
            does not change from look to look, and is judged as if there were one.
    """

    arm: str
    seed: int
    seeded: bool = True
    metrics: Mapping[str, float] = field(default_factory=dict)
    outcomes: Mapping[str, Sequence[Outcome]] = field(default_factory=dict)
    complete: bool = False


class Evidence:
    """Levels and differences of a trial's metrics.

    Args:
        runs: The runs that succeeded.
        metrics: Every metric by "probe.metric".
        looks: The look of a design that has several; None: there is one.
        items: What the items of these runs and of others say, where that is known; None: it is read.
        ended: The difference by which the design ended at this look, (arm, arm, metric); None: by none.
    """

    def __init__(
        self,
        runs: Iterable[Run],
        metrics: Mapping[str, Metric],
        looks: Looks | None = None,
        items: _Items | None = None,
        ended: tuple[str, str, str] | None = None,
    ) -> None:
        self.metrics = metrics
        self.looks = looks
        self._ended = ended
        self._runs = sorted(runs, key=lambda run: (run.arm, run.seed))
        self._items = items or _Items(self._runs)
        self._at = self._items.at
        self._known: dict[tuple[object, ...], Estimate | None] = {}

    def at_look(self, looks: Looks) -> Evidence:
        """What an earlier look saw: the same figures from its seeds alone, of whose items nothing is read anew."""
        return Evidence([r for r in self._runs if r.seed < looks.seeds[looks.at]], self.metrics, looks, self._items)

    def ended_by(self, a: str, b: str, metric: str) -> Evidence:
        """The same figures, of a design that ended at this look by this difference: its interval is that of the end."""
        found = Evidence(self._runs, self.metrics, self.looks, self._items, (a, b, metric))
        found._known = {key: known for key, known in self._known.items() if key != (a, b, metric, None)}
        return found

    def shared(self, *arms: str) -> Evidence:
        """The same figures of the seeds that all of these arms have, so that differences add up to levels.

        Where one of them has all of its runs at the first look, the others' that are left are those of that look, and
        nothing changes from look to look.
        """
        left = {(run.arm, run.seed): run for of in self._joined(*arms) for run in of}
        looks = self._looks_at([*left.values()])
        if looks is self.looks and all((run.arm, run.seed) in left for arm in arms for run in self.arm(arm)):
            return self
        return Evidence(left.values(), self.metrics, looks, self._items)

    def arm(self, name: str) -> list[Run]:
        """The arm's runs, by seed."""
        return [run for run in self._runs if run.arm == name]

    def level(self, arm: str, metric: str) -> Estimate | None:
        """The metric's mean over the arm's seeds; None where no run has it."""
        runs = [run for run in self.arm(arm) if _has(run, metric)]
        if not runs:
            return None
        about = self.metrics[metric]
        values = [run.metrics[metric] for run in runs]
        found = self._of_items(metric)
        own = None if found is None else found.of([self._at[run.arm, run.seed] for run in runs])
        linear = about.statistic.linear
        return estimated(values, own, about.unit, level=True, linear=linear, looks=self._looks_at(runs))

    def difference(self, a: str, b: str, metric: str, statistic: Statistic | None = None) -> Estimate | None:
        """The metric of arm a minus that of arm b, paired by seed.

        Args:
            a: An arm.
            b: The arm it is compared with. A run that is not seeded is paired with every seed.
            metric: "probe.metric".
            statistic: Another figure drawn from the same items, in place of the metric's own.

        Returns:
            None where no pair of runs has it.
        """
        key = (a, b, metric, statistic)
        if key not in self._known:
            self._known[key] = self._difference(a, b, metric, statistic)
        return self._known[key]

    def closed(self, a: str, base: str, target: str, metric: str) -> Estimate | None:
        """The gap closed by arm a: (a - base) / (target - base), of means over the seeds that all three have.

        Its interval is Fieller's, of seeds and items together (`engine.stats.gap`). It is None where the gap
        between target and base is not shown to differ from 0: no ratio can be excluded then.

        Returns:
            None where no seed has the metric in all three arms, or where the mean gap is exactly 0.
        """
        runs = [of for of in self._joined(a, base, target) if all(_has(run, metric) for run in of)]
        if not runs:
            return None
        at = np.array([[self._at[run.arm, run.seed] for run in of] for of in runs])  # [seeds, 3]
        values = np.array([[run.metrics[metric] for run in of] for of in runs])
        gains, gaps = values[:, 0] - values[:, 1], values[:, 2] - values[:, 1]
        found = self._of_items(metric)
        looks = self._looks_at([run for of in runs for run in of])
        if found is None:
            return gap_closed(gains, gaps, None, looks)
        x, y, z = (found.of(at[:, place]) for place in range(3))
        return gap_closed(gains, gaps, (x.minus(y), z.minus(y)), looks)

    def pairs(self, a: str, b: str) -> list[tuple[Run, Run]]:
        """Runs of both arms by seed; a run that is not seeded stands for every seed."""
        return [(x, y) for x, y in self._joined(a, b)]

    def unshared(self, a: str, b: str, metric: str) -> tuple[int, int]:
        """How many items only one run of a pair gives the metric's numbers for, and how many either does, added up.

        What one arm leaves unanswered is not left out by chance: a difference of other items is no difference of arms.
        """
        columns, statistic = self._items.columns(_probe(metric)), self.metrics[metric].statistic
        alone = either = 0
        for pair in self.pairs(a, b):
            x, y = (columns.given(statistic, self._at[run.arm, run.seed]) for run in pair)
            alone, either = alone + len(x ^ y), either + len(x | y)
        return alone, either

    def clusters(self, metric: str) -> int:
        """How many clusters of items stand behind a metric; 0 where no item says anything about it."""
        found = self._of_items(metric)
        return 0 if found is None else len(found.ways[0])

    def _difference(self, a: str, b: str, metric: str, statistic: Statistic | None) -> Estimate | None:
        found = self._of_items(metric, statistic)
        own = statistic is None
        if found is None and not own:
            return None
        pairs = [pair for pair in self.pairs(a, b) if not own or (_has(pair[0], metric) and _has(pair[1], metric))]
        if not pairs:
            return None
        at = np.array([[self._at[run.arm, run.seed] for run in pair] for pair in pairs])  # [pairs, 2]
        shifts = None if found is None else found.of(at[:, 0]).minus(found.of(at[:, 1]))
        drawn = statistic or self.metrics[metric].statistic
        if own:
            values = [x.metrics[metric] - y.metrics[metric] for x, y in pairs]
        else:
            points = self._items.columns(_probe(metric)).figures(drawn)
            values = [float(v) for v in points[at[:, 0]] - points[at[:, 1]]]
        if not all(math.isfinite(v) for v in values):
            return None
        unit = self.metrics[metric].unit
        if unit == "difference" and statistic is not None and not statistic.sided:
            unit = "share"  # of one of the two sides
        looks, ended = self._looks_at([run for pair in pairs for run in pair]), own and self._ended == (a, b, metric)
        return estimated(values, shifts, unit, level=False, linear=drawn.linear, looks=looks, ended=ended)

    def _looks_at(self, runs: Sequence[Run]) -> Looks | None:
        """The look at a figure of these runs; None where nothing is asked anew from look to look."""
        return None if any(run.complete for run in runs) else self.looks

    def _joined(self, *arms: str) -> list[tuple[Run, ...]]:
        """One run of each arm for every seed that all of them have; a run that is not seeded stands for every seed."""
        by_seed = [{run.seed: run for run in self.arm(name)} for name in arms]
        if not all(by_seed):
            return []
        fixed = [_fixed(runs) for runs in by_seed]
        seeded = [runs for runs, one in zip(by_seed, fixed, strict=True) if one is None]
        first = (seeded or by_seed)[0]  # where none is seeded, each has one run
        seeds = [seed for seed in first if all(seed in runs for runs in seeded)][: None if seeded else 1]
        return [tuple(one or runs[seed] for runs, one in zip(by_seed, fixed, strict=True)) for seed in seeds]

    def _of_items(self, metric: str, statistic: Statistic | None = None) -> Influence | None:
        return self._items.influence(_probe(metric), statistic or self.metrics[metric].statistic)


class _Items:
    """What the items of runs say: their columns, and how much each cluster adds to a figure of every run.

    Attributes:
        at: The place of a run, by arm and seed.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self.at = {(run.arm, run.seed): number for number, run in enumerate(runs)}
        self._runs = runs
        self._columns: dict[str, Columns] = {}
        self._influence: dict[tuple[str, Statistic], Influence | None] = {}

    def columns(self, probe: str) -> Columns:
        """A probe's items of all runs."""
        if probe not in self._columns:
            self._columns[probe] = Columns([run.outcomes.get(probe, ()) for run in self._runs])
        return self._columns[probe]

    def influence(self, probe: str, statistic: Statistic) -> Influence | None:
        """How much each cluster adds to a figure of every run; None where no item says anything about it."""
        key = (probe, statistic)
        if key not in self._influence:
            self._influence[key] = influence(self.columns(probe), statistic)
        return self._influence[key]


def _probe(metric: str) -> str:
    return metric.split(".", 1)[0]


def _has(run: Run, metric: str) -> bool:
    return math.isfinite(run.metrics.get(metric, math.nan))


def _fixed(runs: Mapping[int, Run]) -> Run | None:
    """The arm's one run where it is not seeded."""
    first = next(iter(runs.values()))
    return None if first.seeded else first
