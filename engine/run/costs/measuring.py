"""What the runs of a trial cost here: each kind of work is tried for a few seconds, the rest is arithmetic."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from engine.run.costs import meter, speed
from engine.run.costs.arms import Arm, Phase, run_of
from engine.run.costs.estimate import Speeds
from engine.run.costs.shape import Shape
from engine.run.costs.speed import Answered, Batch
from engine.run.costs.totals import (
    Measured,
    answer_lengths,
    base_seconds,
    cost_of,
    longest_answer,
    prompts_of,
    together,
)
from engine.run.costs.trying import ANSWERING, Trial, answers_of
from engine.spec import stopping
from engine.spec.understanding import Cost
from engine.subject.local import LocalSubject
from engine.subject.rendering import Renderer

FOLLOWING = 1.0  # seconds that answers may take that are followed to their end
FOLLOWED = 4  # answers of the base that are followed
TRIED = "measured on this machine"


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
    lengths, limit = answer_lengths(arms), longest_answer(arms)
    room = max(1, renderer.context - max(limit, speed.SHORT, speed.WARM + 1))  # as prompts are cut in a run
    prompts = prompts_of(arms, renderer, room)
    subject = LocalSubject(model, tokenizer, stop, renderer)
    base = answers_of(subject, prompts, limit, shape, ANSWERING)
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
            tried = Trial(model, tokenizer, renderer, shape, held, Path(folder), stop).of(some, prompts, limit, base)
            deciding = max(deciding, tried.deciding)
            speeds = Speeds(shape, tried.trained, base, tried.tuned, scored, held, lengths, ended, tried.start)
            found += [
                cost_of(made, run_of(made, tried.sizes, tried.pack), speeds, TRIED, beside) for made in tried.arms
            ]
    plain = Speeds(shape, {}, base, base, scored, held, lengths, ended)
    untrained = [made for made in arms if not made.adaptation]
    found += [cost_of(made, run_of(made, sizes, _no_pack), plain, TRIED, beside) for made in untrained]
    return Measured(together(arms, found), deciding + base_seconds(arms, plain, base))


def _no_pack(phase: Phase, rows: Sequence[Any]) -> Batch:
    raise TypeError("nothing is trained")


def _ended(subject: LocalSubject, prompts: Sequence[tuple[int, ...]], limit: int, answers: Answered | None) -> float:
    """Share of the base's answers that end by themselves; 0 where following some to their end would take too long."""
    some = prompts[:: max(1, len(prompts) // FOLLOWED)][:FOLLOWED]
    if answers is None or not some or answers.token.at(len(some)) * limit > FOLLOWING:
        return 0.0
    return float(np.mean([len(ids) < limit for ids in subject.answer_ids(some, limit)]))


def _pairs(arms: Sequence[Arm], prompts: Sequence[tuple[int, ...]]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    encoded = next((made.encoded for made in arms if made.encoded), ())
    pairs = [(e.prompt, e.completion) for e in encoded[:8]]
    return pairs or [(ids[:-1], ids[-1:]) for ids in prompts[:8] if len(ids) > 1] or [((0,), (0, 0))]
