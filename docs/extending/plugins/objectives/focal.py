"""Focal loss (Lin et al. 2017, arXiv:1708.02002, equation 4) of the answer's tokens."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from pydantic import Field

from engine.objectives import Loss, Objective, ObjectiveConfig
from engine.spec.example import Frozen
from engine.subject.forward import packing
from engine.subject.forward.packing import Packed

LEAST = 1e-6  # of 1 - p: where p rounds to 1, a power of 0 would have no gradient


class FocalConfig(ObjectiveConfig):
    """Settings of focal loss."""

    gamma: float = Field(
        2.0, ge=0, le=10, description="How far tokens that are likely already are weighed down; 0: not at all."
    )


class Focal(Objective[FocalConfig]):
    """Tokens that the model already predicts count less: each one's loss is multiplied by (1 - p)^gamma.

    With gamma = 0 it is the mean negative log-likelihood, the loss of the objective "sft".
    """

    name: ClassVar[str] = "focal"
    label: ClassVar[str] = "Focal loss"
    source: ClassVar[str] = "arXiv:1708.02002"
    Config: ClassVar[type[Frozen]] = FocalConfig

    def loss(self, model: Any, batch: dict[str, Any]) -> Loss:
        """The mean over the answers' tokens, nats; beside it the mean probability of a token, "confidence"."""
        logprobs = packing.logprobs(model, Packed(**batch))  # [tokens of all answers], nats
        missed = (-torch.expm1(logprobs)).clamp(min=LEAST)  # 1 - p, exact also where p is near 1
        total = -(missed**self.config.gamma * logprobs).mean()
        return Loss(total, {"confidence": logprobs.exp().mean()})
