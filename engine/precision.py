"""Whether training in bfloat16 may be trusted here: tried on the run's own loss before its first step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

LOSS, COSINE = 0.02, 0.99  # largest relative difference of the loss, and least cosine between the gradients


class Trial(NamedTuple):
    """Whether bfloat16 gave the loss and the gradient of float32, and what was seen."""

    ok: bool
    detail: str


def compare(loss: Callable[[bool], Tensor], weights: Sequence[Tensor]) -> Trial:
    """Compare one loss and its gradient in both precisions.

    Args:
        loss: Computes it; True: in bfloat16.
        weights: The trained weights, float32; their gradients are None afterwards.
    """
    found = []
    for half in (False, True):
        value = loss(half)
        gradients = torch.autograd.grad(value, weights, allow_unused=True)
        flat = [torch.zeros(1) if g is None else g.detach().flatten().float().cpu() for g in gradients]
        found.append((float(value.detach()), torch.cat(flat)))
    (full, exact), (half_loss, rough) = found
    difference = abs(half_loss - full) / max(abs(full), 1e-9)
    cosine = float(torch.nn.functional.cosine_similarity(exact, rough, dim=0))
    seen = f"the loss differs by {difference:.2%}, and the cosine between the gradients is {cosine:.4f}"
    if difference <= LOSS and cosine >= COSINE:
        return Trial(True, f"Trained in bfloat16: against float32, on this machine, {seen}.")
    return Trial(False, f"Trained in float32, not in bfloat16: on this machine {seen}.")


@contextmanager
def attention(model: Any, kind: str) -> Iterator[None]:
    """Within it, the base model attends in one of transformers' ways, e.g. "eager"; where it can."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    before = base.config._attn_implementation  # noqa: SLF001
    if before == kind:
        yield
        return
    base.set_attn_implementation(kind)
    try:
        yield
    finally:
        base.set_attn_implementation(before)
