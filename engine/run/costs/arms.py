"""The work of each arm's runs, drawn up as a run would do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from engine import methods, objectives
from engine.methods import Method, method_class
from engine.objectives import Objective
from engine.objectives._trainer import Pace
from engine.probes import Probe, probe_class
from engine.run.costs import rehearsal
from engine.run.costs.estimate import Making, Run, Stretch
from engine.run.costs.rehearsal import Unknown
from engine.run.costs.speed import Batch
from engine.run.costs.work import Measured
from engine.spec.example import Example, Item, StudyData
from engine.spec.plugins.discovery import configured
from engine.spec.run import RunSpec, Use, digest
from engine.subject.limits import Limits
from engine.subject.protocol import Subject
from engine.subject.rendering import Encoded, Renderer
from engine.tuning import draw
from engine.tuning.loop import Stretch as Planned
from engine.tuning.loop import pace_of, stretches_of

LOOKED_AT = 16  # batches of a phase whose sizes are taken


class Drawn(NamedTuple):
    """A phase's rows, and its batches as places in them, the one with the most tokens first."""

    rows: Sequence[Any]
    batches: list[list[int]]


@dataclass(frozen=True)
class Phase:
    """A stretch of training.

    Attributes:
        key: The same for phases whose steps cost the same: their objective with its settings.
        making: What its rows are made of, as often as they are made.
    """

    key: str
    objective: Objective[Any]
    pace: Pace
    steps: int
    drawn: Drawn
    making: tuple[Making, ...]


Pack = Callable[[Phase, Sequence[Any]], Batch]


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


@dataclass(frozen=True)
class Arm:
    """An arm's first run.

    Attributes:
        phases: What it is trained with, in order.
        probed: What it is measured by.
        unknown: Why its costs cannot be told, in words; "" where they can. Nothing else of it is to be read then.
    """

    spec: RunSpec
    method: Method[Any]
    encoded: Sequence[Encoded] = ()
    phases: tuple[Phase, ...] = ()
    probed: Probing | None = None
    unknown: str = ""

    @property
    def adaptation(self) -> str:
        """The same for arms whose weights are trained and measured in the same way; "" where nothing is trained."""
        return key_of(self.spec.tune.adaptation) if self.spec.tune.adaptation else ""


def arm(
    spec: RunSpec, data: StudyData, renderer: Renderer, limits: Limits, encode: Callable[[Example], Encoded]
) -> Arm:
    """What a run reads and asks for, with rows as long as those that its objectives will make."""
    tune = spec.tune
    method: Method[Any] = configured(method_class(tune.method.name), tune.method.settings, f"arm {spec.arm!r}")
    made = Arm(spec, method)
    examples: Sequence[Example] = ()
    if method.trains or method.shows:
        chosen = draw.choose(data.train, tune.size.train_examples, tune.agreement, spec.seed)
        examples = method.treat(chosen, Random(f"{spec.seed}:treat"))
    try:
        made = replace(made, probed=_probing(spec, method, examples, data, renderer, limits))
        if not method.trains:
            return made
        encoded = [encode(example) for example in examples]
        fields = {"examples": examples, "encoded": encoded, "pool": data.train, "renderer": renderer}
        phases = tuple(
            _phase(spec, method, stretch, fields, limits) for stretch in stretches_of(method, tune.size.steps)
        )
        return replace(made, encoded=encoded, phases=phases)
    except Unknown as unknown:
        return replace(made, unknown=str(unknown))


def with_prefix(made: Arm, prefix: tuple[int, ...]) -> Arm:
    """The same arm with what its adaptation puts before every prompt."""
    if not prefix or made.probed is None:
        return made
    live, full = (one.longer(len(prefix)) for one in (made.probed.live, made.probed.full))
    phases = tuple(
        replace(
            phase,
            drawn=phase.drawn._replace(rows=rehearsal.after(prefix, phase.drawn.rows)),
            making=tuple(one._replace(asks=one.asks.after(prefix)) for one in phase.making),
        )
        for phase in made.phases
    )
    return replace(
        made,
        encoded=rehearsal.after(prefix, made.encoded),
        phases=phases,
        probed=replace(made.probed, live=live, full=full),
    )


