"""What a trial would be made of, looked at before anything is queued: the data as the model sees them, and the cost.

Worker side. The tokenizer alone comes first, so that data that the model cannot say are named within seconds; then the
weights are loaded and tried.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from engine.data.problems import printable
from engine.run import planned, sources
from engine.run.costs import arms as drawing
from engine.run.costs import meter
from engine.run.costs.arms import Arm
from engine.run.inspection import pricing, roundtrip
from engine.run.inspection.settled import settled
from engine.run.shared import Loaders
from engine.run.sources import Prepared
from engine.spec import stopping
from engine.spec.errors import DataError
from engine.spec.example import Example, StudyData
from engine.spec.reference import DataRef, ModelRef
from engine.spec.run import RunSpec
from engine.spec.trial import TrialSpec
from engine.spec.understanding import Fit, Inspection, Refused, Understanding
from engine.subject.limits import Limits
from engine.subject.local import renderer_of
from engine.subject.rendering import Encoded, Renderer

SHOWN = 50  # refused examples that are kept in words
CHUNK = 200  # examples between two looks at whether to stop
LONGEST_SHOWN = 6000  # characters of the first prompt that are kept

Tell = Callable[[str], None]


@dataclass
class _Seen:
    """Examples as the model's tokenizer and template see them.

    Attributes:
        encoded: By the example's id.
        seconds: Processor time of an example.
    """

    renderer: Renderer
    encoded: dict[str, tuple[Example, Encoded]] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    seconds: float = 0.0

    def encode(self, example: Example) -> Encoded:
        """An example as token ids, remembered where it was checked."""
        known = self.encoded.get(example.id)
        return known[1] if known is not None and known[0] == example else self.renderer.encode(example)


class _Views:
    """Examples as each of a trial's models sees them.

    Attributes:
        main: The trial's own model: what any other refuses counts as refused by it.
    """

    def __init__(self, main: ModelRef, stop: threading.Event | None) -> None:
        self.main, self.stop = main, stop
        self._seen: dict[str, _Seen] = {}
        self._done: set[tuple[str, int]] = set()

    def of(self, ref: ModelRef) -> _Seen:
        """What a model's tokenizer and template make of the examples that it was shown."""
        if ref.digest not in self._seen:
            self._seen[ref.digest] = _Seen(renderer_without_weights(ref))
        return self._seen[ref.digest]

    def renderer(self, ref: ModelRef) -> Renderer:
        """A model's renderer."""
        return self.of(ref).renderer

    def see(self, ref: ModelRef, examples: Sequence[Example]) -> None:
        """Show a model some examples, once."""
        if (ref.digest, id(examples)) in self._done:
            return
        self._done.add((ref.digest, id(examples)))
        refused = _see(self.of(ref), examples, self.stop)
        if ref.digest != self.main.digest:
            said = f"The model {ref.name!r}: "
            refused = [one.model_copy(update={"reason": said + one.reason}) for one in refused]
        main = self.of(self.main)
        known = {one.example for one in main.refused}
        main.refused += [one for one in refused if one.example not in known]


class _Data:
    """The data of a trial's runs, each loaded once.

    Attributes:
        loaders: Where they come from.
    """

    def __init__(self, ref: DataRef, found: StudyData, loaders: Loaders) -> None:
        self.loaders = loaders
        self._found = {ref.model_dump_json(): found}

    def of(self, run: RunSpec) -> StudyData:
        """The data that a run is trained and measured on."""
        key = run.data.model_dump_json()
        if key not in self._found:
            self._found[key] = self.loaders.data(run.data)
        return self._found[key]


def inspect(
    trial: TrialSpec,
    understanding: Understanding | None = None,
    *,
    free: int = 0,
    loaders: Loaders | None = None,
    stop: threading.Event | None = None,
    tell: Tell | None = None,
) -> Inspection:
    """Look at a trial: its data in the model's words, and what its runs cost.

    Where examples are refused and the trial leaves out no bad rows, it ends there, without costs; where it does, the
    rest is looked at without them (`settled`).

    Args:
        understanding: The data file as it was read; None for a study's own data.
        free: Bytes of memory that may be used; 0: not known.
        loaders: Where model and data come from.
        stop: Asks to stop.
        tell: Is told what is being done, in words.

    Raises:
        Stopped: A stop was asked for.
        LabError: Model or data cannot be used.
    """
    tell = tell or (lambda _: None)
    tell("Reading the data.")
    began = meter.now()
    read = _read(trial, loaders)
    reading = meter.now() - began
    runs = _first_runs(trial)
    views = _Views(trial.model, stop)
    seen = views.of(trial.model)
    examples = read.examples or read.data.train
    tell(f"Checking that the model can say all {len(examples):,} right answers.")
    views.see(trial.model, examples)
    data = _Data(trial.data, read.data, loaders or Loaders())
    for run in runs:
        views.see(run.model, examples if run.data == trial.data else data.of(run).train)
    if seen.refused and trial.data.skip_bad_rows:
        trial = settled(trial, Inspection(fit=_fit(seen)))
        read = sources.leave_out(read, trial.data.without)
        understanding = _with_refused(read.understanding, seen.refused)
        runs, data = _first_runs(trial), _Data(trial.data, read.data, data.loaders)
    elif seen.refused:
        return Inspection(understanding=understanding, fit=_fit(seen))
    limits = Limits.of_data(read.data)
    made = [_arm(run, data, views) for run in runs]
    fit = _fit(seen, read.data, _longest_answer(made), limits.of(seen.renderer).answer)
    found = pricing.price(made, views.renderer, data.loaders, free=free, stop=stop, tell=tell)
    encoding = seen.seconds * min(len(read.data.train), trial.settings.train_examples)
    return Inspection(
        understanding=understanding,
        fit=fit,
        costs=found.costs,
        once=reading + encoding + found.once,
        memory=max((cost.memory for cost in found.costs), default=0),
        needs=found.needs,
        warnings=found.warnings,
    )


