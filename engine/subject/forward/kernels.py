"""Matrix products as fast as this machine does them, and whether half precision may be trusted on it.

torch sends float32 products on a CPU to MKL, which on processors that are not Intel's runs at less than half of
what oneDNN reaches (105 against 255 GFLOP/s, one thread, AVX-512). oneDNN comes with torch, and the values are
the same to rounding; where it is missing, or where they are not, torch's own product stands.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

ROUNDING = 1e-5  # largest relative difference between two float32 products that is no more than rounding

Linear = Callable[..., Tensor]


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + bias without a gradient: x [tokens, in], W [out, in]."""
    if x.dtype is torch.float32 and x.device.type == "cpu" and x.numel():
        return _float32()(x, weight, bias)
    return torch.nn.functional.linear(x, weight, bias)


class QuickLinear(torch.nn.Linear):
    """A linear layer that uses `linear` for whatever needs no gradient and no other precision."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own name
        """x W^T + bias: [..., in] -> [..., out]."""
        if (torch.is_grad_enabled() and input.requires_grad) or torch.is_autocast_enabled(input.device.type):
            return super().forward(input)
        return linear(input, self.weight, self.bias)


def quicken(model: Any) -> None:
    """Turn every plain linear layer of a model into a `QuickLinear`."""
    for layer in model.modules():
        if type(layer) is torch.nn.Linear:
            layer.__class__ = QuickLinear


@cache
def _float32() -> Linear:
    """oneDNN's product if this build of torch has it and it computes the same, else torch's own."""
    own = torch.nn.functional.linear
    try:
        operator = torch.ops.mkldnn._linear_pointwise  # noqa: SLF001 - what torch.compile calls on a CPU
        generator = torch.Generator().manual_seed(0)
        x, weight, bias = (torch.randn(shape, generator=generator) for shape in ((33, 192), (48, 192), (48,)))
        want = own(x, weight, bias)
        same = (operator(x, weight, bias, "none", [], "") - want).abs().max() <= ROUNDING * want.abs().max()
    except (AttributeError, RuntimeError):  # a build without oneDNN
        return own
    if not same:
        return own
    return lambda x, weight, bias=None: operator(x, weight, bias, "none", [], "")


_halves = WeakTensorKeyDictionary()


def cast(weight: Tensor, kind: torch.dtype) -> Tensor:
    """A frozen weight in another precision; kept, so that runs that share the weight share this as well."""
    if weight.dtype is kind:
        return weight
    known = _halves.get(weight)
    if known is None or known.dtype is not kind:
        known = _halves[weight] = weight.detach().to(kind)
    return known


_latest: tuple[Any, int, Tensor] | None = None  # what was narrowed last, its version, and the result


@torch.no_grad()
def narrowed(x: Tensor, kind: torch.dtype) -> Tensor:
    """A layer's input as [tokens, in] in a precision; the layers that read one input after the other share one copy."""
    global _latest  # noqa: PLW0603 - queries, keys and values ask in turn
    if x.dtype is kind:
        return x.detach().reshape(-1, x.shape[-1])
    if _latest is None or _latest[0]() is not x or _latest[1] != x._version or _latest[2].dtype is not kind:  # noqa: SLF001
        _latest = (weakref.ref(x), x._version, x.reshape(-1, x.shape[-1]).to(kind))  # noqa: SLF001
    return _latest[2]


def halve(model: Any) -> None:
    """Make the half-precision copies that training will ask for, where it will: before a fork, all runs share them."""
    if has_bfloat16("cpu"):
        for layer in model.modules():
            if isinstance(layer, QuickLinear):
                cast(layer.weight, torch.bfloat16)


@cache
def has_bfloat16(device: str) -> bool:
    """Whether the hardware multiplies bfloat16 itself, and torch was not told to do without (ATEN_CPU_CAPABILITY)."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return (
        device == "cpu"
        and torch.backends.cpu.get_cpu_capability().startswith("AVX512")
        and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())  # noqa: SLF001
    )
