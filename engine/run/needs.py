"""Other models that a run uses, loaded by content: with what was trained on them, where that is what is needed."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from engine.adaptations import adaptation
from engine.run import weights
from engine.spec.errors import RunError
from engine.spec.reference import ModelRef
from engine.spec.run import Need
from engine.subject.local import LocalSubject, renderer_of


class Needed(NamedTuple):
    """A needed model, ready to answer for as long as `measured` is kept: closed, it is no longer fit to be measured."""

    subject: LocalSubject
    measured: ExitStack


def load(need: Need, loaders: Any, root: Path | None, device: str) -> Needed:
    """Load a needed model.

    Args:
        loaders: `engine.run.shared.Loaders`: where models come from.
        root: The folder of the weights that runs have made.

    Raises:
        ModelError: The model cannot be loaded safely, or cannot answer here.
        RunError: The weights are not there, or damaged.
    """
    if need.model is not None:
        model, tokenizer = _plain(need.model, loaders, device)
        return Needed(LocalSubject(model, tokenizer, None, renderer_of(model, tokenizer)), ExitStack())
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
    how.quicken(tuned)  # as in the run that made it, so that its values are the same to the last digit
    how.load(tuned, weights.folder_of(root, need.weights))
    tuned.eval()
    renderer = renderer_of(tuned, tokenizer)
    if prefix := how.prefix(tuned):
        renderer = renderer.with_prefix(prefix)
    measured = ExitStack()
    plain = measured.enter_context(how.measurable(tuned))
    return Needed(LocalSubject(plain, tokenizer, None, renderer), measured)


def _plain(ref: ModelRef, loaders: Any, device: str) -> tuple[Any, Any]:
    model, tokenizer = loaders.model(ref, device)
    model.eval()
    return model, tokenizer
