"""Seconds and memory of a run: its work times what this machine needs for a unit of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from engine.run.costs.rehearsal import Rehearsal
from engine.run.costs.shape import Shape
from engine.run.costs.speed import Answered, Batch, Read, Trained
from engine.run.costs.work import Asked, AskedScores, Measured
from engine.subject import scoring
from engine.subject.decoding import KEPT
from engine.subject.local import BATCH_ROWS, BATCH_TOKENS, CACHE_BYTES

UNTAUGHT, TAUGHT = 10, 60
"""Steps of training up to which answers end no more often than the base's, and after which nearly all end."""
CHECKED = (4, 16)
"""Prompts and tokens of a run's own checks, which answer twice and read each prompt twice (`engine.run.checks`)."""
MAPPED = 32 << 20
"""Bytes from which a tensor is asked of the system rather than cut from what was freed
(`jobs.executors.local.ENVIRONMENT`)."""


class Stretch(NamedTuple):
    """A phase of a run: the kind of its steps, their number, its batches (some, in order), and its largest's sizes."""

    key: str
    steps: int
    batches: tuple[Batch, ...]
    widest: Batch


class Making(NamedTuple):
    """What rows are made of, and after how many steps of the run."""

    asks: Rehearsal
    step: int


@dataclass(frozen=True)
class Run:
    """The work of one run.

    Attributes:
        live: What each live measurement asks for; `points`: after how many steps; `full`: what the last one asks for.
        making: What the phases that make rows ask for, each time.
        checkpoints: How many are written.
        prompts: Tokens of the prompts that are measured, the longest first.
    """

    phases: tuple[Stretch, ...]
    live: Measured
    points: tuple[int, ...]
    full: Measured
    steps: int
    making: tuple[Making, ...]
    checkpoints: int
    prompts: tuple[int, ...]


@dataclass(frozen=True)
class Speeds:
    """What this machine was measured to need.

    Attributes:
        trained: By the kind of a phase; `base`: answers of the untouched base, `tuned`: with an adapter.
        held: Bytes that the process holds with model, data and adapter.
        lengths: Tokens of right answers.
        ended: Share of the base's answers that end by themselves.
        start: Seconds to attach an adapter and begin.
    """

    shape: Shape
    trained: dict[str, Trained]
    base: Answered | None
    tuned: Answered | None
    scored: Read
    held: int
    lengths: np.ndarray
    ended: float = 0.0
    start: float = 0.0


class Seconds(NamedTuple):
    """The seconds expected, and their bounds: every answer as short as a right one, or as long as it may be."""

    expected: float
    low: float
    high: float


def seconds(run: Run, speeds: Speeds) -> Seconds:
    """Wall time of a run that is forked from a process which has loaded the model and measured the base."""
    expected, low, high = (_seconds(run, speeds, way) for way in ("expected", "low", "high"))
    return Seconds(expected, min(expected, low), max(expected, high))


def memory(run: Run, speeds: Speeds) -> int:
    """Bytes that the run's process holds at its peak, those included that the trial of precision left behind."""
    trained = max((_trained_bytes(phase.widest, phase.key, speeds) for phase in run.phases), default=0.0)
    tried = max((_tried_bytes(phase, speeds) for phase in run.phases), default=0.0)
    answered, apart = _measured_bytes(run, speeds)
    most = max(trained, tried)
    return int(speeds.held + (most + answered if apart else max(most, answered) + min(most, answered) / 2))


def _trained_bytes(batch: Batch, key: str, speeds: Speeds) -> float:
    """Bytes that a step needs. They are freed, but kept by the process in pieces."""
    done = speeds.trained[key]
    return done.memory.at(speeds.shape.activations(*batch, done.half))


def _tried_bytes(phase: Stretch, speeds: Speeds) -> float:
    """Bytes that the trial of precision needs: a step in float32, where both precisions are tried."""
    done = speeds.trained[phase.key]
    if not done.half:
        return 0.0
    return done.memory.at(speeds.shape.activations(*phase.widest, half=False))


def _measured_bytes(run: Run, speeds: Speeds) -> tuple[float, bool]:
    """Bytes that the run's largest batch of answers or scores needs, and whether training leaves it no room.

    What training frees stays with the process, and small tensors fit into it; large ones are asked of the system.
    """
    asked = [*run.live.asked, *run.full.asked, *(one for made in run.making for one in made.asks.most)]
    scored = [*run.live.scored, *run.full.scored, *(one for made in run.making for one in made.asks.scored)]
    found = [_asked_bytes(one, speeds) for one in asked] + [_scored_bytes(one, speeds) for one in scored]
    most, largest = max(found, default=(0.0, 0.0))
    return most, largest >= MAPPED


def measurement(what: Measured, speeds: Speeds, answers: Answered | None, ended: float) -> float:
    """Seconds of one measurement with all probes, where that share of answers end by themselves."""
    took = sum(_score(one, speeds) for one in what.scored)
    return took + (sum(_answer(one, speeds, answers, ended) for one in what.asked) if answers else 0.0)


