"""Which setting a method should be trained with, from the held-out losses of development runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from pydantic import Field

from engine.spec.example import Frozen
from engine.spec.training import Training


class Row(Frozen):
    """What development runs with one setting came to.

    Attributes:
        value: Of the setting that is searched.
        before, after: Held-out loss of each seed's run before and after training, nats a token.
        diverged: Runs whose loss became no number.
    """

    value: float
    before: tuple[float, ...] = ()
    after: tuple[float, ...] = ()
    diverged: int = 0

    @property
    def mean(self) -> float:
        """Mean held-out loss after training; infinite where a run diverged or none was told."""
        return fmean(self.after) if self.after and not self.diverged else math.inf

    @property
    def spread(self) -> float | None:
        """Its standard deviation over seeds; None with fewer than two."""
        return stdev(self.after) if len(self.after) > 1 else None

    @property
    def falls(self) -> bool:
        """Whether training lowers the mean held-out loss."""
        return math.isfinite(self.mean) and self.mean < fmean(self.before)


class Search(Frozen):
    """The search for one setting of one method.

    Attributes:
        arm: Which arm's data and other settings it was searched with.
        fixed: Settings that were chosen before it.
        chosen: None where the loss falls with none of the values.
    """

    method: str
    arm: str
    model: str
    setting: str
    fixed: dict[str, float] = Field(default_factory=dict)
    rows: tuple[Row, ...]
    chosen: float | None

    @property
    def at_the_edge(self) -> bool:
        """Whether the chosen value is the least or the greatest that was tried, so that a better one may lie beyond."""
        values = [row.value for row in self.rows]
        return len(values) > 1 and self.chosen in (min(values), max(values))


def row_of(value: float, trainings: Sequence[Training], diverged: int) -> Row:
    """The row of the runs with one value, seeds in order."""
    told = [training for training in trainings if training.before]
    before, after = ([fmean(getattr(t, side)) for t in told] for side in ("before", "after"))
    return Row(value=value, before=tuple(before), after=tuple(after), diverged=diverged)


def best(rows: Sequence[Row], most: bool = False) -> Row | None:
    """The setting to take; None where training lowers the loss with none.

    Of those whose mean loss is within one standard error of the lowest (Breiman et al. 1984, 3.4.3; paired by seed),
    the one whose seeds differ least, since that spread is what a study has to see an effect through; then the lowest
    value.

    Args:
        most: Take the highest value within one standard error instead: the setting is of a phase whose aim this loss
            does not tell, so the most of it is taken that does no harm.
    """
    least = min((row for row in rows if row.falls), key=lambda row: row.mean, default=None)
    if least is None:
        return None
    close = [row for row in rows if row.falls and (row is least or _within(row, least))]
    return max(close, key=lambda row: row.value) if most else min(close, key=lambda row: (row.spread or 0, row.value))


def _within(row: Row, least: Row) -> bool:
    """Whether a mean loss lies within one standard error of their difference of the lowest one."""
    apart = [a - b for a, b in zip(row.after, least.after, strict=True)]
    return len(apart) > 1 and fmean(apart) <= stdev(apart) / math.sqrt(len(apart))
