"""How a run's training went, gathered from its events: losses and gradient norms by phase, and held-out losses."""

from __future__ import annotations

from collections.abc import Iterable

from engine.spec.events import Entered, Event, Scored, Stepped
from engine.spec.example import Frozen


class PhaseLog(Frozen):
    """One phase, step by step.

    Attributes:
        name: Its objective, e.g. "sft".
        losses: The objective's loss of each step's batch.
        norms: Norms of the gradients before clipping; empty where not all of them were recorded.
        max_grad_norm: Norm to which larger gradients are scaled down; None where it was not recorded.
        comparable: Whether losses of different steps are of the same kind (`engine.spec.events.Entered`).
    """

    name: str
    losses: tuple[float, ...]
    norms: tuple[float, ...] = ()
    max_grad_norm: float | None = None
    comparable: bool = True

    @property
    def clipped(self) -> float | None:
        """Share of the steps whose gradient was clipped; None where that was not recorded."""
        if not self.norms or self.max_grad_norm is None:
            return None
        return sum(norm > self.max_grad_norm for norm in self.norms) / len(self.norms)


class Training(Frozen):
    """How a run's training went.

    Attributes:
        phases: In order.
        before, after: Losses (nats a token) of the same held-out examples before the first step and after the last;
            empty where they were not scored.
    """

    phases: tuple[PhaseLog, ...]
    before: tuple[float, ...] = ()
    after: tuple[float, ...] = ()


def training_of(events: Iterable[Event]) -> Training | None:
    """The training that a run's events tell of, in their order; None where nothing was trained.

    Labs of old recorded steps alone: then a phase is what steps in a row say it is.
    """
    entered: dict[str, Entered] = {}
    steps: dict[str, list[Stepped]] = {}
    scored: list[Scored] = []
    for event in events:
        if isinstance(event, Entered):
            entered[f"{event.phase} {event.first}"] = event
        elif isinstance(event, Stepped):
            at = max((e.first for e in entered.values() if e.first < event.step), default=0)
            steps.setdefault(f"{event.phase} {at}", []).append(event)
        elif isinstance(event, Scored):
            scored.append(event)
    if not steps:
        return None
    same = len(scored) == 2 and len(scored[0].losses) == len(scored[1].losses)
    return Training(
        phases=tuple(_phase(found, entered.get(name)) for name, found in steps.items()),
        before=scored[0].losses if same else (),
        after=scored[1].losses if same else (),
    )


def _phase(steps: list[Stepped], entered: Entered | None) -> PhaseLog:
    norms = tuple(step.gradient_norm for step in steps if step.gradient_norm is not None)
    return PhaseLog(
        name=steps[0].phase,
        losses=tuple(step.loss for step in steps),
        norms=norms if len(norms) == len(steps) else (),
        max_grad_norm=entered.max_grad_norm if entered else None,
        comparable=entered.comparable if entered else True,
    )
