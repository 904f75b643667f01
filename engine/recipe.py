"""One run, from its specification to `Finished`: the same for every method."""

from __future__ import annotations

from engine import provenance

provenance.quiet()

import random  # noqa: E402 - after quiet(), which must come before any library is imported
import threading  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Iterator, Sequence  # noqa: E402
from contextlib import contextmanager, nullcontext  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any, Literal  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from pydantic import ValidationError  # noqa: E402

from engine import adapter, checkpoint, integrity, journal, precision, stopping, treatment  # noqa: E402
from engine.errors import OutOfMemory, SpecError  # noqa: E402
from engine.example import Item, StudyData  # noqa: E402
from engine.generation import LocalSubject, renderer_of  # noqa: E402
from engine.journal import Journal  # noqa: E402
from engine.method import Method  # noqa: E402
from engine.methods import method_class  # noqa: E402
from engine.probe import Probe  # noqa: E402
from engine.probes import probe_class  # noqa: E402
from engine.rendering import Encoded  # noqa: E402
from engine.spec import DataRef, ModelRef, RunSpec  # noqa: E402
from engine.stopping import Stopped  # noqa: E402
from engine.training import Training, plan, train  # noqa: E402

__all__ = ["Loaders", "Stopped", "execute"]


def _load_model(ref: ModelRef, device: str) -> tuple[Any, Any]:
    from engine.models import load

    return load(ref, device)


def _load_data(ref: DataRef) -> StudyData:
    from engine.data.sources import load

    return load(ref)


@dataclass(frozen=True)
class Loaders:
    """Where a run's model and data come from; tests pass their own."""

    model: Callable[[ModelRef, str], tuple[Any, Any]] = _load_model
    data: Callable[[DataRef], StudyData] = _load_data


def execute(spec: RunSpec, folder: Path, stop: threading.Event, loaders: Loaders | None = None) -> None:
    """Run one arm at one seed, from the start or from its newest complete checkpoint.

    Args:
        spec: What to run.
        folder: The run's folder: `events.ndjson`, `checkpoints/`, `adapter/`, `preferences-*.jsonl`.
        stop: When set, a checkpoint is written and Stopped is raised.
        loaders: Where model and data come from.

    Raises:
        Stopped: A stop was asked for; the same call goes on from the checkpoint.
        LabError: A known failure, among them OutOfMemory and Diverged.
    """
    if journal.finished(folder):
        return
    folder.mkdir(parents=True, exist_ok=True)
    with _named_failures(spec):
        _execute(spec, folder, stop, loaders or Loaders())


def _execute(spec: RunSpec, folder: Path, stop: threading.Event, loaders: Loaders) -> None:
    began = time.monotonic()
    method: Method = _configured(method_class(spec.method), spec.settings, f"arm {spec.arm!r}")
    probes: list[Probe] = [_configured(probe_class(p.probe), p.settings, f"probe {p.probe!r}") for p in spec.probes]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    _seed(spec.seed)

    data = loaders.data(spec.data)
    model, tokenizer = loaders.model(spec.model, device)
    model.eval()
    attention = model.config._attn_implementation  # noqa: SLF001
    renderer = renderer_of(model, tokenizer)
    template = renderer.digest
    chosen = treatment.choose(data.train, spec.scale.train_examples, spec.agreement, spec.seed) if method.trains else []
    examples = method.treat(chosen, random.Random(f"{spec.seed}:treat"))
    encoded = [renderer.encode(example) for example in examples]
    items = {probe.name: probe.items(data, spec.scale.items) for probe in probes}
    prompts = [item.prompt for some in items.values() for item in some] or [example.prompt for example in data.train]
    base = integrity.logits(model, renderer, prompts)

    resume = checkpoint.newest(folder, spec.hash)
    with Journal(folder, resume.seq if resume else 0) as log:
        measurer = _Measurer(log, probes, data, spec.scale.live_items, items)
        stretches = plan(method, spec.scale.steps)
        total = sum(stretch.steps for stretch in stretches)
        if resume is None:
            log.emit(
                "started",
                total_steps=total,
                threads=torch.get_num_threads(),
                device=device,
                versions=provenance.versions(),
            )
            _note_cuts(log, encoded)
        if stretches:
            model = adapter.attach(model, method.config, spec.seed)

        def live(step: int) -> None:
            with _measurable(model, attention) as plain:
                measurer.live(LocalSubject(plain, tokenizer, stop, renderer), step)

        if resume is None:
            live(0)
        if stretches:
            run = Training(
                spec=spec, method=method, folder=folder, stop=stop, journal=log, model=model, renderer=renderer,
                examples=examples, pool=data.train, encoded=encoded, live=live, device=device, began=began,
            )  # fmt: skip
            train(run, resume)
        model.eval()
        saved = adapter.save(model, folder / "adapter") if stretches else ""

        findings = []
        with _measurable(model, attention) as plain:
            subject = LocalSubject(plain, tokenizer, stop, renderer)
            measurer.full(subject, total)
            findings.append(integrity.greedy_finding(subject, prompts))
        if stretches:
            findings += integrity.adapter_findings(model, renderer, prompts, base)
        findings.append(integrity.template_finding(template, renderer.digest, spec.model.template))
        every_item = [item for some in items.values() for item in some]
        findings.append(integrity.overlap_finding(examples or data.train, every_item))
        for finding in findings:
            log.emit("checked", **finding._asdict())
        if subject.truncated:
            what = f"{subject.truncated} evaluation prompts were cut from the left"
            log.emit("noted", name="long-prompts", detail=f"{what} to the model's {renderer.context} tokens.")
        log.emit("finished", seconds=time.monotonic() - began, adapter=saved)


