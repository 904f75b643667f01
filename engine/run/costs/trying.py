"""What one adaptation's training and answers take: tried on the loaded model for a few seconds."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from engine.adaptations import Adaptation, adaptation
from engine.objectives import Kit
from engine.run.costs import meter, speed
from engine.run.costs.arms import Arm, Pack, Phase, by_objective, with_prefix
from engine.run.costs.shape import Shape
from engine.run.costs.speed import Answered, Batch, Trained
from engine.spec import stopping
from engine.subject.forward import kernels
from engine.subject.forward.attention import attends
from engine.subject.local import BATCH_ROWS, BATCH_TOKENS, CACHE_BYTES, LocalSubject
from engine.subject.rendering import Encoded, Renderer
from engine.tuning import precision

TRAINING, ANSWERING = 4.0, 2.0
"""Seconds that measuring may take: of one objective's steps; of answers."""
SOON = 2.0  # seconds; what takes less is measured once more
PAIR = 2.3  # a step of one objective and one of the other, in steps of the first


class Tried(NamedTuple):
    """What an adaptation's arms were measured to need: training, answers, seconds to attach it and to try precision.

    Attributes:
        arms: With the adaptation's prefix before all that they read; `sizes`: tokens of what is measured, with it.
    """

    arms: Sequence[Arm]
    sizes: tuple[int, ...]
    trained: dict[str, Trained]
    tuned: Answered | None
    start: float
    deciding: float
    pack: Pack


class Trial:
    """Tries one adaptation's training and answers on a model that nothing was attached to."""

    def __init__(
        self, model: Any, tokenizer: Any, renderer: Renderer, shape: Shape, held: int, folder: Path,
        stop: threading.Event | None,
    ) -> None:  # fmt: skip
        self.model, self.tokenizer, self.renderer, self.shape = model, tokenizer, renderer, shape
        self.held, self.folder, self.stop = held, folder, stop

    def of(self, arms: Sequence[Arm], prompts: Sequence[tuple[int, ...]], limit: int, base: Answered | None) -> Tried:
        """What arms of one adaptation need.

        Args:
            prompts: What is measured, the longest first.
            limit: Tokens of the longest answer.
            base: What the untouched base's answers need, or None where none are written.
        """
        first = arms[0]
        attention: str = self.model.config._attn_implementation  # noqa: SLF001
        half, tried = _precision(self.model, first.encoded[:1], self.renderer)
        use = first.spec.tune.adaptation
        how: Adaptation[Any] = adaptation(use)  # type: ignore[arg-type]
        began = meter.now()
        kernels.halve(self.model)
        model = how.attach(self.model, 0)
        how.quicken(model)
        start = meter.now() - began
        renderer, prefix = self.renderer, how.prefix(model)
        if prefix:
            renderer = renderer.with_prefix(prefix)
            prompts = [(*prefix, *ids) for ids in prompts]
            arms = [with_prefix(made, prefix) for made in arms]
            first = arms[0]
        kit = _kit(self.folder, model, renderer, first.spec.tune.size.batch_size)
        trained: dict[str, Trained] = {}
        trainers: dict[str, Any] = {}
        for key, (_, phase) in by_objective(arms).items():
            stopping.check(self.stop)
            began = meter.now()
            trainer = speed.trainer_of(kit, phase.objective, phase.drawn.rows, phase.pace)
            trainer.adaptation, trainer.half = how, half
            trainers[key] = trainer
            ready = meter.now() - began
            known = next(iter(trained.values()), None)
            if known is not None and not known.whole:  # as slow as the one before, by its own sizes
                trained[key] = known
            else:
                drawn = phase.drawn
                trained[key] = speed.training(
                    trainer, ready, drawn.rows, drawn.batches, self.shape, self.held, TRAINING
                )

        def pack(phase: Phase, rows: Sequence[Any]) -> Batch:
            return speed.shape_of_batch(trainers[phase.key], rows)

        deciding = _deciding(tried, half, first, trained, self.shape, pack) if trained else tried
        stopping.check(self.stop)
        with attends(model, attention), how.measurable(model) as plain:
            subject = LocalSubject(plain, self.tokenizer, self.stop, renderer)
            tuned = None if base is None else answers_of(subject, prompts, limit, self.shape, ANSWERING)
        sizes = tuple(len(ids) for ids in prompts)
        return Tried(arms, sizes, trained, tuned, start, deciding, pack)


def answers_of(
    subject: LocalSubject, prompts: Sequence[tuple[int, ...]], limit: int, shape: Shape, seconds: float
) -> Answered | None:
    """Measured on the prompts that come first in a run, as many as share a batch; none where the limit is 0."""
    if not prompts or not limit:
        return None
    longest = len(prompts[0])
    rows = int(CACHE_BYTES // max(1.0, shape.cache(longest + limit)))
    return speed.answering(subject, prompts, shape, max(1, min(BATCH_ROWS, rows, BATCH_TOKENS // longest)), seconds)


def _kit(folder: Path, model: Any, renderer: Renderer, batch_size: int) -> Kit:
    """A kit for steps on rows that are there already."""
    return Kit(
        folder=folder, phase=0, seed=0, batch_size=batch_size, examples=(), encoded=(), pool=(), model=model,
        renderer=renderer, policy=nullcontext, order=lambda rows, chunk: [], needs={}, note=lambda name, detail: None,  # type: ignore[arg-type]
        check=lambda finding: None,
    )  # fmt: skip


def _precision(model: Any, rows: Sequence[Encoded], renderer: Renderer) -> tuple[bool, float]:
    """Whether bfloat16 is used as far as a few examples tell, and the seconds that trying it on them takes."""

    def decide() -> tuple[bool, float]:
        began = meter.now()
        found = precision.decide(model, rows, lambda row: row, len(rows), renderer.pad_id)
        return found.ok, meter.now() - began

    ok, took = decide()
    return decide() if took < SOON else (ok, took)  # the second time no kernels are compiled


def _deciding(
    tried: float, half: bool, first: Arm, trained: dict[str, Trained], shape: Shape, pack: Pack
) -> float:  # fmt: skip
    """Seconds of the lab's own trial of precision: whole batches, both objectives, both precisions.

    Args:
        tried: Seconds of the same on the arm's first examples.
        trained: What steps take, by the kind of a phase.
    """
    if not half or not first.encoded:
        return tried
    phase = first.phases[0]
    drawn, size = phase.drawn, first.spec.tune.size.batch_size

    def step(rows: Sequence[Any]) -> float:
        return PAIR * trained[phase.key].step.at(shape.products(*pack(phase, rows)))

    whole = step([drawn.rows[at] for at in drawn.batches[len(drawn.batches) // 2]])
    batches = min(precision.BATCHES, -(-len(first.encoded) // size))
    return batches * whole * max(2.0, tried / max(1e-6, step(drawn.rows[:1])))