def _probing(
    spec: RunSpec, method: Method[Any], examples: Sequence[Example], data: StudyData, renderer: Renderer,
    limits: Limits,
) -> Probing:  # fmt: skip
    """What the run's probes ask of who answers for its arm."""
    probes: list[Probe] = [configured(probe_class(p.name), p.settings, f"probe {p.name!r}") for p in spec.probes]
    items = {p.name: p.items(data, spec.sample.items) for p in probes}
    some = spec.sample.live_items
    live = {p.name: p.live_items(data, some) for p in probes if p.live and some}

    def answerer(subject: Subject, needs: Mapping[str, Subject]) -> Subject:
        return method.answerer(methods.Answering(subject, needs, examples, data.train, spec.seed))

    own = type(method).answerer is not Method.answerer
    answering = rehearsal.Answering(answerer, tuple(spec.tune.needs)) if own else None
    full = rehearsal.measured(probes, items, renderer, limits, answering)
    return Probing(rehearsal.measured(probes, live, renderer, limits, answering), full, items)


def _phase(spec: RunSpec, method: Method[Any], stretch: Planned, fields: Mapping[str, Any], limits: Limits) -> Phase:
    use = spec.tune.objectives[stretch.index]
    objective = objectives.objective(use)
    if objective.on_policy:
        raise Unknown(f"{objective.label!r} makes its batches while it trains")
    rows, making = fields["encoded"], ()
    if objective.makes_rows:
        with TemporaryDirectory(prefix="tuning-fork-") as folder:
            known = {"folder": Path(folder), "phase": stretch.index, "seed": spec.seed}
            kit = {**known, **fields, "batch_size": spec.tune.size.batch_size}
            found = rehearsal.rehearsed(objective, kit, tuple(spec.tune.needs), limits)
        rows = found.rows
        making = tuple(Making(found, stretch.first + at) for at in _beginnings(objective, stretch.steps))
    if not rows:
        raise Unknown(f"{objective.label!r} found nothing to learn from in a rehearsal")
    return Phase(
        key_of(use), objective, pace_of(method, stretch.phase), stretch.steps, _drawn(rows, objective, spec, stretch),
        making,
    )  # fmt: skip


def _beginnings(objective: Objective[Any], steps: int) -> range:
    """The steps of a phase at which its rows are made."""
    return range(0, steps, objective.chunk or steps)


def key_of(use: Use) -> str:
    """The same for two uses that do the same."""
    return f"{use.name} {digest(use.model_dump(mode='json'))[:8]}"


def _drawn(rows: Sequence[Any], objective: Objective[Any], spec: RunSpec, stretch: Planned) -> Drawn:
    size = spec.tune.size
    batches = draw.order(len(rows), size.batch_size, stretch.steps, spec.seed, f"order-{stretch.index}")
    tokens = [objective.block(row).size for row in rows]
    return Drawn(rows, sorted(batches, key=lambda batch: -sum(tokens[at] for at in batch)))


def run_of(made: Arm, prompts: tuple[int, ...], pack: Pack) -> Run:
    """The work of an arm's run, with its batches packed as training packs them."""
    spec, probed = made.spec, made.probed or Probing(Measured(), Measured(), {})
    stretches = []
    for phase in made.phases:
        drawn = phase.drawn
        every = max(1, len(drawn.batches) // LOOKED_AT)
        packed = [pack(phase, [drawn.rows[at] for at in batch]) for batch in drawn.batches[::every]]
        stretches.append(Stretch(phase.key, phase.steps, tuple(packed), packed[0]))
    steps, live_every = spec.tune.size.steps if stretches else 0, spec.sample.live_every
    return Run(
        phases=tuple(stretches),
        live=probed.live,
        points=tuple(range(live_every, steps, live_every)),
        full=probed.full,
        steps=steps,
        making=tuple(making for phase in made.phases for making in phase.making),
        checkpoints=sum(-(-phase.steps // spec.checkpoint_every) for phase in made.phases),
        prompts=prompts,
    )


def by_objective(arms: Sequence[Arm]) -> dict[str, tuple[Arm, Phase]]:
    """For each kind of phase the one with the largest batch, and its arm."""
    found: dict[str, tuple[Arm, Phase]] = {}
    for made in arms:
        for phase in made.phases:
            if phase.key not in found or _largest(phase) > _largest(found[phase.key][1]):
                found[phase.key] = made, phase
    return found


def _largest(phase: Phase) -> int:
    drawn = phase.drawn
    return sum(phase.objective.block(drawn.rows[at]).size for at in drawn.batches[0])
