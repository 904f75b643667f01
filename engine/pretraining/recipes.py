"""The bundled models' shapes and schedules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from engine.world.vocabulary import running


@dataclass(frozen=True)
class Recipe:
    """A bundled model's shape and schedule.

    Attributes:
        rate: AdamW's peak learning rate.
        twin: Whether it reads the frequency twin's corpus.
        steps: Of the schedule `OVERALL`.
        opening: How many of those, the first, read mostly short questions about kinds of things.
        drill: Steps after those, at the rates of `CLOSING`, in which half of what is read is reasoning.
        finish: Steps after those, at the same rates again, in which much of what is read is calls.
        rows: Rows of `row_tokens` tokens in a step.
    """

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    steps: int
    seed: int = 0
    rows: int = 16
    row_tokens: int = 160
    rate: float = 1e-3
    twin: bool = False
    opening: int = 0
    drill: int = 0
    finish: int = 0

    @property
    def swap(self) -> Mapping[str, str]:
        """The nouns that its running text exchanges."""
        return running.swapped() if self.twin else running.SAME

    @property
    def last(self) -> int:
        """How many steps there are in all."""
        return self.steps + self.drill + self.finish

    def lesson(self, step: int) -> str:
        """What is read more of at a step (`corpus.LESSONS`): "opening", "drill", "finish", or "" for nothing."""
        if step < self.steps:
            return "opening" if step < self.opening else ""
        return "drill" if step < self.steps + self.drill else "finish"

    @property
    def tokens(self) -> int:
        """Tokens read over the whole schedule."""
        return self.last * self.rows * self.row_tokens


_SMALL = Recipe(hidden=192, layers=6, heads=4, feed_forward=512, steps=6000, opening=900, drill=1600, finish=800)
RECIPES = {
    "fork-s": _SMALL,
    "fork-s-twin": replace(_SMALL, twin=True),
    "fork-m": Recipe(hidden=256, layers=7, heads=4, feed_forward=896, steps=5000, opening=800, drill=1200, finish=800),
}

Line = tuple[tuple[float, float], ...]  # (share of the run, factor), straight lines between

OVERALL: Line = ((0, 0.02), (0.01, 1.0), (0.35, 1.0), (0.75, 0.3), (1, 0.0))
CLOSING: Line = ((0, 0.0), (0.1, 0.5), (1, 0.0))
RATES: dict[str, Line] = {
    "circuits": ((0, 0.09), (0.3, 0.09), (0.5, 0.12)),
    "meaning": ((0, 2.0), (0.16, 2.0), (0.24, 0.6)),
    "form": ((0, 0.15), (0.1, 0.15), (0.25, 0.3)),
    "rest": ((0, 1.0),),
}
"""Factors of the peak rate by kind of parameter.

The circuits that are set by hand are trained slowly throughout: a jump of their rate washes them out within a hundred
steps. Everything above learns at full rate: held back with them, knowledge stalls. Of the embeddings only the part that
words of one meaning share moves fast at first, for kinds are compared only once it does; what tells forms apart must
not, or the comparing heads find no word again. Choosing between tools settles only while the rate falls, so it falls
slowly at last (docs/log.md).
"""


def rate_factors(step: int, recipe: Recipe) -> dict[str, float]:
    """Factors of the peak rate by kind of parameter."""
    overall, at = OVERALL, step / recipe.steps
    if step >= recipe.steps:
        done = step - recipe.steps
        overall = CLOSING
        at = done / recipe.drill if done < recipe.drill else (done - recipe.drill) / recipe.finish
    return {kind: _height(overall, at) * _height(line, step / recipe.steps) for kind, line in RATES.items()}


def _height(line: Line, at: float) -> float:
    return float(np.interp(at, [x for x, _ in line], [y for _, y in line]))
