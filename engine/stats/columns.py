"""The outcomes of all runs of a probe as columns, and the sums per cluster from which metrics are resampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.spec.example import Outcome, Side
from engine.stats.metric import ItemMean

_SIDES = {Side.NEUTRAL: 0, Side.CONGRUENT: 1, Side.CONFLICTING: 2}
LOT = 20_250_521  # seeds the lot that draws the sides of a placebo


@dataclass(frozen=True)
class Sums:
    """A metric of every run as ratios of sums over clusters.

    Attributes:
        total: What is averaged, summed: [runs, parts, clusters].
        count: How many items stand behind it: [runs, parts, clusters].
        signs: How the parts' means add up to the metric: [parts].
    """

    total: np.ndarray
    count: np.ndarray
    signs: np.ndarray

    def filled(self) -> Sums:
        """Without clusters that hold no item of this metric, which would be drawn in vain."""
        kept = self.count.sum(axis=(0, 1)) > 0
        return Sums(self.total[..., kept], self.count[..., kept], self.signs)


class Columns:
    """One row for each run and item of a probe.

    Args:
        runs: The outcomes of each run, in a fixed order.
    """

    def __init__(self, runs: Sequence[Sequence[Outcome]]) -> None:
        rows = [(number, outcome) for number, outcomes in enumerate(runs) for outcome in outcomes]
        outcomes = [outcome for _, outcome in rows]
        clusters = {name: code for code, name in enumerate(sorted({o.cluster for o in outcomes}))}
        self.runs = len(runs)
        self.clusters = len(clusters)
        self._outcomes = outcomes
        self._cell = np.array([number * len(clusters) + clusters[o.cluster] for number, o in rows], dtype=np.int64)
        self._side = np.array([_SIDES[o.side] for o in outcomes], dtype=np.int8)
        self._split = np.array([o.split for o in outcomes], dtype=object)
        self._lot: np.ndarray | None = None

    def sums(self, form: ItemMean, placebo: bool = False) -> Sums:
        """Sums per run and cluster of a metric of this form.

        Args:
            form: How the metric is drawn from items.
            placebo: Take each item's side from a lot, not from where the shortcut points.
        """
        averaged = self._of(form.of)
        kept = ~np.isnan(averaged)
        if form.splits:
            kept &= np.isin(self._split, form.splits)
        if form.where:
            kept &= self._feature(form.where[0]) == form.where[1]
        sides = self._drawn() if placebo else self._side
        if form.side is not None:
            kept &= sides == _SIDES[form.side]
        if not form.by_side:
            parts, signs = [kept], [1.0]
        else:
            parts, signs = [kept & (sides == 1), kept & (sides == 2)], [1.0, -1.0]
        total = np.stack([self._summed(part, averaged) for part in parts], axis=1)
        count = np.stack([self._summed(part) for part in parts], axis=1)
        return Sums(total, count, np.array(signs))

    def means(self, form: ItemMean, placebo: bool = False) -> np.ndarray:
        """A metric of this form for every run: [runs], NaN where its items do not give it."""
        sums = self.sums(form, placebo)
        total, count = sums.total.sum(axis=2), sums.count.sum(axis=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (np.where(count > 0, total / count, np.nan) * sums.signs).sum(axis=1)

    def _of(self, what: str) -> np.ndarray:
        kind, _, name = what.partition(":")
        if kind == "correct":
            return np.array([o.correct for o in self._outcomes], dtype=float)
        if kind == "value":
            return np.array([np.nan if o.value is None else o.value for o in self._outcomes], dtype=float)
        if kind == "output":
            return np.array([o.output == name for o in self._outcomes], dtype=float)
        return self._feature(name)

    def _feature(self, name: str) -> np.ndarray:
        return np.array([o.features.get(name, np.nan) for o in self._outcomes], dtype=float)

    def _drawn(self) -> np.ndarray:
        """Sides by lot: half of the items that have a side are called congruent, the same in every run."""
        if self._lot is None:
            sided = sorted({o.item for o in self._outcomes if o.side is not Side.NEUTRAL})
            order = np.random.default_rng(LOT).permutation(len(sided))
            lot = {item: 1 + int(order[at] % 2) for at, item in enumerate(sided)}
            self._lot = np.array([lot.get(o.item, 0) for o in self._outcomes], dtype=np.int8)
        return self._lot

    def _summed(self, part: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Sums per run and cluster: [runs, clusters]."""
        chosen = None if weights is None else weights[part]
        flat = np.bincount(self._cell[part], weights=chosen, minlength=self.runs * self.clusters)
        return flat.astype(float).reshape(self.runs, self.clusters)
