"""The LoRA adapter of a run: made, folded in for measuring, saved."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from engine.methods._base import MethodConfig
from engine.spec.provenance import hash_file
from engine.subject.forward import kernels

WEIGHTS = "adapter_model.safetensors"
_STATE_SPACES = ("mamba", "mamba2", "falcon_mamba", "falcon_h1", "nemotron_h")
_FUSED = ("out_proj", "conv1d")  # read past the layer by the fused kernels of state-space models
_READ_PAST = ("dt_proj",)  # read past the layer by every kind of Mamba
WORTH_FOLDING = 0.08  # an adapter's multiplications, as a share of its layer's


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
def attached(model: Any, config: MethodConfig, seed: int) -> Iterator[Any]:
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


def quicken(model: Any) -> None:
    """Give every LoRA layer a forward that computes the same in fewer passes over memory.

    PEFT multiplies, scales and adds in separate passes, each as large as the layer's output; for a small model
    these cost a third of a step. Layers fall back to PEFT's own forward whenever the adapter is off or folded in.
    """
    from peft.tuners.lora import Linear

    for layer in model.modules():
        if isinstance(layer, Linear) and "forward" not in vars(layer):
            layer.forward = _quick_forward(layer)  # type: ignore[method-assign]


def _quick_forward(layer: Any) -> Any:
    plain = layer.forward
    base = layer.get_base_layer()
    usable = (
        type(base) in (torch.nn.Linear, kernels.QuickLinear)
        and not layer.lora_variant
        and isinstance(layer.lora_dropout["default"], torch.nn.Identity)
    )

    def forward(x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        if layer.merged:  # folded in for measuring
            return base(x)
        down, up = layer.lora_A["default"].weight, layer.lora_B["default"].weight
        half = torch.is_autocast_enabled(x.device.type)
        if not usable or args or kwargs or layer.disable_adapters or not (half or x.dtype == down.dtype):
            return plain(x, *args, **kwargs)
        kind = torch.get_autocast_dtype(x.device.type) if half else x.dtype
        weight = kernels.cast(base.weight, kind)
        bias = None if base.bias is None else kernels.cast(base.bias, kind)
        flat = kernels.narrowed(x, kind)
        out: Any = _LoraLinear.apply(x, flat, weight, bias, down, up, layer.scaling["default"])
        return out.view(*x.shape[:-1], -1)  # outside of the function: some models change what they get in place

    return forward


class _LoraLinear(torch.autograd.Function):
    """x W^T + bias + s (x A^T) B^T, with a frozen W [out, in]; A [rank, in], B [out, rank]; all in W's precision.

    `flat` is x [tokens, in] in that precision: the gradient goes to x.
    """

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, x: Any, flat: Any, weight: Any, bias: Any, down: Any, up: Any, scale: float
    ) -> torch.Tensor:  # fmt: skip
        kind = weight.dtype
        down, up = down.to(kind), up.to(kind)
        low = kernels.linear(flat, down)  # [tokens, rank]
        out = kernels.linear(flat, weight, bias).addmm_(low, up.t(), alpha=scale)
        ctx.save_for_backward(flat, weight, down, up, low)
        ctx.scale, ctx.shape, ctx.kind = scale, x.shape, x.dtype
        return out

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:  # type: ignore[override]
        flat, weight, down, up, low = ctx.saved_tensors
        grad = grad.reshape(-1, grad.shape[-1])  # [tokens, out]
        grad_low = kernels.linear(grad, up.t()).mul_(ctx.scale)  # [tokens, rank]
        grad_x = None
        if ctx.needs_input_grad[0]:  # the first layer's input is a frozen embedding
            grad_x = kernels.linear(grad, weight.t()).addmm_(grad_low, down).view(ctx.shape).to(ctx.kind)
        grad_down = (grad_low.t() @ flat).float()
        grad_up = (grad.t() @ low).float().mul_(ctx.scale)
        return grad_x, None, None, None, grad_down, grad_up, None


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
