"""A run's phases, one after the other, through a trainer each; resumable at any step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import objectives
from engine.adaptations import Adaptation
from engine.methods import Method, Phase
from engine.objectives import Kit, Objective
from engine.objectives._trainer import LeanTrainer, Pace, arguments, run_trainer
from engine.spec.errors import PluginError, SpecError
from engine.spec.events import Finding
from engine.spec.example import Example
from engine.spec.run import RunSpec
from engine.spec.stopping import Stopped
from engine.subject.forward.attention import attends
from engine.subject.limits import Limits
from engine.subject.local import LocalSubject
from engine.subject.protocol import Subject
from engine.subject.rendering import Encoded, Renderer
from engine.tuning import checkpoint, draw
from engine.tuning.callbacks import Recorder
from engine.tuning.checkpoint import Checkpoint
from engine.tuning.journal import Journal


@dataclass(frozen=True)
class Stretch:
    """A phase with its place in the run: its steps, and how many come before."""

    index: int
    phase: Phase
    steps: int
    first: int


@dataclass(frozen=True)
class Training:
    """What every phase of a run needs.

    Attributes:
        model: The model with what is trained.
        examples: The training examples as the method shows them; `encoded` are their rows.
        pool: All training examples of the study, as they are.
        needs: Other models that the method asked for, answering.
        limits: From which the room for sampled answers follows.
        half: Whether the forward pass runs in bfloat16, as decided once for the trial.
        attention: How the model attends as it was loaded.
        live: Measures the live sample after so many steps.
        began: When the run's process began (`time.monotonic`).
    """

    spec: RunSpec
    method: Method
    adaptation: Adaptation[Any]
    folder: Path
    stop: threading.Event
    journal: Journal
    model: Any
    renderer: Renderer
    examples: Sequence[Example]
    pool: Sequence[Example]
    encoded: Sequence[Encoded]
    needs: Mapping[str, Subject]
    limits: Limits
    half: bool
    attention: str
    live: Callable[[int], None]
    device: str
    began: float

    @contextmanager
    def policy(self) -> Iterator[Subject]:
        """Within it, the model as it stands, answering, and attending as it was loaded."""
        with attends(self.model, self.attention), self.adaptation.measurable(self.model) as plain:
            yield LocalSubject(plain, self.renderer.tokenizer, self.stop, self.renderer, self.limits)

    def kit(self, stretch: Stretch) -> Kit:
        """What the objective of a phase works with."""
        phase, size, seed = stretch.index, self.spec.tune.size, self.spec.seed

        def check(found: Finding) -> None:
            self.journal.emit("checked", **found._asdict())

        def note(name: str, detail: str) -> None:
            self.journal.emit("noted", name=name, detail=detail)

        def order(rows: int, chunk: int) -> list[list[int]]:
            name = f"order-{phase}-{chunk}" if chunk else f"order-{phase}"
            return draw.order(rows, size.batch_size, stretch.steps, seed, name)

        return Kit(
            folder=self.folder, phase=phase, seed=seed, batch_size=size.batch_size,
            examples=self.examples, encoded=self.encoded, pool=self.pool, model=self.model, renderer=self.renderer,
            policy=self.policy, order=order, needs=self.needs, note=note, check=check,
        )  # fmt: skip


def stretches_of(method: Method, steps: int) -> list[Stretch]:
    """The phases with whole numbers of steps that add up to `steps`. Raises SpecError where there are too few."""
    phases = method.phases()
    if phases and steps < len(phases):
        raise SpecError(
            f"{steps} step is too few for the {len(phases)} phases of {method.label}.", "Choose a larger scale."
        )
    found: list[Stretch] = []
    first = 0
    for index, phase in enumerate(phases):
        later = len(phases) - index - 1
        size = steps - first if not later else min(max(1, round(phase.share * steps)), steps - first - later)
        found.append(Stretch(index, phase, size, first))
        first += size
    return found


def train(run: Training, resume: Checkpoint | None) -> None:
    """Train every phase that is not done yet. Raises Stopped after a checkpoint where a stop was asked for."""
    for stretch in stretches_of(run.method, run.spec.tune.size.steps):
        if resume and stretch.index < resume.phase:
            continue
        at = resume if resume and stretch.index == resume.phase else None
        if at and at.step >= stretch.steps:
            run.adaptation.load(run.model, at.path)
            continue
        _train_phase(run, stretch, at)


def _train_phase(run: Training, stretch: Stretch, at: Checkpoint | None) -> None:
    use = stretch.phase.objective
    objective = objectives.objective(use)
    if at is None:
        run.journal.emit(
            "entered", phase=use.name, first=stretch.first, steps=stretch.steps,
            max_grad_norm=pace_of(run.method, stretch.phase).max_grad_norm,
            comparable=not (objective.on_policy or objective.chunk),
        )  # fmt: skip
    trainer = trainer_of(run, stretch, objective, at)
    recorder = Recorder(
        journal=run.journal, stop=run.stop, folder=run.folder, identity=run.spec.hash,
        phase=stretch.index, name=use.name, first=stretch.first, live=run.live,
        live_every=run.spec.sample.live_every, checkpoint_every=run.spec.checkpoint_every, began=run.began,
    )  # fmt: skip
    recorder.trainer = trainer
    trainer.add_callback(recorder)
    run_trainer(trainer, at.path if at else None)
    if recorder.stopped:
        raise Stopped("the run was asked to stop")


def trainer_of(run: Training, stretch: Stretch, objective: Objective[Any], at: Checkpoint | None) -> Any:
    """The trainer of a phase, with its rows and their order.

    Raises:
        RunError: There are no rows, or the run resumes and its rows are gone.
        PluginError: The objective makes its rows again, and its trainer would not ask for them.
    """
    kit, size = run.kit(stretch), run.spec.tune.size
    # At a chunk's border the rows are made again by the step that needs them: what is loaded is the chunk that ends.
    chunk = (at.step - 1) // objective.chunk if at and objective.chunk else 0
    rows = kit.saved(objective, chunk) if at else kit.made(objective, chunk)
    args = arguments(
        objective.Arguments, checkpoint.folder_of(run.folder, stretch.index), pace_of(run.method, stretch.phase),
        stretch.steps, size.batch_size, run.spec.seed, run.device, **objective.arguments(),
    )  # fmt: skip
    trainer = objective.trainer(kit, rows, kit.order(len(rows), chunk), args)
    if objective.chunk and not isinstance(trainer, LeanTrainer):
        raise PluginError(f"The objective {objective.name!r} makes its rows again, which its trainer does not ask for.")
    trainer.adaptation, trainer.half = run.adaptation, run.half
    return trainer


def pace_of(method: Method, phase: Phase) -> Pace:
    """How fast a phase of a method learns. Raises SpecError where the method's settings do not say."""
    settings = method.config.model_dump()
    if not {"warmup", "max_grad_norm"} <= settings.keys():
        raise SpecError(
            f"The method {method.name!r} trains, and its settings have no warmup and no max_grad_norm.",
            "Derive its Config from TrainConfig.",
        )
    return Pace(phase.learning_rate, settings["warmup"], settings["max_grad_norm"])
