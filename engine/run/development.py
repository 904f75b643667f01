"""Runs by which a recipe is chosen: on seeds that no study has, and judged by examples that no study measures.

A rate that was chosen by a study's own items or seeds would be chosen to please. Here a fifth of the training pool is
set aside, of other clusters than the rest; a run trains on the rest and is judged by the loss on what was set aside. No
probe is measured.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.data.split import kept_together
from engine.run.planned import method_of, runs_of
from engine.spec.errors import DataError
from engine.spec.events import decode
from engine.spec.example import StudyData
from engine.spec.reference import DataRef
from engine.spec.run import RunSpec
from engine.spec.study import MOST_SEEDS, ArmSpec, StudySpec
from engine.spec.training import Training, training_of
from engine.spec.trial import TrialSpec
from engine.tuning.journal import FILE

FIRST_SEED = 1000 * MOST_SEEDS
"""The first development seed. A study's seeds lie below `MOST_SEEDS`."""
SHARE = 5
"""One group of examples in so many is set aside."""
FEWEST_CLUSTERS = 2 * SHARE
WEIGHTS = ("weights", "adapter", "checkpoints")
"""What is deleted once a run is over: only what it said is read."""


def set_aside(data: StudyData) -> StudyData:
    """The data with a fifth of the pool set aside, the same always, and without items.

    What belongs together (turns of one conversation, equal requests) stays on one side, and so do whole clusters (a
    noun, a tool) where there are enough: what a study measures is mostly new in these, and a loss on what shares them
    with the training examples falls with every one that is learned by heart.

    Raises:
        DataError: There are too few examples to set any aside.
    """
    whole = kept_together(data.train, clusters=True)
    groups = whole if len(whole) >= FEWEST_CLUSTERS else kept_together(data.train)
    aside = {example.id for group in groups[::SHARE] for example in group}
    if len(groups) < SHARE:
        raise DataError(
            f"{data.name} has too few training examples to choose a recipe by.",
            "Add examples with other requests, or take the rate of a study on similar data.",
        )
    return data.model_copy(
        update={
            "train": tuple(example for example in data.train if example.id not in aside),
            "aside": tuple(example for example in data.train if example.id in aside),
            "items": (),
        }
    )


def execute(spec: RunSpec, folder: Path, stop: threading.Event, kept: Path | None = None) -> None:
    """A development run, as `engine.run.execute.execute`; of what it leaves, only its events stay.

    Args:
        kept: Not used: no study needs such weights.
    """
    from engine.run.execute import Loaders
    from engine.run.execute import execute as run
    from engine.run.sources import load

    def data(ref: DataRef) -> StudyData:
        return set_aside(load(ref))

    run(spec, folder, stop, Loaders(data=data))
    for name in WEIGHTS:
        shutil.rmtree(folder / name, ignore_errors=True)


def training(folder: Path) -> Training | None:
    """How a finished development run was trained."""
    return training_of(decode(line) for line in (folder / FILE).read_bytes().splitlines())


def tuned_arms(trial: TrialSpec) -> list[ArmSpec]:
    """One arm for each method and base model that a trial trains: those that are given no shortcut come first.

    One whose data hold a shortcut stands there without it: the loss on examples that hold it, too, would reward it.
    Controls are left out: they take the rate of what they control, or one at which what they plant is seen. So are arms
    that need another arm's weights, which a development seed does not have.
    """
    found: dict[tuple[str, str], ArmSpec] = {}
    arms = [trial.study.arm(name) for name in trial.arms]
    for arm in sorted(arms, key=lambda arm: arm.agreement not in (None, 0.5)):
        method = method_of(arm)
        needy = any(wanted.arm for wanted in method.needs().values())
        if method.trains and not needy and not (method.control or arm.role == "control"):
            found.setdefault((arm.method, arm.model), arm)
    tuned = sorted(found.values(), key=arms.index)
    return [arm if arm.agreement is None else _even(arm) for arm in tuned]


def _even(arm: ArmSpec) -> ArmSpec:
    return arm.model_copy(update={"agreement": 0.5})


def rates_of(arm: ArmSpec) -> dict[str, float]:
    """The learning rates that an arm's method has, by setting, as the arm has them."""
    config = method_of(arm).config.model_dump()
    return {name: value for name, value in config.items() if name.endswith("learning_rate")}


def own_rates(study: StudySpec, arm: ArmSpec) -> dict[str, float]:
    """Those of an arm's rates that are its own to choose.

    A phase that another method of the study trains by itself has that method's rate: a comparison of both is to tell
    what the further phase does.
    """
    rates = rates_of(arm)
    others = [o for o in study.arms if o.model == arm.model and o.role != "control" and not method_of(o).control]
    taken = {name for other in others if (its := rates_of(other)).keys() < rates.keys() for name in its}
    return {name: value for name, value in rates.items() if name not in taken}


def runs(trial: TrialSpec, arm: ArmSpec, settings: Mapping[str, Any], seeds: int) -> Sequence[RunSpec]:
    """The development runs of an arm with other settings, seed by seed. No probe is measured.

    Raises:
        LabError: The settings do not fit, or a model that a run needs cannot be had.
    """
    changed = arm.model_copy(update={"settings": {**arm.settings, **settings}})
    study = trial.study.model_copy(update={"arms": (changed,), "probes": ()})
    (run,) = runs_of(trial.model_copy(update={"study": study, "arms": (arm.name,), "seeds": 1}))
    return [
        run.model_copy(
            update={
                "tune": run.tune.model_copy(update={"seed": FIRST_SEED + at}),
                "sample": run.sample.model_copy(update={"live_items": 0}),
            }
        )
        for at in range(seeds)
    ]