def _seconds(run: Run, speeds: Speeds, way: str) -> float:
    def ended(steps: int) -> float:
        if way != "expected":
            return float(way == "low")
        taught = float(np.clip((steps - UNTAUGHT) / (TAUGHT - UNTAUGHT), 0, 1))
        return speeds.ended + (1 - speeds.ended) * taught

    answers = speeds.tuned if run.phases else speeds.base
    took = speeds.start if run.phases else 0.0
    for phase in run.phases:
        done = speeds.trained[phase.key]
        mean = float(np.mean([done.step.at(speeds.shape.products(*batch)) for batch in phase.batches]))
        took += done.ready + phase.steps * mean
    took += run.checkpoints * max((done.save for done in speeds.trained.values()), default=0.0)
    took += sum(measurement(run.live, speeds, answers, ended(step)) for step in run.points)
    took += measurement(run.full, speeds, answers, ended(run.steps))
    for asks, step in run.making:
        least = sum(_answer(one, speeds, answers, ended(step)) for one in asks.least)
        most = sum(_answer(one, speeds, answers, ended(step)) for one in asks.most)
        took += {"low": least, "high": most}.get(way, float(np.sqrt(least * most)))
        took += ended(step) * sum(_score(one, speeds) for one in asks.scored)  # of what did not end there is no row
    return took + _checks(run, speeds, answers)


def _checks(run: Run, speeds: Speeds, answers: Answered | None) -> float:
    count, tokens = CHECKED
    prompts = run.prompts[:count]
    twice = 2 * _answer(Asked(prompts, tokens), speeds, answers, 0.0) if answers else 0.0
    reads = 2 * sum(_score(AskedScores(((size, (1,)),)), speeds) for size in prompts) if run.phases else 0.0
    return twice + reads


def _batches(asked: Asked, shape: Shape) -> list[tuple[int, int]]:
    """Prompts and tokens of the longest one, of each batch that `engine.subject.local` makes."""
    longest = max(asked.prompts, default=0) + asked.limit
    rows = min(BATCH_ROWS, int(CACHE_BYTES // max(1.0, shape.cache(longest))))
    made = scoring.batches(asked.prompts, BATCH_TOKENS, max(1, rows // asked.each))
    return [(len(batch), asked.prompts[batch[0]]) for batch in made]


def _answer(asked: Asked, speeds: Speeds, answers: Answered | None, ended: float) -> float:
    if answers is None:
        return 0.0
    at = np.arange(1, max(2, asked.limit))
    lasting = (speeds.lengths[None, :] >= at[:, None]).mean(axis=1)  # share of right answers that go on
    took = 0.0
    for prompts, longest in _batches(asked, speeds.shape):
        rows = prompts * asked.each
        took += answers.prompt.at(speeds.shape.products(prompts * longest, longest, prompts))
        alive = rows * ((1 - ended) + ended * lasting)
        alive = alive[alive >= min(0.5, rows / 2)]
        carried = np.minimum(rows, alive * (1 + 1 / KEPT) / 2)
        took += float(sum(answers.token.at(n) for n in carried))
    return took


def _asked_bytes(asked: Asked, speeds: Speeds) -> tuple[float, float]:
    """Bytes that answers need at their peak, and those of their largest tensor."""
    answers, shape = speeds.tuned or speeds.base, speeds.shape
    found = (0.0, 0.0)
    if answers is None:
        return found
    for prompts, longest in _batches(asked, shape):
        cache = shape.cache(prompts * asked.each * (longest + asked.limit))
        reading = answers.memory.at(shape.passing(prompts * longest, longest, prompts) + shape.cache(prompts * longest))
        widest = 4 * prompts * longest * max(shape.inner, shape.heads * longest)
        found = max(found, (max(reading, 2 * cache), widest))  # a cache that grows is copied
    return found


def _score(scored: AskedScores, speeds: Speeds) -> float:
    return sum(speeds.scored.seconds.at(speeds.shape.products(*batch)) for batch in _scored_batches(scored))


def _scored_bytes(scored: AskedScores, speeds: Speeds) -> tuple[float, float]:
    """Bytes that scores need at their peak, and those of their largest tensor."""
    shape = speeds.shape
    found = (0.0, 0.0)
    for batch in _scored_batches(scored):
        widest = 4 * max(batch.scored * shape.words, batch.tokens * max(shape.inner, shape.heads * batch.length))
        found = max(found, (speeds.scored.memory.at(shape.passing(*batch)), float(widest)))
    return found


def _scored_batches(scored: AskedScores) -> list[Batch]:
    sizes = [prompt + sum(answers) for prompt, answers in scored.blocks]
    found = []
    for batch in scoring.batches(sizes, scoring.BATCH_TOKENS, scoring.BATCH_ROWS):
        tokens = sum(sizes[at] for at in batch)
        found.append(Batch(tokens, sizes[batch[0]], sum(sum(scored.blocks[at][1]) for at in batch)))
    return found


def smaller(run: Run, speeds: Speeds, batch_size: int) -> dict[int, int]:
    """Bytes at the peak of the run with half its batch size, a quarter, and so on; empty where nothing is trained."""
    found: dict[int, int] = {}
    size = batch_size // 2
    while run.phases and size >= 1:
        scaled = replace(run, phases=tuple(_scaled(phase, size / batch_size) for phase in run.phases))
        found[size] = memory(scaled, speeds)
        size //= 2
    return found


def _scaled(phase: Stretch, share: float) -> Stretch:
    tokens, length, scored = phase.widest
    return phase._replace(widest=Batch(int(tokens * share), length, int(scored * share)))
