"""An estimate: a mean over seeds with its intervals, from the seeds' values and the influence of items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.stats.display.units import unit as known_unit
from engine.stats.inference import paired, power
from engine.stats.inference.looks import FIXED, Looks
from engine.stats.resampling.interval import Bounds, interval, item_spread, unvarying, usable
from engine.stats.resampling.jackknife import Influence

_SHARES = ("share", "difference")
NOTHING = 1e-9
"""A width that rounding alone brings about."""
_LEAST_P, _HALVINGS = 1e-12, 40
ENOUGH_SEEDS = 5
"""Seeds from which their own spread is known well enough to plan by."""


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds.

    Attributes:
        ci: 95 % interval, None where there is none (one seed, and no items that say the figure). Of a design with
            several looks: of this look, so wide that all looks together err no more often.
        ci90: 90 % interval, for showing that a difference is too small to matter.
        per_seed: The values whose mean it is.
        p: Two-sided p over seeds (differences only), by flipping signs; in a design with several looks that of the
            interval. None with one seed.
        item_spread: Standard deviation that the choice of items alone gives the mean; 0 where none is known.
        claim: The level at which its interval shows a difference; above 95 % at a look of a design that has several.
        clusters: Of how many clusters the items are; 0 where items say nothing of its error.
    """

    value: float
    ci: Bounds | None
    ci90: Bounds | None
    per_seed: tuple[float, ...]
    p: float | None = None
    item_spread: float = 0.0
    claim: float = FIXED.claim
    clusters: int = 0

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
        spread = float(np.std(self.per_seed, ddof=1))
        return power.detectable(self.n_seeds, spread, self.item_spread, level=self.claim) or None

    @property
    def above(self) -> bool:
        """Whether the 95 % interval lies above zero."""
        return self.ci is not None and self.ci[0] > 0

    @property
    def below(self) -> bool:
        """Whether the 95 % interval lies below zero."""
        return self.ci is not None and self.ci[1] < 0


def estimated(
    values: Sequence[float],
    influence: Influence | None,
    unit: str,
    level: bool,
    linear: bool = True,
    looks: Looks | None = None,
    ended: bool = False,
) -> Estimate:
    """A mean over seeds with its intervals.

    Args:
        values: Of each seed.
        influence: Of the clusters of items, on the same; None: the intervals are Student's over seeds.
        unit: Of the values; bounds beyond what a known unit can be are cut off.
        level: Whether it is an arm's own figure; otherwise it is a difference of two arms', which gets a p.
        linear: Whether it is a ratio of sums, such as a share. Only of those is it known how far they may be off where
            no cluster differed from any other.
        looks: The look of a design that has several; None: there is one.
        ended: Whether the design ended at this look by this figure.
    """
    points = np.asarray(values, dtype=float)
    by_items = influence if influence is not None and usable(influence) else None
    spread = item_spread(by_items) if by_items else 0.0
    looks = looks.of(points, spread) if looks else None
    levels = looks.levels if looks else FIXED
    ci, ci90 = (mean_interval(points, influence, at) for at in levels)
    p = None if level else _p(points, influence, looks)
    if ci is not None and ci[1] - ci[0] < NOTHING:  # neither seeds nor items vary: that is no certainty
        clusters = 0 if influence is None or not linear or unit not in _SHARES else int(influence.read.min())
        ci, ci90 = (unvarying(values[0], clusters, at) for at in levels)
    elif looks is not None and ended and ci is not None:
        ci = _at_the_end(points, influence, looks, ci)
    return Estimate(
        value=float(np.mean(values)),
        ci=_clipped(ci, unit, level),
        ci90=_clipped(ci90, unit, level),
        per_seed=tuple(float(v) for v in values),
        p=p if looks is None or p is None else looks.p(p),
        item_spread=spread,
        claim=levels.claim,
        clusters=by_items.clusters if by_items else 0,
    )


def _p(points: np.ndarray, influence: Influence | None, looks: Looks | None) -> float | None:
    """Two-sided p of a mean over seeds being 0, of a look by itself: the error at which its interval ends at 0."""
    if looks is None:
        return paired.sign_flip(points.tolist())
    if len(points) < 2:
        return None
    low, high = _LEAST_P, 1.0
    for _ in range(_HALVINGS):
        middle = float(np.sqrt(low * high))
        ci = mean_interval(points, influence, 1 - middle)
        low, high = (middle, high) if ci is None or ci[0] <= 0 <= ci[1] else (low, middle)
    return high


def _at_the_end(points: np.ndarray, influence: Influence | None, looks: Looks, repeated: Bounds) -> Bounds:
    """The interval of a design that ended at this look by this figure; the look's own where both would disagree.

    The look's own holds whatever made the trial end, and covers more often than it says where the figure itself did.
    """
    crossed = repeated[0] > 0 or repeated[1] < 0
    p = _p(points, influence, looks)
    if p is None:
        return repeated
    errors = looks.side_errors(p, float(points.mean()))
    (low, _), (_, high) = (mean_interval(points, influence, 1 - 2 * error) or repeated for error in errors)
    return (low, high) if (low > 0 or high < 0) == crossed else repeated


def mean_interval(points: np.ndarray, influence: Influence | None, level: float) -> Bounds | None:
    """An interval of a mean over seeds.

    Where nothing is known of items, or where too many of them cannot be left out, it is Student's over seeds.
    """
    if influence is not None and usable(influence):
        return interval(points, influence, level)
    return paired.t_interval(points.tolist(), level)


def _clipped(ci: Bounds | None, unit: str, level: bool) -> Bounds | None:
    """Bounds beyond what the figure can be say nothing."""
    if ci is None:
        return None
    low, high = known_unit(unit).least, known_unit(unit).most
    if not level:
        low, high = low - high, high - low
    return min(max(ci[0], low), high), min(max(ci[1], low), high)
