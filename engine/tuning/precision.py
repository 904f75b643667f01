"""Whether training in bfloat16 may be trusted here: tried once for a trial, on its own data, before its first run.

What decides is the same for every run of a trial on one machine: fixed batches of the data, both losses, and a fresh
adapter of seed 0. Runs of one trial are never trained in two precisions because their first batches differed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

import torch
from torch import Tensor

from engine.adaptations import _quick_lora, lora
from engine.methods._settings import LoraSettings
from engine.objectives import _losses as losses
from engine.subject.forward import attention, kernels, packing
from engine.subject.forward.packing import Block, Packed
from engine.subject.rendering import Encoded

LOSS, COSINE = 0.02, 0.99  # largest relative difference of the loss, and least cosine between the gradients
BATCHES = 3  # fixed batches that are tried
BETA = 0.1  # DPO's own default
_SEED = 0


class Trial(NamedTuple):
    """Whether bfloat16 gave the loss and the gradient of float32, and what was seen ("": it was not tried)."""

    ok: bool
    detail: str


class Seen(NamedTuple):
    """The relative difference of two losses, and the cosine between their gradients."""

    difference: float
    cosine: float


def decide(model: Any, pool: Sequence[Any], encode: Callable[[Any], Encoded], batch_size: int, pad: int) -> Trial:
    """Whether the runs of a trial are trained in bfloat16; the model is left as it was.

    Args:
        model: The base model, without an adapter.
        pool: The trial's training examples.
        encode: Makes rows of them.
        batch_size: Of the trial.
        pad: Any token id.
    """
    device = model.device.type
    if not pool or not kernels.has_bfloat16(device) or getattr(model.config, "output_router_logits", False):
        return Trial(False, "")
    drawn = Random("precision").sample(range(len(pool)), min(len(pool), BATCHES * batch_size))
    rows = [encode(pool[at]) for at in drawn]
    paired = [(row, _other(rows, at)) for at, row in enumerate(rows)]
    batches = [paired[at : at + batch_size] for at in range(0, len(rows), batch_size)]
    with lora.attached(model, LoraSettings.model_validate({}), _SEED) as tuned:
        _quick_lora.quicken(tuned)
        weights = [weight for weight in tuned.parameters() if weight.requires_grad]
        tuned.eval()  # dropout would differ between the two precisions
        seen = [seen for batch in batches for seen in _tried(tuned, batch, weights, pad)]
    return conclude(seen)


def conclude(seen: Sequence[Seen]) -> Trial:
    """The worst of what was seen decides."""
    difference, cosine = max(one.difference for one in seen), min(one.cosine for one in seen)
    said = f"the loss differs by up to {difference:.2%}, and the cosine between the gradients is at least {cosine:.4f}"
    if difference <= LOSS and cosine >= COSINE:
        return Trial(
            True, f"Trained in bfloat16: against float32, on this machine and {len(seen)} fixed losses, {said}."
        )
    return Trial(False, f"Trained in float32, not in bfloat16: on this machine and {len(seen)} fixed losses, {said}.")


def compare(loss: Callable[[bool], Tensor], weights: Sequence[Tensor]) -> Seen:
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
    return Seen(_bad_if_nan(difference, float("inf")), _bad_if_nan(cosine, -1.0))


def _other(rows: Sequence[Encoded], at: int) -> tuple[int, ...]:
    """The next row's answer that differs from a row's own, no longer than it; () where there is none.

    A pair of equal answers would have no gradient, and so would agree in any precision.
    """
    own = rows[at].completion
    after = (rows[(at + more) % len(rows)].completion[: len(own)] for more in range(1, len(rows)))  # fits as its own
    return next((other for other in after if other != own), ())


def _tried(
    model: Any, batch: Sequence[tuple[Encoded, tuple[int, ...]]], weights: Sequence[Tensor], pad: int
) -> Iterator[Seen]:
    """Both objectives on one batch: its answers, and each against another row's as the rejected one, where there is."""
    alone = _packed(model, [Block(row.prompt, (row.completion,)) for row, _ in batch], pad)

    def imitate(half: bool) -> Tensor:
        return losses.imitation(_scores(model, alone, half))

    yield compare(imitate, weights)
    pairs = [Block(row.prompt, (row.completion, other)) for row, other in batch if other]
    if not pairs:
        return
    both = _packed(model, pairs, pad)
    with torch.no_grad():
        reference = both.owners.new_zeros(2 * len(pairs), dtype=torch.float32)
        reference = reference.index_add(0, both.owners, packing.logprobs(model, both)).view(-1, 2)

    def prefer(half: bool) -> Tensor:
        return sum(losses.preference(_scores(model, both, half), both.owners, reference, BETA), torch.tensor(0.0))

    yield compare(prefer, weights)


def _packed(model: Any, blocks: Sequence[Block], pad: int) -> Packed:
    return packing.layout_of(model, max(block.size for block in blocks)).pack(blocks, pad).to(model.device)


def _scores(model: Any, batch: Packed, half: bool) -> Tensor:
    with attention.attending(model, half), torch.autocast(model.device.type, torch.bfloat16, enabled=half):
        return packing.logprobs(model, batch)


def _bad_if_nan(value: float, bad: float) -> float:
    return bad if value != value else value
