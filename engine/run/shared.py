"""What the runs on one base model share: the model, the data, and what the untouched base does.

Made in the process that runs are forked from, all of it lies in memory once, and no run loads, renders or measures
again what another has. A run in a process of its own (where nothing can be forked) makes it for itself.
"""

from __future__ import annotations

import gc
import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from engine.probes import Measuring, probe_class
from engine.probes._base import Probe
from engine.run import checks, needs, sources, unchanged
from engine.run.measured import measured
from engine.spec.errors import LabError
from engine.spec.example import Example, Item, Outcome, Prompt, StudyData
from engine.spec.plugins.discovery import configured
from engine.spec.reference import DataRef, ModelRef
from engine.spec.run import Need, RunSpec
from engine.subject.forward import kernels
from engine.subject.limits import Limits
from engine.subject.local import LocalSubject, renderer_of
from engine.subject.protocol import Subject
from engine.subject.rendering import Encoded
from engine.tuning import precision

CHUNK = 100  # examples encoded between two looks at what the lab asks


def _load_model(ref: ModelRef, device: str) -> tuple[Any, Any]:
    from engine.models import load
    from engine.run.inspection import trial_step

    model, tokenizer = load(ref, device)
    trial_step.require(ref.name, model, tokenizer)
    return model, tokenizer


def _load_data(ref: DataRef) -> StudyData:
    from engine.run.sources import load

    return load(ref)


@dataclass(frozen=True)
class Loaders:
    """Where a run's model and data come from; tests pass their own."""

    model: Callable[[ModelRef, str], tuple[Any, Any]] = _load_model
    data: Callable[[DataRef], StudyData] = _load_data


class Plan(NamedTuple):
    """What is measured, and what the untouched base did.

    Attributes:
        items: Every probe's items, by its name; `live` likewise, for the live sample.
        prompts: Prompts on which the checks look at the weights.
        logits: The base's, `engine.run.checks.logits`.
        base: The base's outcomes on the live sample.
    """

    probes: Sequence[Probe]
    items: dict[str, list[Item]]
    live: dict[str, list[Item]]
    prompts: Sequence[Prompt]
    logits: Sequence[torch.Tensor]
    base: dict[str, list[Outcome]]


