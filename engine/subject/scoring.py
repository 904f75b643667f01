"""Log-probabilities and entropies of given answers: each prompt is read once, batches hold similar lengths."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from engine.spec import stopping
from engine.subject.ensemble import members_of
from engine.subject.forward import packing
from engine.subject.forward.packing import Block, Packed

BATCH_TOKENS = 4096
BATCH_ROWS = 128


class TokenScores(NamedTuple):
    """A completion's tokens, in order, in nats, float64 [tokens]: log-probability and, where asked for, entropy."""

    logprobs: np.ndarray
    entropies: np.ndarray | None


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
    totals = np.zeros(len(pairs))
    with evaluating(model), torch.inference_mode():
        for numbers, packed in _packed(model, pairs, pad_id, stop):
            scores = packing.logprobs(model, packed).double()
            sums = scores.new_zeros(len(numbers)).index_add_(0, packed.owners, scores)
            totals[numbers] = sums.cpu().numpy()
    return totals


def token_scores(
    model: Any,
    pairs: Sequence[tuple[Sequence[int], Sequence[int]]],
    pad_id: int,
    stop: threading.Event | None = None,
    entropies: bool = False,
) -> list[TokenScores]:
    """Log-probability of each token of each completion; see `completion_logprobs`.

    Args:
        entropies: Whether the entropy of each prediction is asked for, too: of the distribution that the token is
            drawn from, whatever the token is.
    """
    found = [TokenScores(np.zeros(0), np.zeros(0) if entropies else None)] * len(pairs)
    with evaluating(model), torch.inference_mode():
        for numbers, packed in _packed(model, pairs, pad_id, stop):
            parts = packing.scores(model, packed) if entropies else (packing.logprobs(model, packed),)
            ends = torch.bincount(packed.owners, minlength=len(numbers)).cumsum(0)[:-1].tolist()  # owners are in order
            split = [np.split(part.double().cpu().numpy(), ends) for part in parts]
            for at, number in enumerate(numbers):
                found[number] = TokenScores(split[0][at], split[1][at] if entropies else None)
    return found


def _packed(
    model: Any, pairs: Sequence[tuple[Sequence[int], Sequence[int]]], pad_id: int, stop: threading.Event | None
) -> Iterator[tuple[np.ndarray, Packed]]:
    """Batches on the model's device, each with the places in `pairs` of its answers."""
    answers: dict[tuple[int, ...], int] = {}
    for prompt, answer in pairs:
        answers[tuple(prompt)] = answers.get(tuple(prompt), len(prompt)) + len(answer)
    layout = packing.layout_of(model, max(answers.values(), default=0))
    blocks = layout.blocks((tuple(prompt), tuple(answer)) for prompt, answer in pairs)
    first = np.cumsum([0, *(len(block.answers) for block in blocks)])  # the number of each block's first answer
    for batch in batches([block.size for block in blocks], BATCH_TOKENS, BATCH_ROWS):
        stopping.check(stop)
        some: list[Block] = [blocks[at] for at in batch]
        numbers = np.concatenate([np.arange(first[at], first[at + 1]) for at in batch])
        yield numbers, layout.pack(some, pad_id).to(model.device)


class evaluating:  # noqa: N801 - reads as a statement
    """Puts a model, or each of several, into evaluation mode, and back into the mode it was in."""

    def __init__(self, model: Any) -> None:
        self.models = members_of(model)

    def __enter__(self) -> None:
        self.were = [model for model in self.models if model.training]
        for model in self.were:
            model.eval()

    def __exit__(self, *_: object) -> None:
        for model in self.were:
            model.train()


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
