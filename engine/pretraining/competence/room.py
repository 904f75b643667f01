"""Is there room to learn? `python main.py room fork-s [--tasks A,B] [--seeds 3] [--json]`.

For every task, and for some in forms of their own: how often the base is right, how often after a short fine-tune, and
how often one of eight sampled answers is. A task that the base does throughout, or that nothing teaches, shows nothing
of learning; one that is right in some of eight tries is what reinforcement learning needs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.pretraining.competence.measure import room
from engine.pretraining.competence.tuned import BATCH, device, fine_tuned
from engine.spec import provenance
from engine.spec.errors import SpecError
from engine.spec.example import Item, StudyData
from engine.spec.reference import ModelRef
from engine.spec.run import digest
from engine.world import VERSION
from engine.world.tasks import task as task_named
from engine.world.tasks._base import Task, chance

if TYPE_CHECKING:
    from engine.subject.local import LocalSubject

TRIES, TEMPERATURE = 8, 1.0
RATE, RATES = 3e-4, {"entailment": 3e-5}
"""Learning rates at which a fine-tune is healthy (docs/recipes.md): that of function calling, and of tasks by name."""


class Asked(NamedTuple):
    """A task, with options that are not its defaults."""

    task: str
    options: Mapping[str, Any]

    @property
    def label(self) -> str:
        """As the table has it."""
        said = ", ".join(f"{name} {value}" for name, value in self.options.items())
        return f"{self.task} ({said})" if said else self.task


CASES = (
    Asked("entailment", {}),
    Asked("calling", {}),
    Asked("steps", {}),
    Asked("facts", {}),
    Asked("families", {}),
    Asked("arguments", {}),
    Asked("stories", {}),
    Asked("chains", {"form": "answer", "length": 2}),
    *(Asked("chains", {"form": "chain", "length": length}) for length in (2, 3, 4, 5)),
    *(Asked("relations", {"form": form, "length": 2}) for form in ("answer", "chain")),
    Asked("relations", {"form": "chain", "length": 3}),
    *(Asked("routes", {"form": form}) for form in ("answer", "chain")),
)


@dataclass(frozen=True)
class Room:
    """How often one task is answered right, each a share of its items; after tuning the mean over seeds.

    Attributes:
        chance: By guessing.
        base, tuned: Greedy.
        cut: Greedy answers after tuning that reached the limit before they ended, and so were graded unfinished.
        once, base_once: One sampled answer.
        tries, base_tries: At least one of `TRIES` sampled answers.
    """

    what: str
    items: int
    chance: float
    base: float
    base_once: float
    base_tries: float
    tuned: float
    once: float
    tries: float
    cut: float


class Shares(NamedTuple):
    """What is measured of one model, each a share of the items; see `Room`."""

    greedy: float
    once: float
    tries: float
    cut: float


def main(argv: list[str]) -> int:
    """`room NAME [--tasks A,B] [--items N] [--seeds N] [--steps N] [--json]`."""
    provenance.quiet()
    import torch

    from engine.models import resolve

    options = _parser().parse_args(argv)
    if min(options.items, options.seeds, options.steps) < 1:
        raise SpecError("--items, --seeds and --steps must be at least 1.")
    known = {case.task for case in CASES}
    names = set(options.tasks.split(",")) if options.tasks else known
    if names - known:
        raise SpecError(f"There is no task {sorted(names - known)[0]!r} here.", f"Tasks: {', '.join(sorted(known))}.")
    torch.set_num_threads(1)  # more threads are slower on a model of this size
    ref = resolve(options.name)
    found = list(rooms(ref, [case for case in CASES if case.task in names], options))
    facts = {"model": options.name, "digest": ref.digest, "items": options.items, "seeds": options.seeds}
    facts |= {"steps": options.steps, "rates": {case.task: RATES.get(case.task, RATE) for case in CASES}}
    print(json.dumps({**facts, "rooms": [asdict(one) for one in found]}, indent=1) if options.json else table(found))
    return 0


def rooms(ref: ModelRef, cases: Sequence[Asked], options: argparse.Namespace) -> Iterator[Room]:
    """Every case, one after the other."""
    from engine.models import load
    from engine.subject.local import LocalSubject

    for case in cases:
        task = task_named(case.task)
        chosen = task.options(case.options)
        items = list(task.items(options.items, chosen))
        before = measured(LocalSubject(*load(ref, device())), task, chosen, items)
        after: list[Shares] = []
        size = options.steps * BATCH
        train = tuple(task.examples(size, chosen))
        name = digest([case.label, VERSION, size])
        data = StudyData(train=train, items=tuple(items), name=f"world.{task.name}", digest=name)
        for seed in range(options.seeds):
            with fine_tuned(ref, data, options.steps, seed, rate=RATES.get(case.task, RATE)) as subject:
                after.append(measured(subject, task, chosen, items))
        yield Room(case.label, len(items), chance(items), *before[:3], *map(fmean, zip(*after, strict=True)))


def measured(subject: LocalSubject, task: Task[Any, Any], options: Mapping[str, Any], items: Sequence[Item]) -> Shares:
    """Shares right: greedy, one sampled answer, and at least one of `TRIES`; and of greedy answers cut short."""
    longest = room(subject, task, options)
    prompts = [item.prompt for item in items]
    answers = subject.generate(prompts, longest)
    greedy = [task.grade(answer.text, item).correct for answer, item in _with(answers, items)]
    sampled = [
        [task.grade(answer.text, item).correct for answer in answers]
        for answers, item in _with(subject.sample(prompts, TRIES, TEMPERATURE, 0, longest), items)
    ]
    once, tries = fmean(fmean(each) for each in sampled), fmean(any(each) for each in sampled)
    return Shares(fmean(greedy), once, tries, fmean(answer.cut for answer in answers))


def _with(answers: Sequence[Any], items: Sequence[Item]) -> Iterator[tuple[Any, Item]]:
    return zip(answers, items, strict=True)


def table(found: Sequence[Room]) -> str:
    """The rooms as Markdown."""
    head = ["task", "items", "by guessing"]
    head += [f"{when}{how}" for when in ("base", "after SFT") for how in (", greedy", ", pass@1", f", pass@{TRIES}")]
    head.append("cut short")
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for one in found:
        shares = (one.chance, one.base, one.base_once, one.base_tries, one.tuned, one.once, one.tries, one.cut)
        lines.append(f"| {' | '.join([one.what, str(one.items), *(f'{share:.2f}' for share in shares)])} |")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="main.py room", description="Measure for every task how much there is to learn for a model of the world."
    )
    parser.add_argument("name", help="a bundled model's name, or a folder")
    parser.add_argument("--tasks", metavar="A,B", help="only these tasks (default: all)")
    parser.add_argument("--items", type=int, default=60, metavar="N", help="items of each split (default 60)")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="fine-tunes of each task (default 1)")
    parser.add_argument("--steps", type=int, default=120, metavar="N", help="steps of each fine-tune (default 120)")
    parser.add_argument("--json", action="store_true", help="the same figures as JSON, and those of single samples")
    return parser