@dataclass(frozen=True)
class _Measurer:
    """Runs the probes and records what they find."""

    log: Journal
    probes: Sequence[Probe]
    data: StudyData
    live_items: int
    items: dict[str, list[Item]]

    def live(self, subject: LocalSubject, step: int) -> None:
        """The live sample: the metrics that are worth a curve."""
        for probe in self.probes:
            if probe.live and self.live_items:
                self._measure(probe, probe.items(self.data, self.live_items), subject, step, "live")

    def full(self, subject: LocalSubject, step: int) -> None:
        """The full set, with every item's outcome."""
        for probe in self.probes:
            self._measure(probe, self.items[probe.name], subject, step, "after")

    def _measure(
        self, probe: Probe, items: Sequence[Item], subject: LocalSubject, step: int, stage: Literal["live", "after"]
    ) -> None:
        stopping.check(subject.stop)
        outcomes = probe.measure(subject, items)
        metrics = probe.summarise(outcomes)
        if stage == "live":
            metrics = {name: value for name, value in metrics.items() if name in probe.live}
        kept = tuple(outcomes) if stage == "after" else ()
        self.log.emit("probed", step=step, probe=probe.name, stage=stage, metrics=metrics, outcomes=kept)


@contextmanager
def _measurable(model: Any, attention: str) -> Iterator[Any]:
    """The model for measuring: attending as it was loaded, and with its adapter folded in, where it has one."""
    tuned = hasattr(model, "get_base_model")
    with precision.attention(model, attention), adapter.folded(model) if tuned else nullcontext():
        yield model.get_base_model() if tuned else model


def _configured(cls: Any, settings: dict[str, Any], what: str) -> Any:
    try:
        return cls(cls.Config.model_validate(settings))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SpecError(
            f"The settings of {what} do not fit: {where}: {first['msg']}.", "Correct the study's file."
        ) from error


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def _note_cuts(log: Journal, encoded: Sequence[Encoded]) -> None:
    cut = sum(row.cut > 0 for row in encoded)
    lost = sum(row.lost > 0 for row in encoded)
    if cut or lost:
        what = f"{cut} of {len(encoded)} prompts were cut from the left, {lost} answers at the end"
        log.emit("noted", name="long-examples", detail=f"Too long for the model: {what}.")


@contextmanager
def _named_failures(spec: RunSpec) -> Iterator[None]:
    """Turn the many ways of running out of memory into one error."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        said = str(error).lower()
        short = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory")
        if isinstance(error, MemoryError) or any(words in said for words in short):
            raise OutOfMemory(
                "The run needed more memory than this machine has free.",
                f"Lower the batch size (now {spec.scale.batch_size}), choose a smaller model, or run fewer at once.",
            ) from error
        raise