def _first_runs(trial: TrialSpec) -> list[RunSpec]:
    """The first run of each arm."""
    firsts = {run.arm: run for run in reversed(planned.runs_of(trial))}
    return [firsts[name] for name in trial.arms]


def _arm(run: RunSpec, data: _Data, views: _Views) -> Arm:
    found, seen = data.of(run), views.of(run.model)
    return drawing.arm(run, found, seen.renderer, Limits.of_data(found), seen.encode)


def _longest_answer(arms: Sequence[Arm]) -> int:
    """Tokens that an answer is given when it is measured; 0 where none is written."""
    return max((one.limit for made in arms if made.probed for one in made.probed.full.asked), default=0)


def _with_refused(found: Understanding | None, refused: Sequence[Refused]) -> Understanding | None:
    """What was read, with the rows that the model's template refuses among those left out."""
    if found is None:
        return None
    first = {one.row: one.reason for one in reversed(refused)}
    lines = (*found.left_out, *(f"row {row}: {reason}" for row, reason in sorted(first.items())))
    update = {"left_out": lines[:SHOWN], "left_out_count": found.left_out_count + len(first)}
    return found.model_copy(update=update)


def renderer_without_weights(ref: ModelRef) -> Renderer:
    """The renderer that `engine.subject.local.renderer_of` gives once the model is loaded.

    Raises:
        ModelError: The tokenizer or the configuration cannot be loaded.
    """
    from engine.models import load_configuration, load_tokenizer

    tokenizer = load_tokenizer(ref)
    config, generation = load_configuration(ref)
    return renderer_of(SimpleNamespace(config=config, generation_config=generation), tokenizer)


def _read(trial: TrialSpec, loaders: Loaders | None) -> Prepared:
    """The trial's data; of a file with all examples before they are split, so that each can be checked."""
    ref = trial.data
    if loaders is not None or ref.source != sources.FILE:
        return Prepared(ref, (loaders or Loaders()).data(ref))
    read = sources.prepare(trial.study, ref.path, ref.grader, ref.skip_bad_rows, ref.without)
    if read.ref.digest != ref.digest:
        raise DataError(
            f"{printable(Path(ref.path).name)} has changed while the lab looked at it.",
            "Nothing was queued. Start again with the file as it is now.",
        )
    return read


def _see(seen: _Seen, examples: Sequence[Example], stop: threading.Event | None) -> list[Refused]:
    """Encode examples that can be said, and return why others cannot."""
    found: list[Refused] = []
    began = meter.now()
    for start in range(0, len(examples), CHUNK):
        stopping.check(stop)
        some = examples[start : start + CHUNK]
        refused = roundtrip.check(some, seen.renderer)
        found += refused
        bad = {one.example for one in refused}
        seen.encoded.update({e.id: (e, seen.renderer.encode(e)) for e in some if e.id not in bad})
    seen.seconds = (meter.now() - began) / max(1, len(examples))
    return found


def _fit(seen: _Seen, data: StudyData | None = None, limit: int = 0, longest: int | None = None) -> Fit:
    """What was seen.

    Args:
        data: The data after their split, in which some examples of a file may have no place; None: all counts.
        limit: Tokens that an answer is given when it is measured; 0 where none is written.
        longest: Tokens of the longest right answer that is trained on or must be written; None: of all.
    """
    renderer = seen.renderer
    items = data.items if data is not None else ()
    used = {one.id for one in (*data.train, *items)} if data is not None else set(seen.encoded)
    good = [known for name, known in seen.encoded.items() if name in used]
    prompts = [*(example.prompt for example, _ in good), *(item.prompt for item in items)]
    first = next((example for example, _ in good if example.gold.calls), good[0][0] if good else None)
    answer = renderer.answer_of(renderer.answer_text(first.prompt, first.answer)) if first else ""
    return Fit(
        language=roundtrip.language(renderer) if any(example.gold.calls for example, _ in good) else "",
        context=renderer.context,
        prompt_tokens=max((len(renderer.prompt_ids(prompt)) for prompt in prompts), default=0),
        answer_tokens=max((len(encoded.completion) for _, encoded in good), default=0) if longest is None else longest,
        limit=limit,
        cut=sum(encoded.cut > 0 for _, encoded in good),
        prompt=renderer.prompt_text(first.prompt)[:LONGEST_SHOWN] if first else "",
        answer=answer[:LONGEST_SHOWN],
        refused=tuple(seen.refused[:SHOWN]),
        refused_count=len(seen.refused),
        refused_rows=tuple(sorted({one.row for one in seen.refused})),
    )
