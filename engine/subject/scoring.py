"""Log-probabilities of given answers: each prompt is read once, batches hold similar lengths and so many tokens."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from engine.spec import stopping
from engine.subject.forward import packing
from engine.subject.forward.packing import Block

BATCH_TOKENS = 4096
BATCH_ROWS = 128


def completion_logprobs(
    model: Any, pairs: Sequence[tuple[Sequence[int], Sequence[int]]], pad_id: int, stop: threading.Event | None = None
) -> np.ndarray:
    """Total log-probability in nats of each completion after its prompt; neighbours may share a prompt.

    Args:
        model: A causal language model.
        pairs: Token ids (prompt, completion); an empty completion has log-probability 0.
        pad_id: Any token id.
        stop: Looked at between batches.

    Returns:
        float64 [pairs].
    """
    answers: dict[tuple[int, ...], int] = {}
    for prompt, answer in pairs:
        answers[tuple(prompt)] = answers.get(tuple(prompt), len(prompt)) + len(answer)
    layout = packing.layout_of(model, max(answers.values(), default=0))
    blocks = layout.blocks((tuple(prompt), tuple(answer)) for prompt, answer in pairs)
    first = np.cumsum([0, *(len(block.answers) for block in blocks)])  # the number of each block's first answer
    totals = np.zeros(len(pairs))
    was_training = model.training
    model.eval()
    try:
        for batch in batches([block.size for block in blocks], BATCH_TOKENS, BATCH_ROWS):
            stopping.check(stop)
            some: list[Block] = [blocks[at] for at in batch]
            numbers = np.concatenate([np.arange(first[at], first[at + 1]) for at in batch])
            with torch.inference_mode():
                packed = layout.pack(some, pad_id).to(model.device)
                scores = packing.logprobs(model, packed).double()
                sums = scores.new_zeros(len(numbers)).index_add_(0, packed.owners, scores)
            totals[numbers] = sums.cpu().numpy()
    finally:
        model.train(was_training)
    return totals


def batches(lengths: Sequence[int], tokens: int, rows: int) -> list[list[int]]:
    """Indices in batches of similar length, longest first (so that a lack of memory shows at once)."""
    order = sorted(range(len(lengths)), key=lambda at: -lengths[at])
    found = []
    start = 0
    while start < len(order):
        fit = max(1, min(rows, tokens // max(1, lengths[order[start]])))
        found.append(order[start : start + fit])
        start += fit
    return found
