"""Other models that a run uses, loaded by content: with what was trained on them, where that is what is needed."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from engine.adaptations import adaptation
from engine.run import weights
from engine.spec.errors import RunError
from engine.spec.reference import ModelRef
from engine.spec.run import Need
from engine.subject.local import LocalSubject, renderer_of


def load(need: Need, loaders: Any, root: Path | None, device: str, held: ExitStack) -> LocalSubject:
    """A needed model, ready to answer.

    Args:
        loaders: `engine.run.shared.Loaders`: where models come from.
        root: The folder of the weights that runs have made.
        held: What was done to make measuring fast is undone when this is closed.

    Raises:
        ModelError: The model cannot be loaded safely, or cannot answer here.
        RunError: The weights are not there, or damaged.
    """
    if need.model is not None:
        model, tokenizer = _plain(need.model, loaders, device)
        return LocalSubject(model, tokenizer, None, renderer_of(model, tokenizer))
    made = weights.found(root, need.weights) if root is not None else None
    use = made[0].adaptation if made else None
    if made is None or use is None or root is None:
        raise RunError(
            f"The weights of {need.of or need.weights} are not there, or damaged.",
            "Run that arm again, then this one. Everything else is kept.",
        )
    tune, _ = made
    model, tokenizer = _plain(tune.model, loaders, device)
    how = adaptation(use)
    tuned = how.attach(model, tune.seed)
    how.load(tuned, weights.folder_of(root, need.weights))
    tuned.eval()
    plain = held.enter_context(how.measurable(tuned))  # nothing trains this copy any more
    renderer = renderer_of(plain, tokenizer)
    prefix = how.prefix(tuned)
    return LocalSubject(plain, tokenizer, None, renderer.with_prefix(prefix) if prefix else renderer)


def _plain(ref: ModelRef, loaders: Any, device: str) -> tuple[Any, Any]:
    model, tokenizer = loaders.model(ref, device)
    model.eval()
    return model, tokenizer
