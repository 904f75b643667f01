"""What this machine needs for a unit of a model's work (a step of training, an answer, a score): measured, bounded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from transformers import TrainerCallback

from engine.objectives import Kit, Objective
from engine.objectives._trainer import Pace, arguments, run_trainer
from engine.run.costs import meter
from engine.run.costs.shape import Shape
from engine.subject import scoring
from engine.subject.forward import packing
from engine.subject.forward.packing import Block
from engine.subject.local import LocalSubject

FEW = 2  # examples of the smallest batch that is tried
LARGER = 0.88  # a multiplication in a large batch takes so much of what it takes in the smallest
STATE = 12  # bytes of a trained weight's gradient and of its two moments
WARM = 1  # steps whose kernels are compiled while they run
MOST = 4  # steps that are measured
SCORED = 3  # pairs that are scored at once
SHORT = 6  # tokens of the answers that are measured
SLOWEST = 1e-6  # a learning rate
GROW = 4  # how many times more answers each batch that is tried has


class Line(NamedTuple):
    """A quantity that grows evenly: `fixed` and `each` times a size."""

    fixed: float = 0.0
    each: float = 0.0

    def at(self, size: float) -> float:
        """Its value at a size."""
        return self.fixed + self.each * size


def line(points: Sequence[tuple[float, float]]) -> Line:
    """The line through measurements (size, value), neither part below zero; through the origin where there is one."""
    sizes, values = np.array(points, dtype=float).T
    if len(points) > 1 and np.ptp(sizes) > 0:
        each, fixed = np.polyfit(sizes, values, 1)
        if each > 0 and fixed >= 0:
            return Line(float(fixed), float(each))
        if each <= 0:
            return Line(float(values.mean()), 0.0)
    return Line(0.0, float((sizes @ values) / max(1e-9, sizes @ sizes)))


class Batch(NamedTuple):
    """A packed batch: tokens in all, padding included; the length of its rows; places with logits."""

    tokens: int
    length: int
    scored: int


class Trained(NamedTuple):
    """A phase's training.

    Attributes:
        step: Seconds of a step, by `Shape.products`.
        memory: Bytes beyond those held before any training, by `Shape.activations`.
        ready: Seconds until its first step; `save`: of a checkpoint.
        half: Whether it runs in bfloat16.
        whole: Whether a batch of full size was measured.
    """

    step: Line
    memory: Line
    ready: float
    save: float
    half: bool
    whole: bool


class _Clock(TrainerCallback):
    """Notes when each step ends, and has a checkpoint written at the last one."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.save = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        self.ends.append(meter.now())
        control.should_save = state.global_step == state.max_steps
        return control

    def on_save(self, *_: Any, **__: Any) -> None:
        self.save = meter.now() - self.ends[-1]


def shape_of_batch(trainer: Any, rows: Sequence[Any]) -> Batch:
    """The sizes of a batch as the trainer packs it."""
    batch = trainer.collate(list(rows))
    if "ids" in batch:
        return Batch(batch["ids"].numel(), batch["ids"].shape[1], len(batch["places"]))
    ids = batch["input_ids"]
    return Batch(ids.numel(), ids.shape[1], ids.numel())


def trainer_of(kit: Kit, objective: Objective[Any], rows: Sequence[Any], pace: Pace) -> Any:
    """A trainer as a run's phase has one, whose weights hardly move: nothing is to be learned here."""
    slow, size = pace._replace(learning_rate=SLOWEST), kit.batch_size
    kind, device = objective.Arguments, kit.model.device.type
    args = arguments(kind, kit.folder, slow, 1, size, kit.seed, device, **objective.arguments())
    return objective.trainer(kit, rows, [list(range(min(len(rows), size)))], args)


