"""From a trained model to a folder that others can load: weights, tokenizer and how both were made."""

from __future__ import annotations

import copy
import json
import os
import platform
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.pretraining import model_card, progress, tokenizer
from engine.pretraining.recipes import CLOSING, OVERALL, Recipe
from engine.pretraining.rows import PROMPT_WEIGHT, RUNNING_WEIGHT, corpus_hash
from engine.spec.errors import ModelError
from engine.world import VERSION

FACTS = "training.json"
"""Marks a folder that a pretraining wrote."""


def ready(folder: Path, option: str) -> Path:
    """A folder that can be written to, made where it is missing. Raises ModelError, before hours are spent."""
    folder = folder.expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix="."):
            return folder
    except OSError as error:
        raise ModelError(
            f"{str(folder)!a} cannot be written to ({error.strerror}).", f"Name another folder with {option}."
        ) from error


def check_own(folder: Path) -> None:
    """Raises ModelError where a folder holds what no pretraining wrote: shipping would mix with it."""
    foreign = sorted(f.name for f in folder.iterdir()) if not (folder / FACTS).exists() else []
    if foreign:
        raise ModelError(
            f"{str(folder)!a} holds other things, such as {foreign[0]!a}.",
            "Name an empty or a new folder with --out. Nothing was changed.",
        )


def ship(recipe: Recipe, model: Any, folder: Path, work: Path, precision: str) -> None:
    """Write weights (float16 safetensors), tokenizer and the facts of training to `folder`, file by file whole.

    A card that is there is removed: it tells of another model.

    Args:
        work: The folder of the run's checkpoint.
        precision: How products were computed, in words.
    """
    import torch

    encode = tokenizer.build()
    small: Any = copy.deepcopy(model)
    small.to("cpu", torch.float16)
    small.generation_config.eos_token_id = encode.eos_token_id
    small.generation_config.pad_token_id = encode.pad_token_id
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".") as made:
        part = Path(made)
        small.save_pretrained(part)
        encode.save_pretrained(part)
        facts = _facts(recipe, model, work) | {"precision": precision}
        (part / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        os.replace(part / FACTS, folder / FACTS)  # first: it marks the folder as ours
        for name in model_card.FILES:
            (folder / name).unlink(missing_ok=True)
        for file in part.iterdir():
            os.replace(file, folder / file.name)


def _facts(recipe: Recipe, model: Any, work: Path) -> dict[str, Any]:
    import torch

    state = progress.read(progress.path(work))
    device = next(model.parameters()).device
    return {
        "recipe": asdict(recipe),
        "schedule": OVERALL,
        "closing": CLOSING,
        "weights": {"prompt": PROMPT_WEIGHT, "running": RUNNING_WEIGHT},
        "world": VERSION,
        "corpus_sha256": corpus_hash(recipe),
        "tokens": recipe.tokens,
        "parameters": sum(p.numel() for p in model.parameters()),
        "curve": state["curve"],
        "seconds": round(state["seconds"]),
        "hardware": torch.cuda.get_device_name()
        if device.type == "cuda"
        else f"{platform.machine()} CPU, threads: {torch.get_num_threads()}",
        "torch": torch.__version__,
    }
