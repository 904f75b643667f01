"""The base of a tuned model beside it, without loading it again."""

from __future__ import annotations

import copy
from typing import Any

import torch

from engine.spec.errors import ModelError
from engine.subject.ensemble import first_logits


def without_adapter(model: Any) -> Any:
    """A PEFT model's base without any adapter, as a model of its own that shares all weights' memory.

    Both can be terms of one sum at the same time, and neither is slower for it: nothing is switched on and off between
    two steps. The base's weights are shared as they are now: an adapter that is folded in later (`lora.folded`) gives
    its layers new weights and leaves these alone.

    Raises:
        ModelError: An adapter is folded in at the moment, or the base cannot be had without it.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils.other import AuxiliaryTrainingWrapper

    inner = model.get_base_model()
    shared: dict[int, Any] = {id(b): b for b in inner.buffers()}
    shared |= {id(w): torch.nn.Parameter(w.detach(), requires_grad=False) for w in inner.parameters()}
    for layer in reversed(list(inner.modules())):  # a wrapper comes before what it wraps: the inner ones go first
        if isinstance(layer, BaseTunerLayer):
            if layer.merged:
                raise ModelError("An adapter is folded into the model whose base is asked for.", "Unfold it first.")
            shared[id(layer)] = copy.deepcopy(layer.get_base_layer(), shared)
        elif isinstance(layer, AuxiliaryTrainingWrapper):
            shared[id(layer)] = copy.deepcopy(layer.original_module, shared)
    plain = copy.deepcopy(inner, shared)
    if hasattr(plain, "peft_config"):
        del plain.peft_config
    plain.eval()
    with model.disable_adapter():
        want = first_logits(model)
    if not torch.equal(first_logits(plain), want):
        raise ModelError(
            "The model's base, taken apart from its adapter, does not predict what it did.", "Load the base once more."
        )
    return plain
