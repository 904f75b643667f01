"""One run, from its specification to `Finished`: the same for every method."""

from __future__ import annotations

from engine.spec import provenance

provenance.quiet()

import json  # noqa: E402 - after quiet(), which must come before any library is imported
import os  # noqa: E402
import random  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from collections.abc import Iterator, Sequence  # noqa: E402
from contextlib import contextmanager, nullcontext  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any, Literal  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402

from engine.adaptations import lora  # noqa: E402
from engine.methods import method_class  # noqa: E402
from engine.methods._base import Method  # noqa: E402
from engine.probes._base import Probe  # noqa: E402
from engine.run import checks  # noqa: E402
from engine.run.shared import Loaders, Plan, Shared  # noqa: E402
from engine.spec import stopping  # noqa: E402
from engine.spec.errors import OutOfMemory, SpecError  # noqa: E402
from engine.spec.example import ItemText, Outcome  # noqa: E402
from engine.spec.plugin import configured  # noqa: E402
from engine.spec.stopping import Stopped  # noqa: E402
from engine.spec.study import RECIPE_VERSION, RunSpec  # noqa: E402
from engine.subject.forward.attention import attends  # noqa: E402
from engine.subject.limits import LEAST  # noqa: E402
from engine.subject.local import LocalSubject  # noqa: E402
from engine.subject.rendering import Encoded  # noqa: E402
from engine.tuning import checkpoint, draw, journal  # noqa: E402
from engine.tuning.journal import Journal  # noqa: E402
from engine.tuning.loop import Training, stretches_of, train  # noqa: E402

__all__ = ["Loaders", "Stopped", "execute"]


