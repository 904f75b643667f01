"""Everything that can be said about a trial's figures: levels of arms and paired differences, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.spec.example import Outcome
from engine.stats import paired, power, resample
from engine.stats.columns import Columns
from engine.stats.metric import ItemMean, Metric

_WIDEST = {"share": 1.0, "difference": 1.0}
_NOTHING = 1e-9  # a width that rounding alone brings about
ENOUGH_SEEDS = 5
"""Seeds from which their own spread is known well enough to plan by."""


@dataclass(frozen=True)
class Run:
    """One run that succeeded.

    Attributes:
        seeded: Whether another seed gives another run; one that is not seeded is paired with every seed of another arm.
        metrics: "probe.metric" to value.
        outcomes: Probe to the outcomes of its items.
    """

    arm: str
    seed: int
    seeded: bool = True
    metrics: Mapping[str, float] = field(default_factory=dict)
    outcomes: Mapping[str, Sequence[Outcome]] = field(default_factory=dict)


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds.

    Attributes:
        ci: 95 % interval, None where there is none (one seed and no items to resample).
        ci90: 90 % interval, for showing that a difference is too small to matter.
        per_seed: The values whose mean it is.
        p: Two-sided sign-flip p over seeds (differences only), None with one seed.
        item_spread: Standard deviation that the choice of items alone gives the mean; 0 where none is known.
    """

    value: float
    ci: tuple[float, float] | None
    ci90: tuple[float, float] | None
    per_seed: tuple[float, ...]
    p: float | None = None
    item_spread: float = 0.0

    @property
    def n_seeds(self) -> int:
        """How many seeds it rests on."""
        return len(self.per_seed)

    @property
    def detectable(self) -> float | None:
        """The true difference that this many seeds and items find four times in five.

        None with fewer than five seeds, whose own spread is too uncertain (with three, what is found this way lies
        between .4 and 1.5 times the truth nine times in ten), and where nothing varies: that is no proof that any
        difference would have been found.
        """
        if self.n_seeds < ENOUGH_SEEDS:
            return None
        return power.detectable(self.n_seeds, float(np.std(self.per_seed, ddof=1)), self.item_spread) or None

    @property
    def above(self) -> bool:
        """Whether the 95 % interval lies above zero."""
        return self.ci is not None and self.ci[0] > 0

    @property
    def below(self) -> bool:
        """Whether the 95 % interval lies below zero."""
        return self.ci is not None and self.ci[1] < 0


