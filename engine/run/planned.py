"""The runs of a trial: what each trains, what it is measured by, and what it needs, all by content."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from engine import models
from engine.methods import Method, method_class, settings_of
from engine.probes import probe_class
from engine.run import sources
from engine.spec.errors import SpecError
from engine.spec.plugins.discovery import code_of, configured
from engine.spec.reference import ModelRef
from engine.spec.run import Need, RunSpec, Sample, Size, TuneSpec, Use, Wanted
from engine.spec.study import ArmSpec, ScaleSpec, StudySpec
from engine.spec.trial import TrialSpec


def runs_of(trial: TrialSpec) -> list[RunSpec]:
    """Every run, seed by seed, so that each seed's arms are complete as early as possible.

    An arm that does not depend on the seed is run once, at seed 0. An arm whose weights another one needs comes
    before it. Seeds that a look adds are all waited for before the next, so those runs come first which train for the
    most steps or in the most phases: slots then end together (longest first: Graham 1969, SIAM Journal on Applied
    Mathematics 17).

    Raises:
        SpecError: The trial is of an older recipe, or its arms need each other in a circle.
        LabError: A plug-in, a model or the data that a run needs cannot be had.
    """
    if trial.old:
        raise SpecError(
            "This trial was queued by an older version of the lab, which computed runs differently.",
            "What it measured is kept. Start the study anew to run it with this version.",
        )
    planner, there = _Planner(trial), planned(trial)
    arms = ordered(trial)
    runs = [planner.run(arm, seed) for seed in range(trial.seeds) for arm in arms if (arm, seed) in there]

    def key(run: RunSpec) -> tuple[int, int]:
        look = bisect_right(trial.looks, run.seed)
        return look, -run.tune.size.steps * len(run.tune.objectives) if look else 0

    return sorted(runs, key=key)


def with_uses(trial: TrialSpec, runs: Sequence[RunSpec]) -> TrialSpec:
    """The trial with what its runs use beside model and data: so that a plug-in's new version is another trial."""
    chosen = {ref.digest for ref in trial.models.values()}
    rule = trial.study.rule.name
    found = {f"rules/{rule}": code_of("rules", rule)}
    for run in runs:
        tune = run.tune
        found[f"methods/{tune.method.name}"] = tune.method.code
        if tune.adaptation is not None:
            found[f"adaptations/{tune.adaptation.name}"] = tune.adaptation.code
        found |= {f"objectives/{use.name}": use.code for use in tune.objectives}
        found |= {f"probes/{use.name}": use.code for use in run.probes}
        for need in (*tune.needs.values(), *run.needs.values()):
            if need.model is not None and need.model.digest not in chosen:
                found[f"models/{need.model.name}"] = need.model.digest
    return trial.model_copy(update={"uses": {name: code for name, code in sorted(found.items()) if code}})


def planned(trial: TrialSpec) -> frozenset[tuple[str, int]]:
    """The runs of a trial by arm and seed, of whatever recipe."""
    found: set[tuple[str, int]] = set()
    for name in trial.arms:
        arm = trial.study.arm(name)
        if trial.old:  # its settings may be none that the method has today, and it is read all the same
            arm = arm.model_copy(update={"settings": {}})
        seeds = min(arm.seeds or trial.seeds, trial.seeds) if method_of(arm).seeded else 1
        found |= {(name, seed) for seed in range(seeds)}
    return frozenset(found)


def method_of(arm: ArmSpec) -> Method[Any]:
    """An arm's method with its settings."""
    return configured(method_class(arm.method), arm.settings, f"arm {arm.name!r}")