def execute(
    spec: RunSpec,
    folder: Path,
    stop: threading.Event,
    loaders: Loaders | None = None,
    shared: Shared | None = None,
) -> None:
    """Run one arm at one seed, from the start or from its newest complete checkpoint.

    Args:
        spec: What to run.
        folder: The run's folder: `events.ndjson`, `checkpoints/`, `adapter/`, `preferences-*.jsonl`.
        stop: When set, a checkpoint is written and Stopped is raised.
        loaders: Where model and data come from.
        shared: What runs on this model share, untouched by any run; its model is trained from here on.

    Raises:
        Stopped: A stop was asked for; the same call goes on from the checkpoint.
        LabError: A known failure, among them OutOfMemory and Diverged.
    """
    if journal.finished(folder):
        return
    if spec.recipe != RECIPE_VERSION:
        raise SpecError(
            "This run was queued by an older version of the lab, which computed runs differently.",
            "What it measured is kept. Start the study anew to run it with this version.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    with _named_failures(spec):
        _execute(spec, folder, stop, loaders, shared)


def _execute(
    spec: RunSpec, folder: Path, stop: threading.Event, loaders: Loaders | None, shared: Shared | None
) -> None:
    began = time.monotonic()
    method: Method = configured(method_class(spec.method), spec.settings, f"arm {spec.arm!r}")
    shared = shared or Shared(spec.model, loaders)
    renderer, tokenizer, device = shared.renderer, shared.tokenizer, shared.device
    _seed(spec.seed)
    data = shared.data(spec.data)
    model = shared.model.to(device)
    measured = shared.plan(spec)
    chosen = draw.choose(data.train, spec.scale.train_examples, spec.agreement, spec.seed) if method.trains else []
    examples = method.treat(chosen, random.Random(f"{spec.seed}:treat"))
    encoded = [shared.encode(example) for example in examples]
    limits = shared.limits(spec.data)

    resume = checkpoint.newest(folder, spec.hash)
    with Journal(folder, resume.seq if resume else 0) as log:
        measurer = _Measurer(log, measured)
        stretches = stretches_of(method, spec.scale.steps)
        total = sum(stretch.steps for stretch in stretches)
        if resume is None:
            log.emit(
                "started",
                total_steps=total,
                threads=torch.get_num_threads(),
                device=device,
                versions=provenance.versions(),
                hardware=provenance.hardware(device),
            )
            _note_cuts(log, encoded)
            measurer.base()
        half = False
        if stretches:
            half = _precision(spec, folder, log, shared, resumed=resume is not None)
            model = lora.attach(model, method.config, spec.seed)

        def live(step: int) -> None:
            if step < total:  # the last step's comes with the full measurement
                with _measurable(model, shared.attention) as plain:
                    measurer.live(LocalSubject(plain, tokenizer, stop, renderer, limits), step)

        if stretches:
            run = Training(
                spec=spec, method=method, folder=folder, stop=stop, journal=log, model=model, renderer=renderer,
                examples=examples, pool=data.train, encoded=encoded, limits=limits, half=half, live=live,
                device=device, began=began,
            )  # fmt: skip
            train(run, resume)
        model.eval()
        saved = lora.save(model, folder / "adapter") if stretches else ""

        findings = []
        with _measurable(model, shared.attention) as plain:
            subject = LocalSubject(plain, tokenizer, stop, renderer, limits)
            outcomes = measurer.full(subject, total, curve=bool(stretches) and total % spec.scale.live_every == 0)
            findings.append(checks.greedy_finding(subject, measured.prompts))
        if stretches:
            findings += checks.adapter_findings(model, renderer, measured.prompts, measured.logits)
        findings.append(checks.template_finding(shared.template, renderer.digest, spec.model.template))
        every_item = [item for some in measured.items.values() for item in some]
        findings.append(checks.overlap_finding(examples or data.train, every_item))
        if (length := checks.length_finding(renderer, every_item)) is not None:
            findings.append(length)
        for finding in findings:
            log.emit("checked", **finding._asdict())
        _note_limits(log, subject, outcomes)
        log.emit("finished", seconds=time.monotonic() - began, adapter=saved)


@dataclass(frozen=True)
class _Measurer:
    """Runs the probes and records what they find."""

    log: Journal
    plan: Plan

    def base(self) -> None:
        """The live sample of the untouched base, which is every run's before its first step."""
        for probe in self.plan.probes:
            if probe.name in self.plan.live:
                self._record(probe, self.plan.base[probe.name], 0, "live")

    def live(self, subject: LocalSubject, step: int) -> None:
        """The live sample: the metrics that are worth a curve."""
        for probe in self.plan.probes:
            if probe.name in self.plan.live:
                stopping.check(subject.stop)
                self._record(probe, probe.measure(subject, self.plan.live[probe.name]), step, "live")

    def full(self, subject: LocalSubject, step: int, curve: bool) -> dict[str, Sequence[Outcome]]:
        """The full set, with every item's outcome; `curve`: and the last point of the live sample's curve.

        Returns:
            What each probe found.
        """
        found: dict[str, Sequence[Outcome]] = {}
        for probe in self.plan.probes:
            stopping.check(subject.stop)
            items = self.plan.items[probe.name]
            outcomes = found[probe.name] = probe.measure(subject, items)
            self.log.emit("asked", probe=probe.name, texts=tuple(map(ItemText.of, items)))
            if curve and probe.name in self.plan.live:
                known = {outcome.item: outcome for outcome in outcomes}
                sample = self.plan.live[probe.name]
                inside = all(item.id in known for item in sample)
                drawn = [known[item.id] for item in sample] if inside else probe.measure(subject, sample)
                self._record(probe, drawn, step, "live")
            self._record(probe, outcomes, step, "after")
        return found

    def _record(self, probe: Probe, outcomes: Sequence[Outcome], step: int, stage: Literal["live", "after"]) -> None:
        metrics = probe.figures(outcomes)
        if stage == "live":
            metrics = {name: value for name, value in metrics.items() if name in probe.live}
        kept = tuple(outcomes) if stage == "after" else ()
        self.log.emit("probed", step=step, probe=probe.name, stage=stage, metrics=metrics, outcomes=kept)


@contextmanager
def _measurable(model: Any, attention: str) -> Iterator[Any]:
    """The model for measuring: attending as it was loaded, and with its adapter folded in, where it has one."""
    tuned = hasattr(model, "get_base_model")
    with attends(model, attention), lora.folded(model) if tuned else nullcontext():
        yield model.get_base_model() if tuned else model


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def _precision(spec: RunSpec, folder: Path, log: Journal, shared: Shared, resumed: bool) -> bool:
    """Whether the run is trained in bfloat16: as its trial is, and once begun as it began, wherever it goes on."""
    decided = shared.precision(spec)
    path = folder / "precision.json"
    if resumed and path.exists():
        return bool(json.loads(path.read_text(encoding="utf-8"))["half"])
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps({"half": decided.ok, "detail": decided.detail}), encoding="utf-8")
    os.replace(part, path)
    if decided.detail and not resumed:
        log.emit("noted", name="precision", detail=decided.detail)
    return decided.ok


def _note_limits(log: Journal, subject: LocalSubject, measured: dict[str, Sequence[Outcome]]) -> None:
    """What a reader must know of answers that were cut at the end, and of prompts that were cut at their start."""
    limit = subject.limit
    cuts = {probe: [o.features["cut"] == 1.0 for o in some if "cut" in o.features] for probe, some in measured.items()}
    if limit is not None and (limit.tokens != LEAST or any(map(any, cuts.values()))):
        log.emit("noted", name="limit", detail=limit.basis)
    for probe, cut in cuts.items():
        if any(cut):
            what = f"{sum(cut)} of {len(cut)} answers reached the limit before they ended"
            log.emit("noted", name="cut-answers", detail=f"Probe {probe}: {what}.")
    if subject.truncated:
        what = f"{subject.truncated} evaluation prompts were cut from the left"
        log.emit("noted", name="long-prompts", detail=f"{what} to the model's {subject.renderer.context} tokens.")


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
