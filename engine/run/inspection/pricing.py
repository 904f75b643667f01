"""The costs of a trial's arms, base model by base model: measured where the model can be loaded, else worked out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from engine.run.costs import guessing, measuring, meter
from engine.run.costs.arms import Arm
from engine.run.costs.shape import read_shape
from engine.run.shared import Loaders
from engine.spec.reference import ModelRef
from engine.spec.run import Need
from engine.spec.understanding import Cost
from engine.subject.rendering import Renderer

LOADING = 4e-9  # seconds that loading takes for each parameter

Tell = Callable[[str], None]


class Priced(NamedTuple):
    """What a trial's arms cost.

    Attributes:
        costs: Of each arm whose cost can be told.
        once: Seconds that come once: loading the models, measuring the bases.
        needs: Bytes of free memory that trying a model takes, where fewer were free; 0 where all were tried.
        warnings: Which arms' costs cannot be told, and why, a sentence each.
    """

    costs: tuple[Cost, ...]
    once: float
    needs: int
    warnings: tuple[str, ...]


def price(
    arms: Sequence[Arm], renderer: Callable[[ModelRef], Renderer], loaders: Loaders, *, free: int,
    stop: threading.Event | None, tell: Tell,
) -> Priced:  # fmt: skip
    """What each arm's run costs, once model and data are loaded and the base is measured.

    Args:
        renderer: A base model's renderer.
        free: Bytes of memory that may be used; 0: not known.
        tell: Is told what is being done, in words.

    Raises:
        Stopped: A stop was asked for.
        ModelError: A base model cannot be used.
    """
    known = [made for made in arms if not made.unknown]
    beside = {made.spec.arm: _beside(made, arms) for made in known}
    costs: list[Cost] = []
    once, needs = 0.0, 0
    for ref in {made.spec.model.digest: made.spec.model for made in known}.values():
        some = [made for made in known if made.spec.model.digest == ref.digest]
        shape = read_shape(Path(ref.path), ref.parameters)
        need = guessing.weights(shape)
        if free and need > free:
            tell("The model is too large to be tried: its costs are worked out.")
            found, loading = guessing.guess(shape, some, beside, renderer(ref)), LOADING * shape.parameters
            needs = max(needs, need)
        else:
            tell("Loading the model.")
            began = meter.now()
            model, tokenizer = _load(ref, loaders)
            loading = meter.now() - began
            tell("Trying a step of training, and some answers.")
            found = measuring.measure(
                model, tokenizer, renderer(ref), shape, some, beside, lambda ref=ref: _load(ref, loaders)[0], stop
            )
        costs += found.costs
        once += loading + found.once
    return Priced(_in_order(arms, costs), once, needs, tuple(_warning(made) for made in arms if made.unknown))


def _load(ref: ModelRef, loaders: Loaders) -> tuple[Any, Any]:
    return loaders.model(ref, "cuda" if meter.on_gpu() else "cpu")


def _beside(made: Arm, arms: Sequence[Arm]) -> int:
    """Bytes of the weights of the further models that an arm's run holds, each model once."""
    needs = [*made.spec.tune.needs.values(), *made.spec.needs.values()]
    sizes = {need.model.digest if need.model else need.weights: _parameters(need, made, arms) for need in needs}
    return 4 * sum(sizes.values())


def _parameters(need: Need, made: Arm, arms: Sequence[Arm]) -> int:
    """Of a needed model; that of another arm is as large as its base."""
    if need.model is not None:
        return need.model.parameters
    other = next((one for one in arms if one.spec.tune.hash == need.weights), made)
    return other.spec.model.parameters


def _warning(made: Arm) -> str:
    return f"What the arm {made.spec.arm!r} takes is not known beforehand: {made.unknown}."


def _in_order(arms: Sequence[Arm], costs: Sequence[Cost]) -> tuple[Cost, ...]:
    """Costs in the order of the first arm that each is of."""
    places = {made.spec.arm: at for at, made in enumerate(arms)}
    return tuple(sorted(costs, key=lambda cost: places[cost.arms[0]]))
