"""What the runs of a trial cost here: each kind of work is tried for a few seconds, the rest is arithmetic.

A model whose weights alone do not fit into memory is not tried: its costs come from its shape and from how fast this
machine multiplies.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import torch

from engine.adaptations import lora
from engine.methods._base import Objective
from engine.run.costs import estimate, meter, speed
from engine.run.costs.arms import Arm, Pack, Probing, by_objective, run_of
from engine.run.costs.estimate import Run, Speeds
from engine.run.costs.shape import Shape
from engine.run.costs.speed import Answered, Batch, Line, Read, Trained
from engine.spec import stopping
from engine.spec.understanding import Cost
from engine.subject.forward import kernels
from engine.subject.forward.attention import attends
from engine.subject.local import BATCH_ROWS, BATCH_TOKENS, CACHE_BYTES, LocalSubject
from engine.subject.rendering import Encoded, Renderer
from engine.tuning import precision

TRAINING, ANSWERING, FOLLOWING = 4.0, 2.0, 1.0
"""Seconds that measuring may take: of one objective's steps; of answers; of answers that are followed to their end."""
SOON = 2.0  # seconds; what takes less is measured once more
PAIR = 2.3  # a step of one objective and one of the other, in steps of the first
FOLLOWED = 4  # answers of the base that are followed
TRIED = "measured on this machine"
LIBRARIES = 600 << 20  # bytes: an interpreter with the training libraries
HALF = 3.0  # bfloat16 products in the time of one of float32, where the hardware multiplies it


class Measured(NamedTuple):
    """The costs of a trial's arms, and the seconds that come once (base measured; model and data not loaded)."""

    costs: tuple[Cost, ...]
    once: float


def measure(
    model: Any, tokenizer: Any, renderer: Renderer, shape: Shape, arms: Sequence[Arm], probed: Probing,
    stop: threading.Event | None = None,
) -> Measured:  # fmt: skip
    """Try each kind of work on a loaded model. The model has an adapter afterwards.

    Raises:
        Stopped: A stop was asked for.
    """
    lengths = _lengths(arms)
    attention: str = model.config._attn_implementation  # noqa: SLF001
    room = max(1, renderer.context - max(_limit(probed), speed.SHORT, speed.WARM + 1))  # as prompts are cut in a run
    prompts = sorted((renderer.prompt_ids(prompt)[-room:] for prompt in probed.prompts), key=lambda ids: -len(ids))
    subject = LocalSubject(model, tokenizer, stop, renderer)
    base = _answers(subject, prompts, probed, shape, ANSWERING)
    ended = _ended(subject, prompts, _limit(probed), base)
    scored = speed.reading(model, _pairs(arms, prompts), shape, renderer.pad_id)
    held = meter.settled()
    tuned, trained, start, deciding = base, {}, 0.0, 0.0
    with TemporaryDirectory(prefix="tuning-fork-") as folder:
        trainers: dict[Objective, Any] = {}
        drawn_by = by_objective(arms)

        def pack(objective: Objective, rows: Sequence[Any]) -> Batch:
            return speed.shape_of_batch(trainers[objective], rows)

        if drawn_by:
            stopping.check(stop)
            first = next(iter(drawn_by.values()))[0]
            half, tried = _precision(model, first.encoded[:1], renderer)
            began = meter.now()
            kernels.halve(model)
            model = lora.attach(model, first.method.config, 0)
            start = meter.now() - began
            for objective, (made, drawn) in drawn_by.items():
                stopping.check(stop)
                began = meter.now()
                where = Path(folder) / objective.value
                config, batch_size = made.method.config, made.spec.scale.batch_size
                trainer = speed.trainer_of(model, objective, drawn.rows, batch_size, config, renderer, where)
                trainer.half = half
                trainers[objective] = trainer
                ready = meter.now() - began
                known = next(iter(trained.values()), None)
                if known is not None and not known.whole:  # as slow as the one before, by its own sizes
                    trained[objective] = known
                else:
                    measured = speed.training(trainer, ready, drawn.rows, drawn.batches, shape, held, TRAINING)
                    trained[objective] = measured
            deciding = _deciding(tried, half, first, next(iter(trained.items())), shape, pack)
            stopping.check(stop)
            with attends(model, attention), lora.folded(model):
                plain = LocalSubject(model.get_base_model(), tokenizer, stop, renderer)
                tuned = _answers(plain, prompts, probed, shape, ANSWERING)

        speeds = Speeds(shape, trained, base, tuned, scored, held, lengths, ended, start)
        sizes = tuple(len(ids) for ids in prompts)
        runs = {made.spec.arm: run_of(made, probed, sizes, pack) for made in arms}
    return Measured(
        _costs(arms, runs, speeds, TRIED), deciding + estimate.measurement(probed.live, speeds, base, ended)
    )


