"""One run, from its specification to `Finished`: the same for every method."""

from __future__ import annotations

from engine.spec import provenance

provenance.quiet()

import json  # noqa: E402 - after quiet(), which must come before any library is imported
import math  # noqa: E402
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

from engine.adaptations import adaptation  # noqa: E402
from engine.methods import Answering, method_class  # noqa: E402
from engine.methods._base import Method  # noqa: E402
from engine.probes._base import Probe  # noqa: E402
from engine.run import checks, held_out, saved, unchanged, weights  # noqa: E402
from engine.run.measured import measured  # noqa: E402
from engine.run.shared import Loaders, Plan, Shared  # noqa: E402
from engine.spec.errors import Diverged, OutOfMemory, SpecError  # noqa: E402
from engine.spec.example import Example, ItemText, Outcome  # noqa: E402
from engine.spec.plugins.discovery import configured  # noqa: E402
from engine.spec.run import RECIPE_VERSION, RunSpec  # noqa: E402
from engine.spec.stopping import Stopped  # noqa: E402
from engine.subject.forward.attention import attends  # noqa: E402
from engine.subject.limits import LEAST  # noqa: E402
from engine.subject.local import LocalSubject  # noqa: E402
from engine.subject.protocol import Subject  # noqa: E402
from engine.subject.rendering import Encoded  # noqa: E402
from engine.tuning import checkpoint, draw, journal  # noqa: E402
from engine.tuning.checkpoint import Checkpoint  # noqa: E402
from engine.tuning.journal import Journal  # noqa: E402
from engine.tuning.loop import Training, stretches_of, train  # noqa: E402

__all__ = ["Loaders", "Stopped", "execute"]


def execute(
    spec: RunSpec,
    folder: Path,
    stop: threading.Event,
    loaders: Loaders | None = None,
    shared: Shared | None = None,
    kept: Path | None = None,
) -> None:
    """Run one arm at one seed, from the start or from its newest complete checkpoint.

    Weights that an earlier run has made from the same specification are measured, and nothing is trained.

    Args:
        spec: What to run.
        folder: The run's folder: `events.ndjson`, `checkpoints/`, `adapter/`, `rows-*.jsonl`.
        stop: When set, a checkpoint is written and Stopped is raised.
        loaders: Where model and data come from.
        shared: What runs on this model share, untouched by any run; its model is trained from here on.
        kept: Where the weights of all runs are kept; None: in the run's own folder.

    Raises:
        Stopped: A stop was asked for; the same call goes on from the checkpoint.
        LabError: A known failure, among them OutOfMemory and Diverged.
    """
    if journal.finished(folder):
        return
    if spec.tune.recipe != RECIPE_VERSION:
        raise SpecError(
            "This run was queued by an older version of the lab, which computed runs differently.",
            "What it measured is kept. Start the study anew to run it with this version.",
        )
    unchanged.require(spec)
    folder.mkdir(parents=True, exist_ok=True)
    root = kept or folder / "weights"
    with _named_failures(spec):
        _Run(spec, folder, stop, shared or Shared(spec.model, loaders, root), root).execute()


