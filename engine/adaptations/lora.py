"""LoRA on every linear layer (Hu et al. 2021, arXiv:2106.09685): attached, folded in for measuring, saved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import torch

from engine.adaptations import _quick_lora
from engine.adaptations._peft import PeftAdaptation
from engine.methods._settings import LoraSettings
from engine.spec.example import Frozen

WEIGHTS = "adapter_model.safetensors"
_STATE_SPACES = ("mamba", "mamba2", "falcon_mamba", "falcon_h1", "nemotron_h")
_FUSED = ("out_proj", "conv1d")  # read past the layer by the fused kernels of state-space models
_READ_PAST = ("dt_proj",)  # read past the layer by every kind of Mamba
WORTH_FOLDING = 0.08  # an adapter's multiplications, as a share of its layer's


class Lora(PeftAdaptation[LoraSettings]):
    """A low-rank update of every linear layer's weights."""

    name: ClassVar[str] = "lora"
    label: ClassVar[str] = "LoRA"
    source: ClassVar[str] = "arXiv:2106.09685"
    Config: ClassVar[type[Frozen]] = LoraSettings

    def attach(self, model: Any, seed: int) -> Any:
        """A `peft.PeftModel`."""
        return attach(model, self.config, seed)

    def quicken(self, model: Any) -> None:
        """By a forward pass of our own."""
        _quick_lora.quicken(model)

    @contextmanager
    def measurable(self, model: Any) -> Iterator[Any]:
        """With the update folded into the base's weights."""
        with folded(model):
            yield model.get_base_model()


def attach(model: Any, config: LoraSettings, seed: int) -> Any:
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
        exclude_modules=_left_alone(model),
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return get_peft_model(model, lora)


def _left_alone(model: Any) -> list[str] | None:
    """Layers without an adapter: their weights are used in another way than a linear layer's."""
    state = getattr(model.config, "model_type", "") in _STATE_SPACES
    past = (*_READ_PAST, *_FUSED) if state else _READ_PAST
    found = [
        name
        for name, layer in model.named_modules()
        if name.rpartition(".")[2] in past or (isinstance(layer, torch.nn.Linear) and "Router" in type(layer).__name__)
    ]
    return found or None


@contextmanager
def attached(model: Any, config: LoraSettings, seed: int) -> Iterator[Any]:
    """Within it, the model with a fresh adapter, as `attach` makes it; afterwards the model is as it was."""
    needed = [(weight, weight.requires_grad) for weight in model.parameters()]
    training = model.training
    tuned = attach(model, config, seed)
    try:
        yield tuned
    finally:
        tuned.unload()
        if hasattr(model, "peft_config"):  # PEFT leaves it behind, and warns of a second adapter
            del model.peft_config
        model.train(training)
        for weight, need in needed:
            weight.requires_grad_(need)


@contextmanager
def folded(model: Any) -> Iterator[None]:
    """Within it, the adapter is part of the base's weights: two thirds of the operations fall away.

    The base's own tensors are put back afterwards, not computed back, so they are the same to the bit. A layer so wide
    that its adapter costs next to nothing stays as it is: folding copies its weight, which runs may share.
    """
    from peft.tuners.lora import LoraLayer

    kept: list[tuple[Any, Any]] = []
    try:
        layers: list[Any] = [layer for layer in model.modules() if isinstance(layer, LoraLayer)]
        for layer in layers:
            base = layer.get_base_layer()
            if isinstance(base, torch.nn.Linear) and _adapter_share(layer) > WORTH_FOLDING:
                kept.append((layer, base.weight.data))
                with torch.no_grad():
                    base.weight.data = base.weight.data + layer.get_delta_weight("default")
                layer.merged_adapters.append("default")  # its forward then uses the base layer alone
        yield
    finally:
        for layer, weight in kept:
            layer.get_base_layer().weight.data = weight
            layer.merged_adapters.clear()


def _adapter_share(layer: Any) -> float:
    down, up = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    return (down.numel() + up.numel()) / layer.get_base_layer().weight.numel()
