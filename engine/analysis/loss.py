"""Whether the loss of an arm's runs fell: on examples that were held out, and from batch to batch."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median
from typing import Literal, NamedTuple

from engine.spec.training import Training
from engine.stats.display.wording import counted, difference_of, level
from engine.stats.inference.shift import SHOWN, Stratum, paired_shift, rank_shift

FEWEST_STEPS = 20
"""Steps of a phase below which its first and last ones say nothing."""
PART = 0.1
"""The first and the last part of a phase's steps that are compared; at least `FEWEST_STEPS / 4` of them."""
LITTLE = 0.05
"""Nats a token below which there is little left to learn: the right token has 95 % of the probability already."""
SLOWER = (
    "Lower the learning rate or lengthen its warm-up: `tune-recipe` looks for a rate on examples that the study does "
    "not measure."
)
FITTING = "Look whether the answers fit the prompts."
FASTER = f"Raise the learning rate or train longer. {FITTING}"


class Sign(NamedTuple):
    """What one sign says of one arm; "open": it is not known.

    Attributes:
        said: A sentence with its figures.
        remedy: What to do, "" where there is nothing.
    """

    state: Literal["good", "bad", "open"]
    said: str
    remedy: str = ""


class Change(NamedTuple):
    """A mean change of loss with its 95 % interval, nats a token."""

    value: float
    ci: tuple[float, float] | None
    before: float
    after: float


def loss_sign(label: str, trainings: Sequence[Training]) -> Sign:
    """Whether the loss of an arm's runs fell.

    Held-out examples are the same before and after, so they tell more than batches do. Batches alone tell of phases
    whose objective is another than the right answers' likelihood, and of runs that left no example over.

    Args:
        label: The arm's.
        trainings: Of its runs, where they are known.
    """
    if not trainings:
        return Sign("open", f"The loss of {label} was not recorded.")
    held, phases = _held_out(trainings), _phases(trainings)
    starts = {} if held else _phases(trainings, first=1)  # a loss that shoots up at once falls ever after
    if held and held.ci and held.ci[0] > 0:
        return Sign("bad", _moved(label, "rose", held), SLOWER)
    for name, strata in phases.items():
        if rank_shift(strata) > SHOWN:
            return Sign("bad", f"The loss of {label} rose while it was trained ({_from_to(name, strata)}).", SLOWER)
    for name, strata in starts.items():
        if rank_shift(strata) > SHOWN:
            return Sign("bad", f"The loss of {label} ends above where it began ({_from_to(name, strata)}).", SLOWER)
    if held and held.ci and held.ci[1] < 0:
        return Sign("good", _moved(label, "fell", held))
    if fell := [_from_to(name, strata) for name, strata in phases.items() if rank_shift(strata) < -SHOWN]:
        return Sign("good", f"The loss of {label} fell while it was trained ({'; '.join(fell)}).")
    if not held and not phases:
        said = f"Whether the loss of {label} fell is not known: its phases are too short, or not of one kind."
        return Sign("open", said)
    first = held.before if held else median(x for strata in phases.values() for start, _ in strata for x in start)
    said = f"The loss of {label} was not shown to fall from {first:.3f}"
    if first < LITTLE:
        return Sign("good", f"{said}, at which little was left to learn.")
    return Sign("bad", f"{said}.", FASTER)


def _held_out(trainings: Sequence[Training]) -> Change | None:
    """How the loss on held-out examples changed; None where none was scored."""
    strata: list[Stratum] = [(training.before, training.after) for training in trainings if len(training.before) > 1]
    if not strata:
        return None
    before, after = (fmean(fmean(part) for part in side) for side in zip(*strata, strict=True))
    return Change(*paired_shift(strata), before, after)


def _moved(label: str, way: str, held: Change) -> str:
    return (
        f"The loss of {label} on examples that it was not trained on {way} from {level(held.before, 'nats')} to "
        f"{level(held.after, 'nats')} a token ({difference_of(held, 'nats')})."
    )


def _phases(trainings: Sequence[Training], first: int | None = None) -> dict[str, list[Stratum]]:
    """Losses of the first and the last steps of each run, by phase, where both say something.

    Args:
        first: How many steps are its first; None: as many as are its last.
    """
    found: dict[str, list[Stratum]] = {}
    for training in trainings:
        for at, phase in enumerate(training.phases):
            steps = len(phase.losses)
            if phase.comparable and steps >= FEWEST_STEPS:
                size = max(FEWEST_STEPS // 4, round(PART * steps))
                name = phase.name if len(training.phases) == 1 else f"phase {at + 1}, {phase.name}"
                found.setdefault(name, []).append((phase.losses[: first or size], phase.losses[-size:]))
    return found


def _from_to(name: str, strata: Sequence[Stratum]) -> str:
    """The median loss of the first and of the last steps, in words."""
    first, last = (median(value for part in side for value in part) for side in zip(*strata, strict=True))
    runs = counted(len(strata), "run")
    return f"{name}: median of its first steps {first:.3g}, of its last {last:.3g}, {runs}"
