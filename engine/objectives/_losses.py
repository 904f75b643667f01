"""The losses of the objectives, from log-probabilities of answers' tokens (nats, [scored])."""

from __future__ import annotations

import torch
from torch import Tensor


def imitation(scores: Tensor) -> Tensor:
    """Mean negative log-likelihood of the tokens, nats; TRL's `loss_type="nll"`. A scalar."""
    return -scores.sum() / max(1, len(scores))


def preference(scores: Tensor, owners: Tensor, reference: Tensor, beta: float) -> tuple[Tensor, Tensor]:
    """DPO's sigmoid loss, and the mean negative log-likelihood of the chosen answers' tokens: two scalars.

    Args:
        scores: Log-probabilities of the tokens of all answers, [scored].
        owners: The answer each belongs to, [scored]: chosen ones have even numbers, the rejected one follows.
        reference: The reference's log-probabilities (nats) of chosen and rejected answers, [pairs, 2].
        beta: How strongly the policy is held to the reference.
    """
    totals = scores.new_zeros(2 * len(reference)).index_add(0, owners, scores).view(-1, 2)  # [pairs, 2]
    margins = totals - reference
    preferred = -torch.nn.functional.logsigmoid(beta * (margins[:, 0] - margins[:, 1])).mean()
    return preferred, -scores[owners % 2 == 0].mean()