class _Run:
    """One run on its way from specification to `Finished`."""

    def __init__(self, spec: RunSpec, folder: Path, stop: threading.Event, shared: Shared, root: Path) -> None:
        self.began = time.monotonic()
        self.spec, self.folder, self.stop, self.shared, self.root = spec, folder, stop, shared, root
        use = spec.tune.method
        self.method: Method[Any] = configured(method_class(use.name), use.settings, f"arm {spec.arm!r}")
        self.data = shared.data(spec.data)
        self.limits = shared.limits(spec.data)
        self.plan = shared.plan(spec)
        self.needs = {slot: shared.needed(need, self.limits, stop) for slot, need in spec.tune.needs.items()}
        self.model = shared.model.to(shared.device)
        self.renderer = shared.renderer
        self.examples: Sequence[Example] = ()
        self.held: Sequence[Example] = ()
        self.how = adaptation(spec.tune.adaptation) if spec.tune.adaptation else None

    def execute(self) -> None:
        """Train where the weights are not there yet, then measure and check."""
        _seed(self.spec.seed)
        resume = checkpoint.newest(self.folder, self.spec.hash)
        # A run that has trained goes on from its own checkpoint, so that its events are one story.
        made = weights.found(self.root, self.spec.tune.hash) if self.how and not resume else None
        stretches = stretches_of(self.method, self.spec.tune.size.steps) if self.how and not made else []
        total = sum(stretch.steps for stretch in stretches)
        with Journal(self.folder, resume.seq if resume else 0) as log:
            measurer = _Measurer(log, self.plan, self.spec, self.shared)
            if resume is None:
                log.emit(
                    "started",
                    total_steps=total,
                    threads=torch.get_num_threads(),
                    device=self.shared.device,
                    versions=provenance.versions(),
                    hardware=provenance.hardware(self.shared.device),
                )
                if stretches:
                    measurer.base()
            half = _precision(self.spec, self.folder, log, self.shared, resume is not None) if stretches else False
            if self.how:
                self.model = self.how.attach(self.model, self.spec.seed)
                self.how.quicken(self.model)
                if prefix := self.how.prefix(self.model):
                    self.renderer = self.renderer.with_prefix(prefix)
            encoded = self._examples()
            if resume is None:
                _note_cuts(log, encoded)
            if made:
                self.how.load(self.model, weights.folder_of(self.root, self.spec.tune.hash))  # type: ignore[union-attr]
                detail = "The weights were there already, made from the same specification: nothing was trained."
                log.emit("noted", name="weights", detail=detail)
            elif stretches:
                self._train(log, measurer, encoded, resume, half, total)
            self.model.eval()
            adapter = self._keep() if stretches else made[1] if made else ""
            self._measure(log, measurer, total)
            log.emit("finished", seconds=time.monotonic() - self.began, adapter=adapter)

    def _examples(self) -> list[Encoded]:
        """Draw the run's training examples, as its method shows them; returns them as token ids."""
        if self.how is None and not self.method.shows:
            return []
        tune = self.spec.tune
        chosen = draw.choose(self.data.train, tune.size.train_examples, tune.agreement, self.spec.seed)
        self.examples = self.method.treat(chosen, random.Random(f"{self.spec.seed}:treat"))
        if self.how is None:
            return []
        self.held = held_out.left(self.data, chosen, tune, self.method)
        plain = self.renderer is self.shared.renderer
        return [self.shared.encode(example) if plain else self.renderer.encode(example) for example in self.examples]

    def _train(
        self, log: Journal, measurer: _Measurer, encoded: list[Encoded], resume: Checkpoint | None, half: bool,
        total: int,
    ) -> None:  # fmt: skip
        def live(step: int) -> None:
            if step < total:  # the last step's comes with the full measurement
                with self._subject() as (_, subject):
                    measurer.live(subject, step)

        run = Training(
            spec=self.spec, method=self.method, adaptation=self.how, folder=self.folder, stop=self.stop, journal=log,  # type: ignore[arg-type]
            model=self.model, renderer=self.renderer, examples=self.examples, pool=self.data.train, encoded=encoded,
            needs=self.needs, limits=self.limits, half=half, attention=self.shared.attention, live=live,
            device=self.shared.device, began=self.began,
        )  # fmt: skip
        if resume is None:
            self._score(log, 0)
        train(run, resume)
        self._score(log, total)

    def _score(self, log: Journal, step: int) -> None:
        """Record the loss on examples that the run does not train on, where its data leave any.

        Raises:
            Diverged: It is no number after training. Before, the first step says so.
        """
        rows = [self.renderer.encode(example) for example in self.held]
        if not rows:
            return
        with self._measurable() as plain:
            found = held_out.losses(plain, rows, self.renderer, self.stop)
        if all(map(math.isfinite, found)):
            log.emit("scored", step=step, losses=found)
        elif step:
            raise Diverged("What was trained gives no number for the loss.", "Lower the learning rate of this arm.")

    def _keep(self) -> str:
        """Save the weights in the run's folder and where other runs find them. Returns their sha256."""
        folder = self.folder / "adapter"
        digest = saved.save(self.how, self.model, folder)  # type: ignore[arg-type]
        weights.keep(self.root, self.spec.tune, folder, digest)
        return digest

    @contextmanager
    def _measurable(self) -> Iterator[Any]:
        """Within it, the model as it stands, in the form in which it is measured, attending as it was loaded."""
        measurable = self.how.measurable(self.model) if self.how else nullcontext(self.model)
        with attends(self.model, self.shared.attention), measurable as plain:
            yield plain

    @contextmanager
    def _subject(self) -> Iterator[tuple[LocalSubject, Subject]]:
        """Within it, the model as it stands, and who answers for the arm."""
        with self._measurable() as plain:
            local = LocalSubject(plain, self.shared.tokenizer, self.stop, self.renderer, self.limits)
            kit = Answering(local, self.needs, self.examples, self.data.train, self.spec.seed)
            yield local, self.method.answerer(kit)

    def _measure(self, log: Journal, measurer: _Measurer, total: int) -> None:
        """The full measurement, and every check of the run."""
        shared, plan = self.shared, self.plan
        # Where nothing is trained, the live sample is what this arm answers: its one point, not the base's.
        curve = self.how is None or (total > 0 and total % self.spec.sample.live_every == 0)
        findings = []
        with self._subject() as (local, subject):
            outcomes = measurer.full(subject, total, curve)
            findings.append(checks.greedy_finding(subject, plan.prompts))
        if self.how:
            findings += checks.adapter_findings(
                self.how, self.model, self.renderer, shared.renderer, plan.prompts, plan.logits
            )
        findings.append(checks.template_finding(shared.template, self.renderer.digest, self.spec.model.template))
        every_item = [item for some in plan.items.values() for item in some]
        findings.append(checks.overlap_finding(self.examples or self.data.train, every_item))
        if (length := checks.length_finding(shared.renderer, every_item)) is not None:
            findings.append(length)
        for finding in findings:
            log.emit("checked", **finding._asdict())
        _note_limits(log, local, outcomes)