def needed_arms(study: StudySpec, chosen: tuple[str, ...]) -> tuple[str, ...]:
    """The chosen arms and all whose weights they need, in the study's order. Raises SpecError in a circle."""
    found: set[str] = set()

    def add(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise SpecError(f"The arms {', '.join(above)} of {study.id!r} need each other's weights in a circle.")
        found.add(name)
        for wanted in _wanted(study, study.arm(name)).values():
            if wanted.arm:
                add(wanted.arm, (*above, name))

    for name in chosen:
        add(name, ())
    return tuple(arm.name for arm in study.arms if arm.name in found)


def ordered(trial: TrialSpec) -> list[str]:
    """The arms in the study's order, save that what an arm needs comes before it."""
    found: list[str] = []

    def add(name: str) -> None:
        if name in found:
            return
        for wanted in _wanted(trial.study, trial.study.arm(name)).values():
            if wanted.arm in trial.arms:
                add(wanted.arm)
        found.append(name)

    needed_arms(trial.study, trial.arms)  # refuses a circle
    for name in trial.arms:
        add(name)
    return found


def size_of(scale: ScaleSpec, arm: ArmSpec) -> Size:
    """How much a run of an arm is trained on."""
    steps, examples = (number * arm.longer for number in (scale.steps, scale.train_examples))
    return Size(steps=steps, batch_size=scale.batch_size, train_examples=examples)


def _wanted(study: StudySpec, arm: ArmSpec) -> dict[str, Wanted]:
    found = dict(method_of(arm).needs())
    for spec in study.probes:
        probe = configured(probe_class(spec.probe), spec.settings, f"probe {spec.probe!r}")
        found |= {f"{spec.probe}:{slot}": wanted for slot, wanted in probe.needs().items()}
    return found


class _Planner:
    """Makes the runs of one trial; what all of them share is found once."""

    def __init__(self, trial: TrialSpec) -> None:
        self.trial, self.study, self.scale = trial, trial.study, trial.settings
        self._models: dict[str, ModelRef] = {}
        self._codes: dict[tuple[str, str], str] = {}  # each file is read once: all runs are of one version
        self._methods = {name: method_of(self.study.arm(name)) for name in trial.arms}
        probes = [configured(probe_class(p.probe), p.settings, f"probe {p.probe!r}") for p in self.study.probes]
        self._probes = tuple(
            self._coded("probes", Use(name=probe.name, settings=probe.config.model_dump(mode="json")))
            for probe in probes
        )
        self._wanted = {f"{probe.name}:{slot}": one for probe in probes for slot, one in probe.needs().items()}

    def run(self, name: str, seed: int) -> RunSpec:
        """One arm at one seed."""
        sizes = self.scale
        return RunSpec(
            study=self.study.id,
            arm=name,
            tune=self.tune(name, seed),
            probes=self._probes,
            sample=Sample(items=sizes.items, live_items=sizes.live_items, live_every=sizes.live_every),
            needs={slot: self._need(wanted, seed) for slot, wanted in self._wanted.items()},
            checkpoint_every=sizes.checkpoint_every,
        )

    def tune(self, name: str, seed: int) -> TuneSpec:
        """What makes the weights of an arm at a seed."""
        arm = self.study.arm(name)
        method = self._methods[name]
        adaptation = method.adaptation()
        sizes = self.scale
        return TuneSpec(
            method=self._coded("methods", Use(name=arm.method, settings=settings_of(method.config))),
            adaptation=None if adaptation is None else self._coded("adaptations", adaptation),
            objectives=tuple(self._coded("objectives", phase.objective) for phase in method.phases()),
            data=sources.with_options(self.trial.data, arm.data),
            agreement=arm.agreement,
            model=self.trial.models[arm.model] if arm.model else self.trial.model,
            seed=seed if method.seeded else 0,
            size=size_of(sizes, arm),
            needs={slot: self._need(wanted, seed) for slot, wanted in method.needs().items()},
            recipe=self.trial.recipe,
        )

    def _need(self, wanted: Wanted, seed: int) -> Need:
        if wanted.arm:
            if wanted.arm not in self.trial.arms:
                raise SpecError(
                    f"An arm needs the weights of {wanted.arm!r}, which is not run.",
                    f"Choose the arm {wanted.arm!r} too.",
                )
            label = self.study.arm(wanted.arm).label
            return Need(weights=self.tune(wanted.arm, seed).hash, of=f"{label}, seed {seed}")
        if wanted.model in self.trial.models:
            return Need(model=self.trial.models[wanted.model])
        if wanted.model not in self._models:
            self._models[wanted.model] = models.resolve(wanted.model)
        return Need(model=self._models[wanted.model])

    def _coded(self, kind: str, use: Use) -> Use:
        key = (kind, use.name)
        if key not in self._codes:
            self._codes[key] = code_of(kind, use.name)
        return use.model_copy(update={"code": self._codes[key]})
