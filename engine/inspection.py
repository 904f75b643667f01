"""What a trial would be made of, looked at before anything is queued: the data as the model sees them, and the cost.

Worker side. The tokenizer alone comes first, so that data that the model cannot say are named within seconds; then the
weights are loaded and tried.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from engine import calls, roundtrip, stopping
from engine.costs import arms as drawing
from engine.costs import measuring, meter
from engine.costs.arms import Arm
from engine.costs.shape import read_shape
from engine.errors import DataError, ModelError
from engine.example import Example, StudyData
from engine.generation import renderer_of
from engine.rendering import Encoded, Renderer
from engine.shared import Loaders
from engine.spec import ModelRef, TrialSpec
from engine.understanding import Fit, Inspection, Refused, Understanding

SHOWN = 50  # refused examples that are kept in words
CHUNK = 200  # examples between two looks at whether to stop
LONGEST_SHOWN = 6000  # characters of the first prompt that are kept

Tell = Callable[[str], None]


@dataclass
class _Seen:
    """The data as the model's tokenizer and template see them.

    Attributes:
        seconds: Processor time of an example.
    """

    renderer: Renderer
    examples: Sequence[Example]
    encoded: dict[int, Encoded] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    seconds: float = 0.0


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
    loaders, tell = loaders or Loaders(), tell or (lambda _: None)
    tell("Reading the data.")
    began = time.monotonic()
    data = loaders.data(trial.data)
    reading = time.monotonic() - began
    renderer = renderer_without_weights(trial.model)
    tell(f"Checking that the model can say all {len(data.train):,} right answers.")
    seen = _see(data, renderer, trial, stop)
    fit = _fit(seen, data, trial)
    found = Inspection(understanding=understanding, fit=fit)
    if seen.refused:
        if not trial.data.skip_bad_rows:
            return found
        trial = settled(trial, found)
        data = loaders.data(trial.data)
    made = _arms(trial, data, seen)
    probed = drawing.probing(trial, data, renderer)
    shape = read_shape(Path(trial.model.path), trial.model.parameters)
    if free and measuring.weights(shape) > free:
        tell("The model is too large to be tried: its costs are worked out.")
        costs = measuring.guess(shape, made, probed, renderer)
        loading = shape.parameters * 4e-9
    else:
        tell("Loading the model.")
        began = time.monotonic()
        device = "cuda" if meter.on_gpu() else "cpu"
        model, tokenizer = loaders.model(trial.model, device)
        loading = time.monotonic() - began
        tell("Trying a step of training, and some answers.")
        costs = measuring.measure(model, tokenizer, renderer, shape, made, probed, stop)
    once = reading + loading + costs.once + seen.seconds * min(len(data.train), trial.settings.train_examples)
    most = max((cost.memory for cost in costs.costs), default=0)
    return found.model_copy(update={"costs": costs.costs, "once": once, "memory": most})


def settled(trial: TrialSpec, inspection: Inspection) -> TrialSpec:
    """The trial without the rows that the model's chat template refuses.

    Raises:
        DataError: Rows are refused that come from no file, so that none can be left out.
    """
    rows = inspection.fit.refused_rows
    if not inspection.fit.refused_count:
        return trial
    if not rows or min(rows) < 1:
        raise DataError(
            f"The model cannot say {inspection.fit.refused_count} right answers of the study's own data.",
            "Choose another model.",
        )
    without = tuple(sorted({*trial.data.without, *rows}))
    return trial.model_copy(update={"data": trial.data.model_copy(update={"without": without})})


def renderer_without_weights(ref: ModelRef) -> Renderer:
    """The renderer that `engine.generation.renderer_of` gives once the model is loaded.

    Raises:
        ModelError: The tokenizer or the configuration cannot be loaded.
    """
    from transformers import AutoConfig, GenerationConfig

    from engine.models import load_tokenizer

    root = Path(ref.path)
    tokenizer = load_tokenizer(ref)
    settings: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(root, **settings)
        generation = (
            GenerationConfig.from_pretrained(root, local_files_only=True)
            if (root / "generation_config.json").is_file()
            else GenerationConfig.from_model_config(config)
        )
    except Exception as error:  # a library's parsers raise anything on files they do not expect
        raise ModelError(
            f"The model {ref.name!r} cannot be loaded: {str(error).strip().splitlines()[:1]}",
            "Its files do not fit together, or this version of transformers does not know them.",
        ) from error
    return renderer_of(SimpleNamespace(config=config, generation_config=generation), tokenizer)


def _see(data: StudyData, renderer: Renderer, trial: TrialSpec, stop: threading.Event | None) -> _Seen:
    seen = _Seen(renderer, data.train)
    began = meter.now()
    for start in range(0, len(data.train), CHUNK):
        stopping.check(stop)
        some = data.train[start : start + CHUNK]
        refused = roundtrip.check(some, renderer)
        seen.refused += refused
        bad = {one.example for one in refused}
        seen.encoded.update({id(e): renderer.encode(e) for e in some if e.id not in bad})
    seen.seconds = (meter.now() - began) / max(1, len(data.train))
    for start in range(0, len(data.items), CHUNK):
        stopping.check(stop)
        for item in data.items[start : start + CHUNK]:
            renderer.prompt_ids(item.prompt)
    return seen


def _fit(seen: _Seen, data: StudyData, trial: TrialSpec) -> Fit:
    renderer = seen.renderer
    good = [e for e in seen.examples if id(e) in seen.encoded]
    prompts = [renderer.prompt_ids(one.prompt) for one in (*good, *data.items)]
    first = good[0] if good else None
    answer = renderer.answer_of(renderer.answer_text(first.prompt, first.answer)) if first else ""
    calling = next((e for e in good if e.gold.calls), None)
    said = renderer.answer_of(renderer.answer_text(calling.prompt, calling.answer)) if calling else ""
    return Fit(
        language=calls.read(said, calling.prompt.tools).language if calling else "",
        context=renderer.context,
        prompt_tokens=max(map(len, prompts), default=0),
        answer_tokens=max((len(e.completion) for e in seen.encoded.values()), default=0),
        limit=_limit(trial, data, renderer),
        cut=sum(e.cut > 0 for e in seen.encoded.values()),
        prompt=renderer.prompt_text(first.prompt)[:LONGEST_SHOWN] if first else "",
        answer=answer[:LONGEST_SHOWN],
        refused=tuple(seen.refused[:SHOWN]),
        refused_count=len(seen.refused),
        refused_rows=tuple(sorted({one.row for one in seen.refused})),
    )


def _limit(trial: TrialSpec, data: StudyData, renderer: Renderer) -> int:
    """Tokens that an answer is given when it is measured; 0 where none is written."""
    small = trial.model_copy(update={"study": trial.study, "seeds": 1})
    asked = drawing.probing(small, data, renderer).full.asked
    return max((one.limit for one in asked), default=0)


def _arms(trial: TrialSpec, data: StudyData, seen: _Seen) -> list[Arm]:
    """The first run of each arm."""

    def encode(example: Example) -> Encoded:
        return seen.encoded.get(id(example)) or seen.renderer.encode(example)

    firsts = {run.arm: run for run in reversed(trial.runs())}
    return [drawing.arm(firsts[name], data, seen.renderer, encode) for name in trial.arms if name in firsts]