@dataclass(frozen=True)
class _Measurer:
    """Runs the probes and records what they find."""

    log: Journal
    plan: Plan
    spec: RunSpec
    shared: Shared

    def base(self) -> None:
        """The live sample of the untouched base: where the curve of every run that trains begins."""
        for probe in self.plan.probes:
            if probe.name in self.plan.live:
                self._record(probe, self.plan.base[probe.name], 0, "live")

    def live(self, subject: Subject, step: int) -> None:
        """The live sample: the metrics that are worth a curve."""
        for probe in self.plan.probes:
            if probe.name in self.plan.live:
                kit = self.shared.measuring(self.spec, probe, subject)
                self._record(probe, measured(probe, kit, self.plan.live[probe.name]), step, "live")

    def full(self, subject: Subject, step: int, curve: bool) -> dict[str, Sequence[Outcome]]:
        """The full set, with every item's outcome; `curve`: and the last point of the live sample's curve.

        Returns:
            What each probe found.
        """
        found: dict[str, Sequence[Outcome]] = {}
        for probe in self.plan.probes:
            kit = self.shared.measuring(self.spec, probe, subject)
            items = self.plan.items[probe.name]
            outcomes = found[probe.name] = measured(probe, kit, items)
            self.log.emit("asked", probe=probe.name, texts=tuple(map(ItemText.of, items)))
            if curve and probe.name in self.plan.live:
                known = {outcome.item: outcome for outcome in outcomes}
                sample = self.plan.live[probe.name]
                inside = all(item.id in known for item in sample)
                drawn = [known[item.id] for item in sample] if inside else measured(probe, kit, sample)
                self._record(probe, drawn, step, "live")
            self._record(probe, outcomes, step, "after")
        return found

    def _record(self, probe: Probe, outcomes: Sequence[Outcome], step: int, stage: Literal["live", "after"]) -> None:
        metrics = probe.figures(outcomes)
        if stage == "live":
            metrics = {name: value for name, value in metrics.items() if name in probe.live}
        kept = tuple(outcomes) if stage == "after" else ()
        self.log.emit("probed", step=step, probe=probe.name, stage=stage, metrics=metrics, outcomes=kept)


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


def _note_limits(log: Journal, subject: LocalSubject, found: dict[str, Sequence[Outcome]]) -> None:
    """What a reader must know of answers that were cut at the end, and of prompts that were cut at their start."""
    limit = subject.limit
    cuts = {probe: [o.features["cut"] == 1.0 for o in some if "cut" in o.features] for probe, some in found.items()}
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
                f"Lower the batch size (now {spec.tune.size.batch_size}), choose a smaller model, or run fewer at "
                "once.",
            ) from error
        raise
