"""What the runs of a trial cost here: each kind of work is tried for a few seconds, the rest is arithmetic.

A model whose weights alone do not fit into memory is not tried: its costs come from its shape and from how fast this
machine multiplies.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import torch

from engine.adaptations import Adaptation, adaptation
from engine.objectives import Kit
from engine.run.costs import estimate, meter, speed
from engine.run.costs.arms import Arm, Pack, Phase, by_objective, run_of, with_prefix
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


def measure(
    model: Any, tokenizer: Any, renderer: Renderer, shape: Shape, arms: Sequence[Arm], beside: dict[str, int],
    fresh: Callable[[], Any], stop: threading.Event | None = None,
) -> Measured:  # fmt: skip
    """Try each kind of work on a loaded model, which is trained afterwards.

    Args:
        arms: Those whose costs can be told.
        beside: Bytes of the further models that each arm needs, by its name.
        fresh: Loads the model anew, for arms that train other weights.

    Raises:
        Stopped: A stop was asked for.
    """
    lengths, limit = _lengths(arms), _limit(arms)
    room = max(1, renderer.context - max(limit, speed.SHORT, speed.WARM + 1))  # as prompts are cut in a run
    prompts = _prompts(arms, renderer, room)
    subject = LocalSubject(model, tokenizer, stop, renderer)
    base = _answers(subject, prompts, limit, shape, ANSWERING)
    ended = _ended(subject, prompts, limit, base)
    scored = speed.reading(model, _pairs(arms, prompts), shape, renderer.pad_id)
    held, sizes = meter.settled(), tuple(len(ids) for ids in prompts)
    found: list[Cost] = []
    deciding = 0.0
    for number, kind in enumerate(dict.fromkeys(made.adaptation for made in arms if made.adaptation)):
        stopping.check(stop)
        some = [made for made in arms if made.adaptation == kind]
        if number:
            del subject, model
            model = fresh()
            subject = LocalSubject(model, tokenizer, stop, renderer)
        with TemporaryDirectory(prefix="tuning-fork-") as folder:
            tried = _Trial(model, tokenizer, renderer, shape, held, Path(folder), stop).of(some, prompts, limit, base)
            deciding = max(deciding, tried.deciding)
            speeds = Speeds(shape, tried.trained, base, tried.tuned, scored, held, lengths, ended, tried.start)
            found += [_cost(made, run_of(made, tried.sizes, tried.pack), speeds, TRIED, beside) for made in tried.arms]
    plain = Speeds(shape, {}, base, base, scored, held, lengths, ended)
    untrained = [made for made in arms if not made.adaptation]
    found += [_cost(made, run_of(made, sizes, _no_pack), plain, TRIED, beside) for made in untrained]
    return Measured(_together(arms, found), deciding + _base_seconds(arms, plain, base))


class _Trial:
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
            tuned = None if base is None else _answers(subject, prompts, limit, self.shape, ANSWERING)
        sizes = tuple(len(ids) for ids in prompts)
        return Tried(arms, sizes, trained, tuned, start, deciding, pack)


def _kit(folder: Path, model: Any, renderer: Renderer, batch_size: int) -> Kit:
    """A kit for steps on rows that are there already."""
    return Kit(
        folder=folder, phase=0, seed=0, batch_size=batch_size, examples=(), encoded=(), pool=(), model=model,
        renderer=renderer, policy=nullcontext, order=lambda rows, chunk: [], needs={}, note=lambda name, detail: None,  # type: ignore[arg-type]
        check=lambda finding: None,
    )  # fmt: skip


def _no_pack(phase: Phase, rows: Sequence[Any]) -> Batch:
    raise TypeError("nothing is trained")


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


def guess(shape: Shape, arms: Sequence[Arm], beside: dict[str, int], renderer: Renderer) -> Measured:
    """The same from the model's shape and the speed of a product on this machine, where the model is not tried."""
    rate, fetched = _rates()
    half = kernels.has_bfloat16("cpu")
    step = Line(0.0, 2.3 * 2 / rate / (HALF if half else 1.0))  # the way back makes as many products, and the adapter's
    read = Line(0.0, 2 / rate)
    one = Trained(step, Line(0.0, 1.0), 1.0, shape.parameters * 4e-10, half, False)
    answers = Answered(read, Line(4 * shape.parameters / fetched, 2 * shape.parameters / rate), Line(0.0, 1.0))
    held = LIBRARIES + 4 * shape.parameters + (2 * shape.parameters if half else 0)
    trained = {phase.key: one for made in arms for phase in made.phases}
    speeds = Speeds(shape, trained, answers, answers, Read(read, Line(0.0, 1.0)), held, _lengths(arms))
    sizes = tuple(len(ids) for ids in _prompts(arms, renderer, renderer.context))
    basis = "worked out from the model's shape, for it is too large to be tried here"
    found = [_cost(made, run_of(made, sizes, _padded), speeds, basis, beside) for made in arms]
    return Measured(_together(arms, found), _base_seconds(arms, speeds, answers))


