"""Log-probabilities of given tokens, in batches of similar length; logits only where they count."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine import stopping

BATCH_TOKENS = 8192
BATCH_ROWS = 128

_RESCALED = ("final_logit_softcapping", "logit_scale", "output_multiplier", "lm_head_multiplier", "logits_scaling")


def completion_logprobs(
    model: Any, pairs: Sequence[tuple[Sequence[int], Sequence[int]]], pad_id: int, stop: threading.Event | None = None
) -> np.ndarray:
    """Total log-probability in nats of each completion after its prompt.

    Args:
        model: A causal language model.
        pairs: Token ids (prompt, completion); an empty completion has log-probability 0.
        pad_id: Any token id.
        stop: Looked at between batches.

    Returns:
        float64 [pairs].
    """
    totals = np.zeros(len(pairs))
    order = sorted(range(len(pairs)), key=lambda at: -(len(pairs[at][0]) + len(pairs[at][1])))
    was_training = model.training
    model.eval()
    try:
        start = 0
        while start < len(order):
            stopping.check(stop)
            longest = sum(len(part) for part in pairs[order[start]])
            batch = order[start : start + max(1, min(BATCH_ROWS, BATCH_TOKENS // max(1, longest)))]
            start += len(batch)
            with torch.inference_mode():
                totals[batch] = _score(model, [pairs[at] for at in batch], pad_id)
    finally:
        model.train(was_training)
    return totals


def pad_right(pairs: Sequence[tuple[Sequence[int], Sequence[int]]], pad_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """Token ids, attention mask and completion mask, each int64 [rows, longest]."""
    longest = max(1, max(len(prompt) + len(completion) for prompt, completion in pairs))
    ids = np.full((len(pairs), longest), pad_id, dtype=np.int64)
    mask = np.zeros((len(pairs), longest), dtype=np.int64)
    counted = np.zeros((len(pairs), longest), dtype=np.int64)
    for row, (prompt, completion) in enumerate(pairs):
        end = len(prompt) + len(completion)
        ids[row, : len(prompt)] = prompt
        ids[row, len(prompt) : end] = completion
        mask[row, :end] = 1
        counted[row, len(prompt) : end] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(counted)


def token_logprobs(model: Any, ids: Tensor, mask: Tensor, counted: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probability of every counted token.

    Args:
        model: A causal language model, possibly with an adapter.
        ids: Token ids, int64 [rows, length].
        mask: 1 for tokens, 0 for padding, of the same shape.
        counted: 1 for tokens to score, of the same shape; the first of a row is never scored.

    Returns:
        Log-probabilities (nats, float32) and rows, both [tokens counted], row by row.
    """
    here = counted[:, 1:].bool()  # the position before predicts it: [rows, length - 1]
    targets = ids[:, 1:][here]
    core = _core(model)
    if core is None:
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1][here]
    else:
        backbone, head = core
        hidden = backbone(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        logits = head(hidden[:, :-1][here])  # [tokens counted, vocabulary]
    scores = -torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")
    return scores, here.nonzero()[:, 0]


def packed_logprobs(model: Any, ids: Tensor, mask: Tensor, counted: Tensor) -> tuple[Tensor, Tensor]:
    """`token_logprobs` of a right-padded batch in two halves by length, where that saves a good part of the padding.

    On a CPU every padded token costs as much as a real one. The values are the same; their order is not.
    """
    lengths = mask.sum(1)
    order = lengths.argsort()
    half = len(order) // 2
    short = int(lengths[order[half - 1]]) if half else 0
    if ids.device.type != "cpu" or half * (ids.shape[1] - short) < 0.1 * ids.numel():
        return token_logprobs(model, ids, mask, counted)
    scores, rows = [], []
    for part, length in ((order[:half], short), (order[half:], ids.shape[1])):
        score, row = token_logprobs(model, *(t[part, :length] for t in (ids, mask, counted)))
        scores.append(score)
        rows.append(part[row])
    return torch.cat(scores), torch.cat(rows)


def _score(model: Any, pairs: Sequence[tuple[Sequence[int], Sequence[int]]], pad_id: int) -> np.ndarray:
    ids, mask, counted = (t.to(model.device) for t in pad_right(pairs, pad_id))
    scores, rows = token_logprobs(model, ids, mask, counted)
    totals = torch.zeros(len(pairs), dtype=torch.float64, device=model.device)
    return totals.index_add_(0, rows, scores.double()).cpu().numpy()


def _core(model: Any) -> tuple[Any, Any] | None:
    """Backbone and output layer, where logits are plainly the one times the other; else None."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    config = base.config.get_text_config()
    if config is not base.config or any(getattr(config, name, None) is not None for name in _RESCALED):
        return None
    backbone, head = base.base_model, base.get_output_embeddings()
    return None if backbone is base or head is None else (backbone, head)
