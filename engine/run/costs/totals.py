"""What the arms of a trial cost in all, from the work of each and what a unit of it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.run.costs import estimate
from engine.run.costs.arms import Arm
from engine.run.costs.estimate import Run, Speeds
from engine.run.costs.speed import Answered
from engine.spec.understanding import Cost
from engine.subject.rendering import Renderer


class Measured(NamedTuple):
    """The costs of a trial's arms, and the seconds that come once (base measured; model and data not loaded)."""

    costs: tuple[Cost, ...]
    once: float


def cost_of(made: Arm, run: Run, speeds: Speeds, basis: str, beside: dict[str, int]) -> Cost:
    """What an arm's run costs."""
    more, size = beside.get(made.spec.arm, 0), made.spec.tune.size.batch_size
    took, most = estimate.seconds(run, speeds), estimate.memory(run, speeds) + more
    said = f"{basis}, its teacher as fast as the model" if more and run.making else basis
    smaller = estimate.smaller(run, speeds, size)
    return Cost(
        method=made.spec.tune.method.name, seconds=took.expected, low=took.low, high=took.high, memory=most,
        own=max(0, most - speeds.held), basis=said,
        batches={size: need + more for size, need in smaller.items()}, arms=(made.spec.arm,),
    )  # fmt: skip


def together(arms: Sequence[Arm], costs: Sequence[Cost]) -> tuple[Cost, ...]:
    """The costs in the arms' order, arms with the same figures together."""
    by_arm = {cost.arms[0]: cost for cost in costs}
    found: list[Cost] = []
    for made in arms:
        cost = by_arm[made.spec.arm]
        same = next((n for n, c in enumerate(found) if c.model_copy(update={"arms": cost.arms}) == cost), None)
        if same is None:
            found.append(cost)
        else:
            found[same] = found[same].model_copy(update={"arms": (*found[same].arms, *cost.arms)})
    return tuple(found)


def base_seconds(arms: Sequence[Arm], speeds: Speeds, base: Answered | None) -> float:
    """Seconds that the live sample takes on the base: once for all runs, by no arm's own way to answer."""
    live = [made.probed.live for made in arms if made.probed]
    return min((estimate.measurement(one, speeds, base, speeds.ended) for one in live), default=0.0)


def longest_answer(arms: Sequence[Arm]) -> int:
    """Tokens of the longest answer that is measured; 0 where none is written."""
    return max((one.limit for made in arms if made.probed for one in made.probed.full.asked), default=0)


def prompts_of(arms: Sequence[Arm], renderer: Renderer, room: int) -> list[tuple[int, ...]]:
    """The prompts that are measured, cut as in a run, the longest first; the same for all arms."""
    probed = next((made.probed for made in arms if made.probed), None)
    shown = [renderer.prompt_ids(prompt)[-room:] for prompt in (probed.prompts if probed else ())]
    return sorted(shown, key=lambda ids: -len(ids))


def answer_lengths(arms: Sequence[Arm]) -> np.ndarray:
    """Tokens of right answers."""
    return np.array([len(e.completion) for made in arms for e in made.encoded] or [1])