def weights(shape: Shape) -> int:
    """Bytes that a process holds once the model is loaded, copies in half precision included."""
    return LIBRARIES + shape.parameters * (6 if kernels.has_bfloat16("cpu") else 4)


def _cost(made: Arm, run: Run, speeds: Speeds, basis: str, beside: dict[str, int]) -> Cost:
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


def _together(arms: Sequence[Arm], costs: Sequence[Cost]) -> tuple[Cost, ...]:
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


def _base_seconds(arms: Sequence[Arm], speeds: Speeds, base: Answered | None) -> float:
    """Seconds that the live sample takes on the base: once for all runs, by no arm's own way to answer."""
    live = [made.probed.live for made in arms if made.probed]
    return min((estimate.measurement(one, speeds, base, speeds.ended) for one in live), default=0.0)


def _answers(
    subject: LocalSubject, prompts: Sequence[tuple[int, ...]], limit: int, shape: Shape, seconds: float
) -> Answered | None:
    """Measured on the prompts that come first in a run, as many as share a batch; none where the limit is 0."""
    if not prompts or not limit:
        return None
    longest = len(prompts[0])
    rows = int(CACHE_BYTES // max(1.0, shape.cache(longest + limit)))
    return speed.answering(subject, prompts, shape, max(1, min(BATCH_ROWS, rows, BATCH_TOKENS // longest)), seconds)


def _ended(subject: LocalSubject, prompts: Sequence[tuple[int, ...]], limit: int, answers: Answered | None) -> float:
    """Share of the base's answers that end by themselves; 0 where following some to their end would take too long."""
    some = prompts[:: max(1, len(prompts) // FOLLOWED)][:FOLLOWED]
    if answers is None or not some or answers.token.at(len(some)) * limit > FOLLOWING:
        return 0.0
    return float(np.mean([len(ids) < limit for ids in subject.answer_ids(some, limit)]))


def _limit(arms: Sequence[Arm]) -> int:
    """Tokens of the longest answer that is measured; 0 where none is written."""
    return max((one.limit for made in arms if made.probed for one in made.probed.full.asked), default=0)


def _prompts(arms: Sequence[Arm], renderer: Renderer, room: int) -> list[tuple[int, ...]]:
    """The prompts that are measured, cut as in a run, the longest first; the same for all arms."""
    probed = next((made.probed for made in arms if made.probed), None)
    shown = [renderer.prompt_ids(prompt)[-room:] for prompt in (probed.prompts if probed else ())]
    return sorted(shown, key=lambda ids: -len(ids))


def _lengths(arms: Sequence[Arm]) -> np.ndarray:
    """Tokens of right answers."""
    return np.array([len(e.completion) for made in arms for e in made.encoded] or [1])


def _pairs(arms: Sequence[Arm], prompts: Sequence[tuple[int, ...]]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    encoded = next((made.encoded for made in arms if made.encoded), ())
    pairs = [(e.prompt, e.completion) for e in encoded[:8]]
    return pairs or [(ids[:-1], ids[-1:]) for ids in prompts[:8] if len(ids) > 1] or [((0,), (0, 0))]


def _padded(phase: Phase, rows: Sequence[Any]) -> Batch:
    """A batch without packing, one row for each example."""
    blocks = [phase.objective.block(row) for row in rows]
    sizes = [block.size for block in blocks]
    return Batch(sum(sizes), max(sizes), sum(len(answer) for block in blocks for answer in block.answers))


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
