"""The looks of a design that goes on until it is settled, as a result and the queue keep them."""

from __future__ import annotations

from typing import Literal

from engine.spec.example import Frozen

Answer = Literal["effect", "no-effect", "not-greater", "not-less", "go-on"]
"""What a look shows of the primary contrast."""


class LookResult(Frozen):
    """What the primary contrast said at one look of a design that has several.

    Attributes:
        seeds: After how many.
        difference: In the metric's unit; null where it could not be computed.
        ci: The look's own interval: all looks together hold the truth 95 times in 100.
        ci90: The look's own narrower one, by which a difference is shown not to matter: 90 times in 100.
        decision: "effect" (shown to differ from 0), "no-effect" (shown to lie within the margin), "not-greater" or
            "not-less" (at the last look: shown not to reach the margin in the direction that the study expects), or
            "go-on".
    """

    seeds: int
    difference: float | None = None
    ci: tuple[float, float] | None = None
    ci90: tuple[float, float] | None = None
    decision: Answer = "go-on"

    @property
    def value(self) -> float:
        """The difference, as estimates call it; 0 where there is none."""
        return self.difference or 0.0


Ends = Literal["settled", "go-on", "most-seeds", "stopped"]
"""How a look ends: with a verdict and an answer to the primary contrast, with more seeds, with the last look although
one of the two is open, or with a check that no further seed mends."""


class Sequential(Frozen):
    """A design that is looked at several times, until neither the verdict nor the primary contrast is open.

    Attributes:
        metric: What is looked at, "probe.metric": the primary metric.
        contrast: The two arms whose difference it is, the first minus the second.
        unit: The metric's.
        margin: Differences up to this are too small to matter; in the metric's unit.
        max_seeds: After how many seeds it ends in any case.
        plan: The looks that were fixed beforehand, as numbers of seeds.
        looks: Those that were taken. Where runs of the last one are still missing, it says what is there so far.
        decision: How the last one ended.
        further: How many more seeds the primary contrast may take, in four trials of five that go on as this one began;
            null where nothing can be said, or where it is settled.
        stays_open: The share of such trials in which it is open even after the most seeds; null as `further` is.
    """

    metric: str
    contrast: tuple[str, str]
    unit: str
    margin: float
    max_seeds: int
    plan: tuple[int, ...]
    looks: tuple[LookResult, ...]
    decision: Ends
    further: tuple[int, int] | None = None
    stays_open: float | None = None
