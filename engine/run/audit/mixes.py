"""The training examples of a trial's arms as they would be shown, and its measured items: as choices."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from engine.probes import probe_class
from engine.run import sources
from engine.run.planned import method_of, planned, size_of
from engine.spec.choice import Choice, called, of_calls
from engine.spec.errors import LabError
from engine.spec.example import Example, Item, Side, StudyData
from engine.spec.plugins.discovery import code_of, configured
from engine.spec.plugins.fault import what
from engine.spec.reference import DataRef
from engine.spec.trial import TrialSpec
from engine.tuning import draw

MOST_SEEDS = 5
"""Of more seeds the first five are read: their examples are drawn from one pool."""
Load = Callable[[DataRef], StudyData]
Choices = dict[str, list[tuple[Choice, Side]]]  # by what is chosen


@dataclass(frozen=True)
class Mix:
    """What one or several arms are trained on.

    Attributes:
        arms: Their labels.
        planted: Whether the arm is a positive control, which is taught what it must not learn elsewhere.
        leans: Whether its examples are made to lean on the shortcut, or are taken as they come; otherwise the shortcut
            is right as often as wrong.
        seeds: For each seed, the examples as choices.
        items: What is measured; `measured`: the same as choices.
    """

    arms: list[str]
    planted: bool
    leans: bool
    seeds: list[Choices]
    items: Sequence[Item]
    measured: Choices

    def like(self, other: Mix) -> bool:
        """Whether the parts show the same of both."""
        roles = [(mix.planted, mix.leans) for mix in (self, other)]
        return roles[0] == roles[1] and self.measured is other.measured and self.seeds == other.seeds

    def trained(self, kind: str) -> list[list[Choice]]:
        """The choices of a kind of each seed that has any."""
        return [[choice for choice, _ in some[kind]] for some in self.seeds if kind in some]


def mixes(trial: TrialSpec, load: Load, notes: list[str]) -> list[Mix]:
    """Every mix of training examples once, with all arms that have it as far as the parts show.

    Args:
        notes: Is told of arms whose examples cannot be made.
    """
    study, runs = trial.study, planned(trial)
    positive = {control.arm for control in study.controls if control.kind == "positive"}
    data: dict[str, tuple[StudyData, list[Item], Choices]] = {}
    found: list[Mix] = []
    for name in trial.arms:
        arm, method = study.arm(name), method_of(study.arm(name))
        if not method.trains and not method.shows:
            continue
        ref = sources.with_options(trial.data, arm.data)
        if (where := ref.model_dump_json()) not in data:
            read = load(ref)
            items = _items(trial, read)
            data[where] = read, items, choices(items)
        read, items, measured = data[where]
        seeds = [seed for seed in range(trial.seeds) if (name, seed) in runs][:MOST_SEEDS]
        try:
            shown = [_shown(trial, name, read, seed) for seed in seeds]
        except Exception as error:  # the run itself will fail, with the same words
            if not isinstance(error, LabError) and not code_of("methods", arm.method):
                raise
            notes.append(f"{arm.label} was not audited: {what(error)}")
            continue
        read_as = [choices(some) for some in shown]
        planted = name in positive
        mix = Mix([arm.label], planted, planted or arm.agreement != 0.5, read_as, items, measured)
        same = next((known for known in found if known.like(mix)), None)
        if same is not None:
            same.arms.append(arm.label)
        else:
            found.append(mix)
    return found


def choices(ones: Iterable[Example | Item]) -> Choices:
    """Every choice that the examples or items hold, with the side of each, by what is chosen.

    Their task names them; of a user's file, calls are choices among tools.
    """
    task, found = cache(sources.task), defaultdict[str, list[tuple[Choice, Side]]](list)
    for one in ones:
        called_for = of_calls(one.prompt, called(one)) if one.gold.kind == "call" and not one.task else ()
        for choice in task(one.task).choices(one) if one.task else called_for:
            found[choice.of].append((choice, one.side))
    return dict(found)


def _shown(trial: TrialSpec, arm: str, data: StudyData, seed: int) -> list[Example]:
    """A run's training examples, as `engine.run.execute` draws and shows them."""
    spec = trial.study.arm(arm)
    chosen = draw.choose(data.train, size_of(trial.settings, spec).train_examples, spec.agreement, seed)
    return method_of(spec).treat(chosen, random.Random(f"{seed}:treat"))


def _items(trial: TrialSpec, data: StudyData) -> list[Item]:
    """The items of all probes, each once."""
    found: dict[str, Item] = {}
    for spec in trial.study.probes:
        probe = configured(probe_class(spec.probe), spec.settings, f"probe {spec.probe!r}")
        found |= {item.id: item for item in probe.items(data, trial.settings.items)}
    return list(found.values())
