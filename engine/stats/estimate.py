"""An estimate: a mean over seeds with its intervals, from the seeds' values and from draws of items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.stats.display.units import unit as known_unit
from engine.stats.inference import paired, power
from engine.stats.resampling import bootstrap

_SHARES = ("share", "difference")
NOTHING = 1e-9
"""A width that rounding alone brings about."""
ENOUGH_SEEDS = 5
"""Seeds from which their own spread is known well enough to plan by."""
Bounds = tuple[float, float]


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
    ci: Bounds | None
    ci90: Bounds | None
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


def estimated(
    values: Sequence[float], draws: bootstrap.Draws | None, unit: str, level: bool, linear: bool = True
) -> Estimate:
    """A mean over seeds with its intervals.

    Args:
        values: Of each seed.
        draws: The same under draws of clusters; None: the intervals are Student's over seeds.
        unit: Of the values; bounds beyond what a known unit can be are cut off.
        level: Whether it is an arm's own figure; otherwise it is a difference of two arms', which gets a p.
        linear: Whether it is a ratio of sums, such as a share. Only of those is it known how far they may be off where
            no cluster differed from any other.
    """
    points = np.asarray(values, dtype=float)
    (ci, drawn), (ci90, _) = (interval(points, draws, at) for at in (0.95, 0.90))
    spread = bootstrap.item_spread(draws.replicates) if draws is not None and drawn else 0.0
    if ci is not None and ci[1] - ci[0] < NOTHING:  # neither seeds nor items vary: that is no certainty
        clusters = 0 if draws is None or not linear or unit not in _SHARES else int(draws.read.min())
        ci, ci90 = (bootstrap.unvarying(values[0], clusters, at) for at in (0.95, 0.90))
    return Estimate(
        value=float(np.mean(values)),
        ci=_clipped(ci, unit, level),
        ci90=_clipped(ci90, unit, level),
        per_seed=tuple(float(v) for v in values),
        p=None if level else paired.sign_flip(values),
        item_spread=spread,
    )


def interval(points: np.ndarray, draws: bootstrap.Draws | None, level: float) -> tuple[Bounds | None, bool]:
    """An interval of a mean over seeds, and whether items are part of it.

    Without draws, or where too many of them cannot give the figure, it is Student's over seeds.
    """
    if draws is not None and (found := bootstrap.interval(points, draws, level)):
        return found, True
    return paired.t_interval(points.tolist(), level), False


def _clipped(ci: Bounds | None, unit: str, level: bool) -> Bounds | None:
    """Bounds beyond what the figure can be say nothing."""
    if ci is None:
        return None
    low, high = known_unit(unit).least, known_unit(unit).most
    if not level:
        low, high = low - high, high - low
    return min(max(ci[0], low), high), min(max(ci[1], low), high)
