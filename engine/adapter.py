"""The LoRA adapter of a run: made, folded in for measuring, saved."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from engine.method import MethodConfig
from engine.provenance import hash_file

WEIGHTS = "adapter_model.safetensors"


def attach(model: Any, config: MethodConfig, seed: int) -> Any:
    """The model with a fresh LoRA on every linear layer; the same seed gives the same initial weights.

    Returns:
        A `peft.PeftModel`; only the adapter's weights are trained, without dropout.
    """
    from peft import LoraConfig, get_peft_model

    model.requires_grad_(False)
    lora = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return get_peft_model(model, lora)


@contextmanager
def folded(model: Any) -> Iterator[None]:
    """Within it, the adapter is part of the base's weights: two thirds of the operations fall away.

    The base's own tensors are put back afterwards, not computed back, so they are the same to the bit.
    """
    from peft.tuners.lora import LoraLayer

    kept: list[tuple[Any, torch.Tensor]] = []
    try:
        for layer in model.modules():
            if isinstance(layer, LoraLayer) and isinstance(layer.get_base_layer(), torch.nn.Linear):
                base = layer.get_base_layer()
                kept.append((layer, base.weight.data))
                with torch.no_grad():
                    base.weight.data = base.weight.data + layer.get_delta_weight("default")
                layer.merged_adapters.append("default")  # its forward then uses the base layer alone
        yield
    finally:
        for layer, weight in kept:
            layer.get_base_layer().weight.data = weight
            layer.merged_adapters.clear()


def save(model: Any, folder: Path) -> str:
    """Write the adapter into a folder, which appears whole or not at all.

    Returns:
        sha256 of its weights.
    """
    made = folder.with_name(folder.name + ".part")
    shutil.rmtree(made, ignore_errors=True)
    model.save_pretrained(made, safe_serialization=True)
    if folder.exists():
        shutil.rmtree(folder)
    os.replace(made, folder)
    return hash_file(folder / WEIGHTS)


def load(model: Any, folder: Path) -> None:
    """Set the adapter's weights from a folder that `save` or a checkpoint wrote."""
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    set_peft_model_state_dict(model, load_file(folder / WEIGHTS), adapter_name="default")
