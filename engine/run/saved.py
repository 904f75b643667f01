"""Whether what was trained is sound, and whether all of it comes back from where it was saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from engine.adaptations import Adaptation
from engine.spec.errors import Diverged, PluginError
from engine.spec.plugins.discovery import file_of


def save(how: Adaptation[Any], model: Any, folder: Path) -> str:
    """Save the trained weights, and load them again, so that what is measured is what is kept.

    Args:
        how: The adaptation; its weights in `model` are set to what it loads.

    Returns:
        The sha256 of the saved weights.

    Raises:
        Diverged: A weight is infinite or not a number.
        PluginError: A trained weight comes back otherwise than it was, or not at all.
    """
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    before = {name: weight.detach().clone() for name, weight in trained.items()}
    endless = [name for name, weight in before.items() if not bool(torch.isfinite(weight).all())]
    if endless:
        raise Diverged(
            f"{len(endless)} of {len(before)} trained tensors are not finite after the last step, first {endless[0]}.",
            "The last step's gradient was infinite or not a number: lower the learning rate of this arm, or look at "
            "its objective.",
        )
    digest = how.save(model, folder)
    with torch.no_grad():
        for weight in trained.values():
            weight.fill_(torch.nan)  # what is not loaded stays so
    how.load(model, folder)
    lost = [name for name, weight in trained.items() if not torch.equal(weight, before[name])]
    if lost:
        raise PluginError(
            f"The adaptation {how.name!r} ({file_of(type(how))}) does not load what it saves: {len(lost)} of "
            f"{len(before)} trained tensors come back otherwise, first {lost[0]}.",
            "Its `save` and `load` must keep every weight that is trained. Nothing was measured or kept of this run.",
        )
    return digest
