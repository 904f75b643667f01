"""Where base models come from: bundled ones, downloads from the hub, and a user's own folders."""

from __future__ import annotations

from pathlib import Path

from engine.models import bundled, cache, downloaded, folder
from engine.models.loading import load, load_configuration, load_tokenizer
from engine.spec.errors import UnknownModel
from engine.spec.reference import ModelRef

__all__ = ["load", "load_configuration", "load_tokenizer", "resolve"]


def resolve(name_or_folder: str | Path | None, downloads: Path | None = None) -> ModelRef:
    """A base model by name or folder, checked to be safe and whole. Imports no torch, asks no network.

    Args:
        name_or_folder: A bundled model's name, a downloaded one ("owner/name" or "owner/name@revision"), or a folder
            with a Hugging Face causal language model (a name wins over a folder of the same name; "./name" is always
            a folder). None: the first bundled model.
        downloads: The folder of downloaded models; None: `downloaded.default_folder()`.

    Raises:
        UnknownModel: There is no such model.
        ModelError: It is incomplete or unsafe.
    """
    if name_or_folder is None:
        name_or_folder = bundled.default()
    text = str(name_or_folder)
    path = bundled.find(text)
    if path is not None:
        return folder.resolve(path, path.name)
    if (model := downloaded.find(text, downloads)) is not None:
        return folder.resolve(Path(model.path))
    try:
        path = Path(name_or_folder).expanduser()
        exists = path.exists()
    except (OSError, RuntimeError, ValueError):  # a name too long, no home, a NUL
        exists = False
    if not exists or path is None:
        raise _unknown(text, downloads)
    return folder.resolve(path)


def _unknown(text: str, downloads: Path | None) -> UnknownModel:
    known = ", ".join(bundled.names()) or "none is installed"
    there = ", ".join(model.name for model in downloaded.every(downloads)[:10])
    lists = f"Bundled models: {known}." + (f" Downloaded: {there}." if there else "")
    if downloaded.is_name(text):
        plain = text.partition("@")[0]
        if (held := cache.find(plain)) is not None:
            lists = f"The Hugging Face cache has it: give {folder.shown(str(held))} as the folder. {lists}"
        return UnknownModel(
            f"{folder.shown(text)} is not downloaded, and there is no such folder.",
            f"`python main.py models get {plain}` downloads it from the hub; in the window, Find… beside the model. "
            + lists,
        )
    return UnknownModel(
        f"There is no model named {folder.shown(text)}, and no such folder.",
        f"{lists} Or name a folder with config.json, tokenizer.json and *.safetensors.",
    )