class Shared:
    """A base model with its renderer, and the data and measurements of the studies on it.

    A model that cannot be trained or scored here is refused as it is loaded, before anything is measured.

    Attributes:
        weights: The folder of the weights that runs have made.
        attention: How the model attends as it was loaded.
        template: sha256 of the chat template as it was loaded.
    """

    def __init__(self, ref: ModelRef, loaders: Loaders | None = None, weights: Path | None = None) -> None:
        self.ref = ref
        self.weights = weights
        self.loaders = loaders or Loaders()
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model, self.tokenizer = self.loaders.model(ref, "cpu")
        self.model.eval()
        self.attention: str = self.model.config._attn_implementation  # noqa: SLF001
        self.renderer = renderer_of(self.model, self.tokenizer)
        self.template = self.renderer.digest
        self._encoded: dict[int, tuple[Example, Encoded]] = {}  # by identity: the examples are kept beside it
        self._data: dict[str, StudyData] = {}
        self._plans: dict[str, Plan] = {}
        self._limits: dict[str, Limits] = {}
        self._precisions: dict[tuple[str, int], precision.Trial] = {}
        self._needed: dict[str, tuple[Need, needs.Needed]] = {}  # by content

    def data(self, ref: DataRef) -> StudyData:
        """The data of a reference, loaded once."""
        if ref.model_dump_json() not in self._data:
            self._data[ref.model_dump_json()] = self.loaders.data(ref)
        return self._data[ref.model_dump_json()]

    def plan(self, spec: RunSpec) -> Plan:
        """What a run measures. The first of its kind measures the base, on the model as it stands: untouched."""
        if spec.measures not in self._plans:
            self._plans[spec.measures] = self._measure(spec)
        return self._plans[spec.measures]

    def limits(self, ref: DataRef) -> Limits:
        """From which the room for answers follows; the same for every run on these data."""
        key = ref.model_dump_json()
        if key not in self._limits:
            self._limits[key] = Limits.of_data(self.data(ref))
        return self._limits[key]

    def precision(self, spec: RunSpec) -> precision.Trial:
        """The precision of every trained run of a trial, tried once, on the model as it stands: untouched."""
        size = spec.tune.size.batch_size
        key = (spec.data.model_dump_json(), size)
        if key not in self._precisions:
            pool = self.data(spec.data).train
            pad = self.renderer.pad_id
            self._precisions[key] = precision.decide(self.model, pool, self.encode, size, pad)
        return self._precisions[key]

    def needed(self, need: Need, limits: Limits, stop: threading.Event | None = None) -> LocalSubject:
        """Another model, answering: loaded once for all runs that need the same content.

        Raises:
            ModelError: It cannot be loaded, or not be used here.
            RunError: The weights are not there.
        """
        if need.content not in self._needed:
            self._needed[need.content] = (need, needs.load(need, self.loaders, self.weights, self.device))
        found = self._needed[need.content][1].subject
        # The same data in this model's own tokens: it may need more of them for the same answer.
        return LocalSubject(found.model, found.tokenizer, stop, found.renderer, limits)

    def load_needs(self, spec: RunSpec) -> None:
        """Load what a run needs, and let go of weights that it does not need: they are of another seed."""
        wanted = (*spec.tune.needs.values(), *spec.needs.values())
        used = {need.content for need in wanted}
        self._needed = {key: entry for key, entry in self._needed.items() if key in used or not entry[0].weights}
        for need in wanted:
            self.needed(need, self.limits(spec.data))

    def measuring(self, spec: RunSpec, probe: Probe, subject: Subject) -> Measuring:
        """What a probe measures with: the subject, and what the probe needs beside it."""
        start = f"{probe.name}:"
        own = {slot.removeprefix(start): need for slot, need in spec.needs.items() if slot.startswith(start)}
        limits = self.limits(spec.data)
        return Measuring(subject, {slot: self.needed(need, limits) for slot, need in own.items()}, sources.task)

    def encode(self, example: Example) -> Encoded:
        """An example as token ids, remembered."""
        known = self._encoded.get(id(example))
        if known is None or known[0] is not example:
            known = self._encoded[id(example)] = (example, self.renderer.encode(example))
        return known[1]

    def work(self) -> bool:
        """Encode a few examples that runs to come may draw. Returns whether there was anything left to do."""
        for data in self._data.values():
            waiting = (example for example in data.train if id(example) not in self._encoded)
            chunk = list(itertools.islice(waiting, CHUNK))
            try:
                for example in chunk:
                    self.encode(example)
            except LabError:  # the run that draws this example says so
                return False
            if chunk:
                return True
        return False

    def _measure(self, spec: RunSpec) -> Plan:
        data = self.data(spec.data)
        probes: list[Probe] = [configured(probe_class(p.name), p.settings, f"probe {p.name!r}") for p in spec.probes]
        items = {probe.name: probe.items(data, spec.sample.items) for probe in probes}
        some = spec.sample.live_items
        live = {p.name: p.live_items(data, some) for p in probes if p.live and some}
        prompts = [item.prompt for found in items.values() for item in found] or [e.prompt for e in data.train]
        logits = checks.logits(self.model, self.renderer, prompts)
        subject = LocalSubject(self.model, self.tokenizer, None, self.renderer, self.limits(spec.data))
        base = {p.name: measured(p, self.measuring(spec, p, subject), live[p.name]) for p in probes if p.name in live}
        return Plan(probes, items, live, prompts, logits, base)


def prepare(spec: RunSpec, shared: Shared | None = None, weights: Path | None = None) -> Shared:
    """Have everything at hand that runs like this one share; called before they are forked.

    Other models that they need are among it, each once.

    On a GPU that is the weights and the data: what is on a device cannot be forked.
    """
    unchanged.require(spec)
    if shared is None or shared.ref != spec.model:
        shared = Shared(spec.model, weights=weights)
    if shared.device == "cpu":
        shared.load_needs(spec)
        shared.plan(spec)
        shared.precision(spec)
        kernels.halve(shared.model)
    else:
        shared.data(spec.data)
    gc.collect()
    gc.freeze()  # what is here stays here: children share its memory until they write to it
    return shared
