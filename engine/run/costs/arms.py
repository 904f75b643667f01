"""The work of each arm's runs, drawn up as the recipe would do it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

from engine import models
from engine.methods import method_class
from engine.methods._base import Method, Objective
from engine.probes import probe_class
from engine.probes._base import Probe
from engine.run.costs.estimate import Run, Stretch
from engine.run.costs.speed import Batch
from engine.run.costs.work import AskedScores, Measured, Taught, measured, taught
from engine.spec.example import Example, Item, StudyData
from engine.spec.plugin import configured
from engine.spec.run import RunSpec
from engine.spec.trial import TrialSpec
from engine.subject.limits import Limits
from engine.subject.rendering import Encoded, Renderer
from engine.tuning import draw
from engine.tuning.loop import stretches_of

SELF = "self"  # the policy as its own teacher (`engine.teachers`)
LOOKED_AT = 16  # batches of a phase whose sizes are taken

Pack = Callable[[Objective, Sequence[Any]], Batch]


class Drawn(NamedTuple):
    """A phase's rows, and its batches as places in them, the one with the most tokens first."""

    rows: Sequence[Any]
    batches: list[list[int]]


@dataclass(frozen=True)
class Arm:
    """An arm's first run.

    Attributes:
        phases: Each phase's objective, its steps and what it reads, in order.
        taught: What a phase of preferences asks of its teacher, with the steps before it; None where there is none.
        teacher: Bytes of the weights of a teacher that is another model.
    """

    spec: RunSpec
    method: Method
    encoded: Sequence[Encoded]
    phases: tuple[tuple[Objective, int, Drawn], ...]
    taught: tuple[Taught, int] | None
    teacher: int = 0


@dataclass(frozen=True)
class Probing:
    """What is measured with all probes: on the live sample, and on the full set."""

    live: Measured
    full: Measured
    items: dict[str, list[Item]]

    @property
    def prompts(self) -> list[Any]:
        """All prompts that are measured."""
        return [item.prompt for some in self.items.values() for item in some]


def probing(trial: TrialSpec, data: StudyData, renderer: Renderer, limits: Limits) -> Probing:
    """What the trial's probes ask of a model."""
    probes: list[Probe] = [
        configured(probe_class(p.probe), p.settings, f"probe {p.probe!r}") for p in trial.study.probes
    ]
    sizes = trial.settings
    items = {p.name: p.items(data, sizes.items) for p in probes}
    live = {p.name: p.live_items(data, sizes.live_items) for p in probes if p.live and sizes.live_items}
    return Probing(measured(probes, live, renderer, limits), measured(probes, items, renderer, limits), items)


def arm(
    spec: RunSpec, data: StudyData, renderer: Renderer, limits: Limits, encode: Callable[[Example], Encoded]
) -> Arm:
    """What a run reads: its examples, its batches, and pairs as long as those that a phase of preferences will have."""
    method: Method = configured(method_class(spec.method), spec.settings, f"arm {spec.arm!r}")
    if not method.trains:
        return Arm(spec, method, (), (), None)
    chosen = draw.choose(data.train, spec.scale.train_examples, spec.agreement, spec.seed)
    examples = method.treat(chosen, Random(f"{spec.seed}:treat"))
    encoded = [encode(example) for example in examples]
    asking, teacher = _asking(method)
    phases, pairs = [], None
    for stretch in stretches_of(method, spec.scale.steps):
        rows: Sequence[Any] = encoded
        if stretch.phase.objective is Objective.DPO:
            pairs = taught(asking, examples, data.train, renderer, limits), stretch.first
            rows = pairs[0].rows
        if rows:
            phases.append((stretch.phase.objective, stretch.steps, _drawn(rows, spec, stretch)))
    return Arm(spec, method, encoded, tuple(phases), pairs, teacher)


def _asking(method: Method) -> tuple[Method, int]:
    """The method with itself as teacher, so that nothing is really sampled, and the bytes of its teacher's weights."""
    name = getattr(method.config, "teacher", SELF)
    if name == SELF:
        return method, 0
    config = method.config.model_copy(update={"teacher": SELF})
    return type(method)(config), 4 * models.resolve(name).parameters


def _drawn(rows: Sequence[Any], spec: RunSpec, stretch: Any) -> Drawn:
    batches = draw.order(len(rows), spec.scale.batch_size, stretch.steps, spec.seed, f"order-{stretch.index}")
    return Drawn(rows, sorted(batches, key=lambda batch: -sum(size_of(rows[at]) for at in batch)))


def size_of(row: Any) -> int:
    """Tokens of a row: its prompt and its answers."""
    return len(row.prompt) + len(row.completion) + len(getattr(row, "rejected", ()))


def run_of(made: Arm, probed: Probing, prompts: tuple[int, ...], pack: Pack) -> Run:
    """The work of an arm's run, with its batches packed as training packs them."""
    sizes, steps = made.spec.scale, made.spec.scale.steps
    stretches = []
    for objective, count, drawn in made.phases:
        every = max(1, len(drawn.batches) // LOOKED_AT)
        packed = [pack(objective, [drawn.rows[at] for at in batch]) for batch in drawn.batches[::every]]
        stretches.append(Stretch(objective, count, tuple(packed), packed[0]))
    points = tuple(range(sizes.live_every, steps, sizes.live_every)) if stretches else ()
    pairs = made.taught[0].rows if made.taught else ()
    return Run(
        phases=tuple(stretches),
        live=probed.live,
        points=points,
        full=probed.full,
        steps=steps if stretches else 0,
        taught=made.taught,
        referred=AskedScores(tuple((len(r.prompt), (len(r.completion), len(r.rejected))) for r in pairs)),
        checkpoints=sum(-(-count // sizes.checkpoint_every) for _, count, _ in made.phases),
        prompts=prompts,
    )


def by_objective(arms: Iterable[Arm]) -> dict[Objective, tuple[Arm, Drawn]]:
    """For each objective of the arms one arm and what it reads: the one with the largest batch."""
    found: dict[Objective, tuple[Arm, Drawn]] = {}
    for made in arms:
        for objective, _, drawn in made.phases:
            if objective not in found or _largest(drawn) > _largest(found[objective][1]):
                found[objective] = made, drawn
    return found


def _largest(drawn: Drawn) -> int:
    return sum(size_of(drawn.rows[at]) for at in drawn.batches[0])
