"""Where base models come from: bundled ones, and a user's own folders."""

from __future__ import annotations

from pathlib import Path

from engine.errors import ModelError
from engine.models import bundled, folder
from engine.models.loading import load
from engine.spec import ModelRef

__all__ = ["load", "resolve"]


def resolve(name_or_folder: str | Path | None) -> ModelRef:
    """A base model by name or folder, checked to be safe and whole. Imports no torch.

    Args:
        name_or_folder: A bundled model's name, or a folder with a Hugging Face causal language model (a name wins
            over a folder of the same name; "./name" is always a folder). None: the first bundled model.

    Raises:
        ModelError: There is no such model, or it is incomplete or unsafe.
    """
    if name_or_folder is None:
        name_or_folder = bundled.default()
    path = bundled.find(str(name_or_folder))
    if path is not None:
        return folder.resolve(path, path.name)
    try:
        path = Path(name_or_folder).expanduser()
        exists = path.exists()
    except (OSError, RuntimeError, ValueError):  # a name too long, no home, a NUL
        exists = False
    if not exists or path is None:
        known = ", ".join(bundled.names()) or "none is installed"
        raise ModelError(
            f"There is no model named {folder.shown(str(name_or_folder))}, and no such folder.",
            f"Bundled models: {known}. Or name a folder with config.json, tokenizer.json and *.safetensors.",
        )
    return folder.resolve(path)
