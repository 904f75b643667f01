"""The models that ship with the lab (`resources/models/<name>`)."""

from __future__ import annotations

from pathlib import Path

import engine
from engine.spec.errors import ModelError

FIRST = "fork-s"
"""The model that is taken where none is named."""

FOLDER = Path(engine.__path__[0]).resolve().parent / "resources" / "models"


def names() -> list[str]:
    """Names of the bundled models, the first one first."""
    found = sorted(path.parent.name for path in FOLDER.glob("*/config.json"))
    return sorted(found, key=lambda name: name != FIRST)


def find(name: str) -> Path | None:
    """The folder of a bundled model, None where no model has that name."""
    return FOLDER / name if name in names() else None


def default() -> str:
    """The name of the first bundled model. Raises ModelError where there is none."""
    found = names()
    if not found:
        raise ModelError(
            "No bundled model is installed.",
            "Make one with `python main.py pretrain`, or name a model's folder.",
        )
    return found[0]