def _precision(model: Any, rows: Sequence[Encoded], renderer: Renderer) -> tuple[bool, float]:
    """Whether bfloat16 is used as far as a few examples tell, and the seconds that trying it on them takes."""

    def decide() -> tuple[bool, float]:
        began = meter.now()
        found = precision.decide(model, rows, lambda row: row, len(rows), renderer.pad_id)
        return found.ok, meter.now() - began

    ok, took = decide()
    return decide() if took < SOON else (ok, took)  # the second time no kernels are compiled


def _deciding(
    tried: float, half: bool, first: Arm, known: tuple[Objective, Trained], shape: Shape, pack: Pack
) -> float:
    """Seconds of the lab's own trial of precision: whole batches, both objectives, both precisions.

    Args:
        tried: Seconds of the same on the arm's first examples.
        known: An objective, and what its steps take.
    """
    if not half or not first.encoded:
        return tried
    objective, trained = known
    drawn = next(read for name, _, read in first.phases if name is objective)
    size = first.spec.scale.batch_size

    def step(rows: Sequence[Any]) -> float:
        return PAIR * trained.step.at(shape.products(*pack(objective, rows)))

    whole = step([drawn.rows[at] for at in drawn.batches[len(drawn.batches) // 2]])
    batches = min(precision.BATCHES, -(-len(first.encoded) // size))
    return batches * whole * max(2.0, tried / max(1e-6, step(drawn.rows[:1])))


def guess(shape: Shape, arms: Sequence[Arm], probed: Probing, renderer: Renderer) -> Measured:
    """The same from the model's shape and the speed of a product on this machine, where the model is not tried."""
    rate, fetched = _rates()
    half = kernels.has_bfloat16("cpu")
    step = Line(0.0, 2.3 * 2 / rate / (HALF if half else 1.0))  # the way back makes as many products, and the adapter's
    read = Line(0.0, 2 / rate)
    one = Trained(step, Line(0.0, 1.0), 1.0, shape.parameters * 4e-10, half, False)
    answers = Answered(read, Line(4 * shape.parameters / fetched, 2 * shape.parameters / rate), Line(0.0, 1.0))
    held = LIBRARIES + 4 * shape.parameters + (2 * shape.parameters if half else 0)
    lengths = _lengths(arms)
    trained = dict.fromkeys(Objective, one)
    speeds = Speeds(shape, trained, answers, answers, Read(read, Line(0.0, 1.0)), held, lengths)
    sizes = tuple(sorted((len(renderer.prompt_ids(prompt)) for prompt in probed.prompts), reverse=True))
    runs = {made.spec.arm: run_of(made, probed, sizes, lambda _, rows: _padded(rows)) for made in arms}
    basis = "worked out from the model's shape, for it is too large to be tried here"
    return Measured(_costs(arms, runs, speeds, basis), estimate.measurement(probed.live, speeds, answers, 0.0))


def weights(shape: Shape) -> int:
    """Bytes that a process holds once the model is loaded, copies in half precision included."""
    return LIBRARIES + shape.parameters * (6 if kernels.has_bfloat16("cpu") else 4)


def _costs(arms: Sequence[Arm], runs: dict[str, Run], speeds: Speeds, basis: str) -> tuple[Cost, ...]:
    found: list[Cost] = []
    for made in arms:
        run = runs[made.spec.arm]
        took, most = estimate.seconds(run, speeds), estimate.memory(run, speeds) + made.teacher
        said = f"{basis}, its teacher as fast as the model" if made.teacher else basis
        smaller = estimate.smaller(run, speeds, made.spec.scale.batch_size)
        cost = Cost(
            method=made.spec.method, seconds=took.expected, low=took.low, high=took.high, memory=most,
            own=max(0, most - speeds.held), basis=said,
            batches={size: need + made.teacher for size, need in smaller.items()}, arms=(made.spec.arm,),
        )  # fmt: skip
        same = next((n for n, c in enumerate(found) if c.model_copy(update={"arms": cost.arms}) == cost), None)
        if same is None:
            found.append(cost)
        else:
            found[same] = found[same].model_copy(update={"arms": (*found[same].arms, *cost.arms)})
    return tuple(found)


def _answers(
    subject: LocalSubject, prompts: Sequence[tuple[int, ...]], probed: Probing, shape: Shape, seconds: float
) -> Answered | None:
    """Measured on the prompts that come first in a run: the longest, as many as share a batch."""
    if not prompts or not probed.full.asked:
        return None
    longest = len(prompts[0])
    rows = int(CACHE_BYTES // max(1.0, shape.cache(longest + _limit(probed))))
    return speed.answering(subject, prompts, shape, max(1, min(BATCH_ROWS, rows, BATCH_TOKENS // longest)), seconds)


def _ended(subject: LocalSubject, prompts: Sequence[tuple[int, ...]], limit: int, answers: Answered | None) -> float:
    """Share of the base's answers that end by themselves; 0 where following some to their end would take too long."""
    some = prompts[:: max(1, len(prompts) // FOLLOWED)][:FOLLOWED]
    if answers is None or not some or answers.token.at(len(some)) * limit > FOLLOWING:
        return 0.0
    return float(np.mean([len(ids) < limit for ids in subject.answer_ids(some, limit)]))


def _limit(probed: Probing) -> int:
    return max((one.limit for one in probed.full.asked), default=1)


def _lengths(arms: Sequence[Arm]) -> np.ndarray:
    """Tokens of right answers."""
    return np.array([len(e.completion) for made in arms for e in made.encoded] or [1])


def _pairs(arms: Sequence[Arm], prompts: Sequence[tuple[int, ...]]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    encoded = next((made.encoded for made in arms if made.encoded), ())
    pairs = [(e.prompt, e.completion) for e in encoded[:8]]
    return pairs or [(ids[:-1], ids[-1:]) for ids in prompts[:8] if len(ids) > 1] or [((0,), (0, 0))]


def _padded(rows: Sequence[Any]) -> Batch:
    """A batch without packing, one row for each example."""
    sizes = [len(r.prompt) + len(r.completion) + len(getattr(r, "rejected", ())) for r in rows]
    scored = sum(len(r.completion) + len(getattr(r, "rejected", ())) for r in rows)
    return Batch(sum(sizes), max(sizes), scored)


def _rates() -> tuple[float, float]:
    """Floating point operations a second of a product as a layer makes it, and bytes a second that are read for it."""
    x, weight = torch.randn(256, 1024), torch.randn(1024, 1024)
    lone = torch.randn(1, 4096)
    large = torch.randn(4096, 4096)
    kernels.linear(x, weight)
    began = meter.now()
    for _ in range(10):
        kernels.linear(x, weight)
    rate = 10 * 2 * x.shape[0] * weight.numel() / max(1e-6, meter.now() - began)
    kernels.linear(lone, large)
    began = meter.now()
    for _ in range(5):
        kernels.linear(lone, large)
    return rate, 5 * 4 * large.numel() / max(1e-6, meter.now() - began)