def training(
    trainer: Any, ready: float, rows: Sequence[Any], batches: Sequence[Sequence[int]], shape: Shape, before: int,
    seconds: float,
) -> Trained:  # fmt: skip
    """Measure a phase: a small batch, then as large a one of the run's own as the time allows.

    Args:
        trainer: As `trainer_of` makes it. The weights hardly move: the learning rate is next to none.
        ready: Seconds that it took to make the trainer.
        batches: Batches of the run, as places in `rows`, the one first that needs the most memory.
        before: Bytes that the process held before it trained anything.
        seconds: How long measuring may take.
    """
    full = len(batches[0])
    few = sorted(batches[0], key=lambda at: len(rows[at].prompt))[full // 2 :][:FEW]
    learned = sum(weight.numel() for weight in trainer.model.parameters() if weight.requires_grad)
    fixed = max(0, meter.settled() - before) + STATE * learned
    small = _steps(trainer, [few] * (WARM + 1), rows)
    points, save = [small.point(shape)], small.save
    memory = [(0.0, float(fixed)), small.held(shape, trainer.half, before)]
    left = seconds - sum(small.seconds)
    wanted = shape.products(*shape_of_batch(trainer, [rows[at] for at in batches[0]]))
    each = small.seconds[-1] * wanted / points[0][0] / full  # seconds of an example in a large batch, at most
    size = full
    while size > FEW and (WARM + 1) * each * size > left:
        size -= 1
    if size > FEW:
        count = int(np.clip(left / (each * size) - WARM, 1, MOST))
        large = _steps(trainer, [batch[:size] for batch in (batches[0], *batches[: WARM + count - 1])], rows)
        points.append(large.point(shape))
        memory.append(large.held(shape, trainer.half, before))
        save = max(save, large.save)
    step = line(points)
    if len(points) == 1:
        step = Line(0.0, LARGER * step.each)
    return Trained(step, line(memory[-2:]), ready, save, trainer.half, size == full)


class _Steps(NamedTuple):
    seconds: list[float]
    batches: list[Batch]
    most: int
    save: float

    def point(self, shape: Shape) -> tuple[float, float]:
        """Mean products and mean seconds of the steps that are no warm-up."""
        products = [shape.products(*batch) for batch in self.batches[WARM:]]
        return float(np.mean(products)), float(np.mean(self.seconds[WARM:]))

    def held(self, shape: Shape, half: bool, before: int) -> tuple[float, float]:
        """The most that any of the batches keeps, and the bytes that were held beyond those before."""
        return max(shape.activations(*batch, half) for batch in self.batches), float(max(0, self.most - before))


def _steps(trainer: Any, order: Sequence[Sequence[int]], rows: Sequence[Any]) -> _Steps:
    clock = _Clock()
    trainer.order, trainer.args.max_steps = [list(batch) for batch in order], len(order)
    trainer.optimizer = trainer.lr_scheduler = None
    trainer.add_callback(clock)
    try:
        with meter.peak() as peak:
            began = meter.now()
            run_trainer(trainer, None)
    finally:
        trainer.remove_callback(clock)
    marks = [began, *clock.ends]
    seconds = [float(gap) for gap in np.diff(marks)]
    return _Steps(
        seconds, [shape_of_batch(trainer, [rows[at] for at in batch]) for batch in order], peak.bytes, clock.save
    )


class Answered(NamedTuple):
    """Answering.

    Attributes:
        prompt: Seconds of reading prompts, by `Shape.products`.
        token: Seconds of a further token of every answer in a batch, by the number of answers.
        memory: Bytes of reading prompts beyond those held before, by `Shape.passing` and `Shape.cache`.
    """

    prompt: Line
    token: Line
    memory: Line


def answering(
    subject: LocalSubject, prompts: Sequence[tuple[int, ...]], shape: Shape, most: int, seconds: float
) -> Answered:
    """Measure answers to some prompts: one alone, and as many together as the time allows.

    Args:
        prompts: Token ids, the longest first.
        most: Prompts of the largest batch.
        seconds: How long measuring may take.
    """
    renderer, ends = subject.renderer, subject.renderer.end_ids
    renderer.end_ids = frozenset()  # every answer is to have its full length
    marks: list[float] = []
    reader = subject.model.get_input_embeddings() or subject.model  # called once a pass, however answers are decoded
    handle = reader.register_forward_pre_hook(lambda *_: marks.append(meter.now()))
    began = meter.now()
    read: list[tuple[float, float]] = []
    token: list[tuple[float, float]] = []
    held: list[tuple[float, float]] = []
    rows = 1
    try:
        subject.answer_ids(prompts[:1], WARM + 1)
        while True:
            some = prompts[:rows]
            longest = max(len(ids) for ids in some)
            marks.clear()
            with meter.peak() as peak:
                subject.answer_ids(some, SHORT)
                marks.append(meter.now())
            read.append((shape.products(rows * longest, longest, rows), marks[1] - marks[0]))
            token.append((rows, float(np.median(np.diff(marks[1:])))))
            held.append((shape.passing(rows * longest, longest, rows) + shape.cache(rows * longest), peak.more))
            grow = min(len(prompts), most, rows * GROW)
            if grow <= rows or (marks[-1] - marks[0]) * grow / rows > seconds - (meter.now() - began):
                break
            rows = grow
    finally:
        handle.remove()
        renderer.end_ids = ends
    reading = line(read)
    if len(token) == 1:  # a further row's products cost what a prompt's do, the rest comes once a step
        each = min(token[0][1], reading.each * shape.products(1, longest, 1))
        return Answered(reading, Line(token[0][1] - each, each), line(held))
    return Answered(reading, line(token), line(held))


class Read(NamedTuple):
    """Scoring: seconds by `Shape.products`, and bytes beyond those held before by `Shape.passing`."""

    seconds: Line
    memory: Line


def reading(model: Any, pairs: Sequence[tuple[Sequence[int], Sequence[int]]], shape: Shape, pad_id: int) -> Read:
    """Measure log-probabilities of some answers after their prompts."""
    points: list[tuple[float, float]] = []
    held: list[tuple[float, float]] = []
    scoring.completion_logprobs(model, pairs[:1], pad_id)  # finds out how the model takes rows
    for count in dict.fromkeys((1, min(SCORED, len(pairs)))):
        some = pairs[:count]
        batch = packing.layout_of(model).pack([Block(tuple(p), (tuple(a),)) for p, a in some], pad_id)
        sizes = batch.ids.numel(), batch.ids.shape[1], len(batch.places)
        with meter.peak() as peak:
            took = _timed(lambda some=some: scoring.completion_logprobs(model, some, pad_id))
        points.append((shape.products(*sizes), took))
        held.append((shape.passing(*sizes), peak.more))
    return Read(line(points), line(held))


def _timed(work: Callable[[], Any]) -> float:
    began = meter.now()
    work()
    return meter.now() - began
