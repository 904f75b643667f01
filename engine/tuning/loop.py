"""A run's phases, one after the other, through TRL's trainers; resumable at any step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from trl.trainer.dpo_config import DPOConfig
from trl.trainer.sft_config import SFTConfig

from engine.adaptations import lora
from engine.methods._base import Method, Objective, Phase, Sampled
from engine.objectives import lean, pairs
from engine.spec.errors import RunError, SpecError
from engine.spec.example import Example
from engine.spec.stopping import Stopped
from engine.spec.study import RunSpec
from engine.subject.limits import Limits
from engine.subject.local import LocalSubject
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
        examples: The training examples as the method shows them.
        pool: All training examples of the study, as they are.
        limits: From which the room for the teacher's answers follows.
        half: Whether the forward pass runs in bfloat16, as decided once for the trial.
        live: Measures the live sample after so many steps.
        began: When the run's process began (`time.monotonic`).
    """

    spec: RunSpec
    method: Method
    folder: Path
    stop: threading.Event
    journal: Journal
    model: Any
    renderer: Renderer
    examples: Sequence[Example]
    pool: Sequence[Example]
    encoded: Sequence[Encoded]
    limits: Limits
    half: bool
    live: Callable[[int], None]
    device: str
    began: float


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
    for stretch in stretches_of(run.method, run.spec.scale.steps):
        if resume and stretch.index < resume.phase:
            continue
        at = resume if resume and stretch.index == resume.phase else None
        if at and at.step >= stretch.steps:
            lora.load(run.model, at.path)
            continue
        _train_phase(run, stretch, at)


def _train_phase(run: Training, stretch: Stretch, at: Checkpoint | None) -> None:
    trainer = _TRAINERS[stretch.phase.objective](run, stretch, at)
    recorder = Recorder(
        journal=run.journal, stop=run.stop, folder=run.folder, identity=run.spec.hash,
        phase=stretch.index, name=stretch.phase.objective.value, first=stretch.first, live=run.live,
        live_every=run.spec.scale.live_every, checkpoint_every=run.spec.scale.checkpoint_every, began=run.began,
    )  # fmt: skip
    recorder.trainer = trainer
    trainer.add_callback(recorder)
    trainer.half = run.half
    lean.run(trainer, at.path if at else None)
    if recorder.stopped:
        raise Stopped("the run was asked to stop")


def _arguments(run: Training, stretch: Stretch, kind: type[SFTConfig] | type[DPOConfig], **more: Any) -> Any:
    return lean.arguments(
        kind, checkpoint.folder_of(run.folder, stretch.index), stretch.phase, run.method.config, stretch.steps,
        run.spec.scale.batch_size, run.spec.seed, run.device, **more,
    )  # fmt: skip


def _sft(run: Training, stretch: Stretch, at: Checkpoint | None) -> Any:
    order = draw.order(
        len(run.encoded), run.spec.scale.batch_size, stretch.steps, run.spec.seed, f"order-{stretch.index}"
    )
    return lean.sft(run.model, run.encoded, order, _arguments(run, stretch, SFTConfig), run.renderer)


def _dpo(run: Training, stretch: Stretch, at: Checkpoint | None) -> Any:
    rows = _pairs(run, stretch, at)
    order = draw.order(len(rows), run.spec.scale.batch_size, stretch.steps, run.spec.seed, f"order-{stretch.index}")
    args = _arguments(
        run,
        stretch,
        DPOConfig,
        beta=stretch.phase.beta,
        loss_type=["sigmoid", "sft"],
        loss_weights=[1.0, stretch.phase.sft_weight],
    )
    return lean.dpo(run.model, rows, order, args, run.renderer)


_TRAINERS: dict[Objective, Callable[[Training, Stretch, Checkpoint | None], Any]] = {
    Objective.SFT: _sft,
    Objective.DPO: _dpo,
}


def _pairs(run: Training, stretch: Stretch, at: Checkpoint | None) -> list[lean.PairRow]:
    """The phase's pairs: from the run's folder where it resumes within the phase, else made with the model."""
    path = run.folder / f"preferences-{stretch.index}.jsonl"
    if at:
        kept = pairs.load(path)
        if kept is None:
            raise RunError(
                "The pairs this run was trained on are gone or damaged, so it cannot go on where it was.",
                f"Delete the folder {run.folder.name!r} of this run and start it again.",
            )
        return kept[1]
    base = run.model.get_base_model()
    with lora.folded(run.model):
        subject = LocalSubject(base, run.renderer.tokenizer, run.stop, run.renderer, run.limits)
        rng = Random(f"{run.spec.seed}:preferences-{stretch.index}")
        sampled = run.method.preferences(subject, run.method.asked(run.examples, run.pool), rng)
    made = pairs.usable(sampled.pairs, run.renderer)
    if not made:
        raise _no_pairs(sampled, run.renderer)
    detail = pairs.summary(made, sampled, run.spec.scale.batch_size)
    run.journal.emit("noted", name="preferences", detail=detail)
    encoded = pairs.encode(made, run.renderer)
    found = pairs.finding(made, encoded, run.renderer)
    if not found.ok:
        raise RunError(
            f"DPO would be trained against right answers: {found.detail}",
            "Nothing was trained on them. Report this with the run's folder: the lab should have left them out.",
        )
    run.journal.emit("checked", **found._asdict())
    rows = pairs.refer(encoded, run.model, run.renderer.pad_id)
    pairs.save(path, made, rows)
    return rows


def _no_pairs(sampled: Sampled, renderer: Renderer) -> RunError:
    """Why there is nothing to prefer against, and what to do about it."""
    what = "The teacher gave no verified wrong answer, so there is nothing to prefer against."
    cut, right, answers = sampled.cut, sampled.right, sampled.answers
    if sampled.pairs:
        return RunError(
            f"The teacher's {len(sampled.pairs)} wrong answers do not fit the model's {renderer.context} tokens.",
            "Use a model with a longer context, or data with shorter answers.",
        )
    if cut and cut >= answers - right:
        said = "All" if cut == answers else f"All but {right} right ones"
        return RunError(
            f"{what} {said} of its {answers} sampled answers reached the limit of {sampled.limit} tokens before they "
            "ended, and what is cut off proves nothing.",
            "Raise max_new_tokens of this arm, or give it more steps of SFT, so that answers end.",
        )
    if right:
        what = f"{what} Of its {answers} sampled answers, {right} are right."
    return RunError(what, "Raise the temperature or the number of samples of this arm, or give it fewer steps of SFT.")
