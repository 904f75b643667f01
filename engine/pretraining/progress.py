"""A pretraining run's checkpoint: one file, written beside and renamed, so that a kill leaves a whole one."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

from engine.spec.errors import ModelError


class Progress:
    """What a run needs to go on.

    Attributes:
        curve: [step, mean loss in nats] of each stretch.
        seconds: Spent training so far.
        identity: What must be the same for a checkpoint to be resumed.
    """

    def __init__(self, folder: Path, identity: str, **parts: Any) -> None:
        self.path = path(folder)
        self.identity = identity
        self.parts = parts
        self.curve: list[list[float]] = []
        self.seconds = 0.0

    def save(self, done: int) -> None:
        """Write the state after so many steps."""
        import torch

        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        facts = {"done": done, "curve": self.curve, "seconds": self.seconds, "identity": self.identity}
        with part.open("wb") as file:
            torch.save({name: it.state_dict() for name, it in self.parts.items()} | facts, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self.path)

    def resume(self) -> int:
        """Set every part to its checkpoint, if there is one, and give the step to go on from.

        Raises:
            ModelError: The checkpoint is damaged, or of another recipe, precision or world.
        """
        if not self.path.exists():
            return 0
        state = read(self.path, *self.parts)
        if state["identity"] != self.identity:
            raise ModelError(
                f"{self.path} was trained by another recipe, in another precision or on other words.",
                "Name another folder with --work, or go back to the former state of both. Nothing was changed.",
            )
        for name, it in self.parts.items():
            it.load_state_dict(state[name])
        self.curve, self.seconds = state["curve"], state["seconds"]
        return state["done"]


def path(folder: Path) -> Path:
    """Where a run's checkpoint lies."""
    return folder / "checkpoint.pt"


def read(file: Path, *parts: str) -> dict[str, Any]:
    """A checkpoint's content. Raises ModelError where a byte of it is not what was written, or a part is missing."""
    import torch

    try:
        with zipfile.ZipFile(file) as kept:  # torch writes a checksum for each part, but does not look at it
            if kept.testzip() is not None:
                raise ValueError("a checksum does not fit")
        state = torch.load(file, weights_only=True)
        if not {*parts, "done", "curve", "seconds", "identity"} <= state.keys():
            raise ValueError("a part is missing")
    except Exception as error:  # the readers fall over damage in many ways
        raise ModelError(
            f"{file} is no checkpoint, or a damaged one.", "Delete it to start anew. Nothing was changed."
        ) from error
    return state