class Evidence:
    """Levels and differences of a trial's metrics.

    Args:
        runs: The runs that succeeded.
        metrics: Every metric by "probe.metric".
        resamples: Draws of the bootstrap.
    """

    def __init__(self, runs: Iterable[Run], metrics: Mapping[str, Metric], resamples: int = resample.RESAMPLES) -> None:
        self.metrics = metrics
        self._resamples = resamples
        self._runs = sorted(runs, key=lambda run: (run.arm, run.seed))
        self._at = {(run.arm, run.seed): number for number, run in enumerate(self._runs)}
        self._columns: dict[str, Columns] = {}
        self._resamplers: dict[int, resample.Resampler] = {}
        self._draws: dict[tuple[str, ItemMean, bool], resample.Draws] = {}
        self._known: dict[tuple[object, ...], Estimate | None] = {}

    def arm(self, name: str) -> list[Run]:
        """The arm's runs, by seed."""
        return [run for run in self._runs if run.arm == name]

    def level(self, arm: str, metric: str) -> Estimate | None:
        """The metric's mean over the arm's seeds; None where no run has it."""
        runs = [run for run in self.arm(arm) if _has(run, metric)]
        if not runs:
            return None
        draws = self._drawn(metric, False)
        return self._estimate(
            self.metrics[metric].unit,
            [run.metrics[metric] for run in runs],
            None if draws is None else draws.of([self._at[run.arm, run.seed] for run in runs]),
            level=True,
        )

    def difference(
        self, a: str, b: str, metric: str, form: ItemMean | None = None, placebo: bool = False
    ) -> Estimate | None:
        """The metric of arm a minus that of arm b, paired by seed.

        Args:
            a: An arm.
            b: The arm it is compared with. An arm that trains nothing has one run, which is paired with every seed.
            metric: "probe.metric".
            form: Another figure drawn from the same items, in place of the metric's own.
            placebo: Draw the items' sides by lot.

        Returns:
            None where no pair of runs has it.
        """
        key = (a, b, metric, form, placebo)
        if key not in self._known:
            self._known[key] = self._difference(a, b, metric, form, placebo)
        return self._known[key]

    def _difference(self, a: str, b: str, metric: str, form: ItemMean | None, placebo: bool) -> Estimate | None:
        draws = self._drawn(metric, placebo, form)
        own = form is None and not placebo
        if draws is None and not own:
            return None
        pairs = [pair for pair in self.pairs(a, b) if not own or (_has(pair[0], metric) and _has(pair[1], metric))]
        if not pairs:
            return None
        at = np.array([[self._at[run.arm, run.seed] for run in pair] for pair in pairs])  # [pairs, 2]
        shifts = None if draws is None else draws.of(at[:, 0]).minus(draws.of(at[:, 1]))
        if own:
            values = [x.metrics[metric] - y.metrics[metric] for x, y in pairs]
        else:
            points = self._points(metric, placebo, form)
            values = [float(v) for v in points[at[:, 0]] - points[at[:, 1]]]
        if not all(math.isfinite(v) for v in values):
            return None
        mean = form is not None and not form.by_side and self.metrics[metric].unit == "difference"
        return self._estimate("share" if mean else self.metrics[metric].unit, values, shifts, level=False)

    def pairs(self, a: str, b: str) -> list[tuple[Run, Run]]:
        """Runs of both arms by seed; a run that trains nothing stands for every seed."""
        left, right = ({run.seed: run for run in self.arm(name)} for name in (a, b))
        if not left or not right:
            return []
        fixed_left, fixed_right = (_fixed(runs) for runs in (left, right))
        if fixed_left and fixed_right:
            return [(fixed_left, fixed_right)]
        if fixed_left:
            return [(fixed_left, run) for run in right.values()]
        if fixed_right:
            return [(run, fixed_right) for run in left.values()]
        return [(left[seed], right[seed]) for seed in left if seed in right]

    def _estimate(self, unit: str, values: Sequence[float], draws: resample.Draws | None, level: bool) -> Estimate:
        ci, ci90, spread = paired.t_interval(values), paired.t_interval(values, 0.90), 0.0
        points = np.asarray(values)
        if draws is not None and (drawn := resample.interval(points, draws)):
            ci, ci90, spread = drawn, resample.interval(points, draws, 0.90), resample.item_spread(draws.replicates)
        if ci is not None and ci[1] - ci[0] < _NOTHING:  # neither seeds nor items vary: that is no certainty
            clusters = 0 if draws is None or unit not in _WIDEST else draws.influence.shape[0]
            ci, ci90 = (resample.unvarying(values[0], clusters, level) for level in (0.95, 0.90))
        return Estimate(
            value=float(np.mean(values)),
            ci=_clipped(ci, unit, level),
            ci90=_clipped(ci90, unit, level),
            per_seed=tuple(float(v) for v in values),
            p=None if level else paired.sign_flip(values),
            item_spread=spread,
        )

    def _probe_columns(self, metric: str) -> Columns:
        probe = metric.split(".", 1)[0]
        if probe not in self._columns:
            self._columns[probe] = Columns([run.outcomes.get(probe, ()) for run in self._runs])
        return self._columns[probe]

    def clusters(self, metric: str) -> int:
        """How many clusters of items stand behind a metric; 0 where it is no mean over items."""
        draws = self._drawn(metric, False)
        return 0 if draws is None else draws.influence.shape[0]

    def _drawn(self, metric: str, placebo: bool, form: ItemMean | None = None) -> resample.Draws | None:
        """The metric of every run under every draw of items; None where items do not say it."""
        form = form or self.metrics[metric].items
        columns = self._probe_columns(metric)
        if form is None or columns.clusters < 1:
            return None
        key = (metric.split(".", 1)[0], form, placebo)
        if key not in self._draws:
            sums = columns.sums(form, placebo).filled()
            clusters = sums.total.shape[2]
            if clusters not in self._resamplers:
                self._resamplers[clusters] = resample.Resampler(clusters, self._resamples)
            self._draws[key] = self._resamplers[clusters].draws(sums)
        return self._draws[key]

    def _points(self, metric: str, placebo: bool, form: ItemMean | None) -> np.ndarray:
        """The figure itself for every run: [runs], NaN where its items do not give it."""
        form = form or self.metrics[metric].items
        if form is None:
            raise ValueError(f"{metric} is not drawn from items")
        return self._probe_columns(metric).means(form, placebo)


def _has(run: Run, metric: str) -> bool:
    return math.isfinite(run.metrics.get(metric, math.nan))


def _fixed(runs: Mapping[int, Run]) -> Run | None:
    """The arm's one run where it trains nothing."""
    first = next(iter(runs.values()))
    return None if first.seeded else first


def _clipped(ci: tuple[float, float] | None, unit: str, level: bool) -> tuple[float, float] | None:
    """Bounds beyond what the figure can be say nothing."""
    if ci is None or unit not in _WIDEST:
        return ci
    low, high = (0.0, 1.0) if level and unit == "share" else (-1.0, 1.0)
    if not level and unit == "difference":
        low, high = -2.0, 2.0
    return min(max(ci[0], low), high), min(max(ci[1], low), high)
