"""What a bundled model can do after a short fine-tune: LoRA by `engine.run.execute`, then measured."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from engine.methods import method_class, settings_of
from engine.pretraining.competence.measure import AFTER, Row, correct, named, readable, room, share
from engine.pretraining.competence.untuned import Say
from engine.spec.example import Item, StudyData
from engine.spec.reference import DataRef, ModelRef
from engine.spec.run import Need, RunSpec, Sample, Size, TuneSpec, Use, digest
from engine.world import VERSION
from engine.world.tasks import task as task_named
from engine.world.tasks._base import Task, by_split, chance

if TYPE_CHECKING:
    from engine.subject.local import LocalSubject

TUNED_ON = ("calling", "chains", "relations")
METHOD = "sft"
BATCH = 16
_SAMPLING_SEED = 0

Figures = dict[str, tuple[float, list[bool]]]  # what -> (by guessing, right or not of each item)


@dataclass(frozen=True)
class Tuning:
    """How much is tuned and measured.

    Attributes:
        steps: Optimizer steps of each fine-tune, with a new example for every place of every batch.
        seeds: Fine-tunes of each task; shares are means over them.
        items: Items per split.
    """

    steps: int = 120
    seeds: int = 1
    items: int = 300


def rows(ref: ModelRef, tuning: Tuning, say: Say, names: Sequence[str] = TUNED_ON) -> Iterator[Row]:
    """Every row after tuning, beside the same figure of the untuned model."""
    from engine.models import load
    from engine.subject.local import LocalSubject

    for name in names:
        task = task_named(name)
        items = list(task.items(tuning.items))
        say(f"{name}, untuned")
        before = measure(LocalSubject(*load(ref, device())), task, items)
        after: list[Figures] = []
        for seed in range(tuning.seeds):
            say(f"{name}, {tuning.steps} steps of SFT, seed {seed}")
            after.append(_tuned(ref, task, items, tuning, seed))
        for what, (guessed, untuned) in before.items():
            right = [sum(one) / len(after) for one in zip(*(figures[what][1] for figures in after), strict=True)]
            yield share(AFTER, what, right, guessed, untuned)


def measure(subject: LocalSubject, task: Task, items: Sequence[Item]) -> Figures:
    """Greedy answers split by split; of calls also whether their JSON can be read, greedy and sampled."""
    longest = room(subject, task)
    answers = subject.generate([i.prompt for i in items], longest)
    said = {item.id: answer.text for item, answer in zip(items, answers, strict=True)}
    found: Figures = {}
    asked = [i for i in items if i.gold.calls]
    if asked:
        sampled = subject.sample([i.prompt for i in asked], 1, 1.0, _SAMPLING_SEED, longest)
        found[f"{task.name}: call can be read, greedy"] = (0.0, readable([said[i.id] for i in asked]))
        found[f"{task.name}: call can be read, sampled at temperature 1"] = (
            0.0,
            readable([answers[0].text for answers in sampled]),
        )
    for split, chosen in by_split(items).items():
        found[named(task, split)] = (chance(chosen), correct(chosen, [said[i.id] for i in chosen]))
    return found


def _tuned(ref: ModelRef, task: Task, items: Sequence[Item], tuning: Tuning, seed: int) -> Figures:
    size = tuning.steps * BATCH
    train, name = tuple(task.examples(size)), digest([task.name, VERSION, size])
    data = StudyData(train=train, items=tuple(items), name=f"world.{task.name}", digest=name)
    with fine_tuned(ref, data, tuning.steps, seed) as subject:
        return measure(subject, task, items)


@contextmanager
def fine_tuned(
    ref: ModelRef,
    data: StudyData,
    steps: int,
    seed: int,
    agreement: float | None = None,
    rate: float | None = None,
    name: str = METHOD,
) -> Iterator[LocalSubject]:
    """A model after one run of a method that tunes, every place of every batch a new example.

    Args:
        data: What it is tuned on; nothing is measured.
        agreement: Of the shortcut with the answer, as in `engine.spec.study.ArmSpec`; None: as the data are.
        rate: The learning rate; None: the method's own.
        name: The method's.
    """
    from engine.run import execute, needs

    given = {} if rate is None else {"learning_rate": rate}
    method = method_class(name)(method_class(name).Config.model_validate(given))
    tune = TuneSpec(
        method=Use(name=name, settings=settings_of(method.config)), adaptation=method.adaptation(),
        objectives=tuple(phase.objective for phase in method.phases()), agreement=agreement, model=ref, seed=seed,
        data=DataRef(source=data.name, digest=data.digest),
        size=Size(steps=steps, batch_size=BATCH, train_examples=steps * BATCH),
    )  # fmt: skip
    spec = RunSpec(
        study="competence", arm=name, tune=tune, probes=(), sample=Sample(items=1, live_every=steps),
        checkpoint_every=steps,
    )  # fmt: skip
    loaders = execute.Loaders(data=lambda _: data)
    with TemporaryDirectory() as made:
        kept = Path(made) / "weights"
        execute.execute(spec, Path(made) / "run", threading.Event(), loaders, kept=kept)
        needed = needs.load(Need(weights=tune.hash, of=METHOD), loaders, kept, device())
        with needed.measured:
            yield needed.subject


def device() -> str:
    """Where models are measured, as in `engine.run.execute`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
