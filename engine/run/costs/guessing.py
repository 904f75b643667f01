"""What the runs of a trial cost where the model is too large to be tried: worked out from its shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from engine.run.costs import meter
from engine.run.costs.arms import Arm, Phase, run_of
from engine.run.costs.estimate import Speeds
from engine.run.costs.shape import Shape
from engine.run.costs.speed import Answered, Batch, Line, Read, Trained
from engine.run.costs.totals import (
    Measured,
    answer_lengths,
    base_seconds,
    cost_of,
    prompts_of,
    together,
)
from engine.subject.forward import kernels
from engine.subject.rendering import Renderer

LIBRARIES = 600 << 20  # bytes: an interpreter with the training libraries
HALF = 3.0  # bfloat16 products in the time of one of float32, where the hardware multiplies it


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
    speeds = Speeds(shape, trained, answers, answers, Read(read, Line(0.0, 1.0)), held, answer_lengths(arms))
    sizes = tuple(len(ids) for ids in prompts_of(arms, renderer, renderer.context))
    basis = "worked out from the model's shape, for it is too large to be tried here"
    found = [cost_of(made, run_of(made, sizes, _padded), speeds, basis, beside) for made in arms]
    return Measured(together(arms, found), base_seconds(arms, speeds, answers))


def weights(shape: Shape) -> int:
    """Bytes that a process holds once the model is loaded, copies in half precision included."""
    return LIBRARIES + shape.parameters * (6 if kernels.has_bfloat16("cpu") else 4)


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
