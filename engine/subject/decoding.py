"""Answers token by token, for a batch of prompts: with a cache of keys and values where a model has a right one.

Every kind of model is first tried on a few short prompts: what it predicts with left padding, a cache and rows that
leave the batch must be what it predicts for the whole text, read anew at every step. A model that fails is read anew:
slow, and right for every causal model, among them those with a state in place of a cache (Mamba, RWKV).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from engine.subject.ensemble import WeightedModels, members_of
from engine.subject.forward import packing, windows

KEPT = 0.85  # ended rows leave once no more than this share of the batch goes on: every new size costs a new kernel
SAME = 1e-3  # largest difference of two logits, as a share of the largest, that is no more than rounding
_LONG = 256  # tokens; windows up to here are tried beyond
_STEPS = 5  # tokens of an answer that are tried
_ENDED = -1

Pick = Callable[[Tensor], Tensor]


class Decoded(NamedTuple):
    """An answer's token ids without the end token; `cut`: it reached the limit before it ended."""

    ids: list[int]
    cut: bool


class Decoder(Protocol):
    """Prompts that are being answered, one row each.

    Attributes:
        logits: Of the next token, [rows, vocabulary].
    """

    logits: Tensor

    def repeat(self, count: int) -> None:
        """Give every prompt so many rows, side by side."""
        ...

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows alone."""
        ...

    def add(self, tokens: Tensor) -> None:
        """Add one token to each row, [rows], and predict the next."""
        ...


class Cached:
    """Rows padded on the left, with a cache; positions are given to models that take them."""

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], pad: int) -> None:
        ids, mask = _left_pad(prompts, pad)
        self.model, self.mask = model, mask.to(model.device)
        positions = (self.mask.cumsum(1) - 1).clamp(min=0)
        self.padded = not bool(self.mask.all())
        takes = _arguments(model)
        self.positioned = "position_ids" in takes
        self.first = {"logits_to_keep": 1} if "logits_to_keep" in takes else {}
        self._read(ids.to(model.device), positions, **self.first)
        self.position = positions[:, -1:] + 1

    def repeat(self, count: int) -> None:
        """Give every prompt so many rows, side by side."""
        self.cache.batch_repeat_interleave(count)
        self.logits, self.position, self.mask = (
            part.repeat_interleave(count, 0) for part in (self.logits, self.position, self.mask)
        )

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows alone."""
        self.cache.batch_select_indices(rows)
        self.position, self.mask = self.position[rows], self.mask[rows]

    def add(self, tokens: Tensor) -> None:
        """Add one token to each row and predict the next."""
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(tokens), 1)], dim=1)
        self._read(tokens[:, None], self.position, past_key_values=self.cache)
        self.position = self.position + 1

    def _read(self, ids: Tensor, positions: Tensor, **more: Any) -> None:
        # An unpadded batch needs no mask, and every model is faster without one.
        mask = self.mask if self.padded else None
        if self.positioned:
            more["position_ids"] = positions
        out = self.model(input_ids=ids, attention_mask=mask, use_cache=True, **more)
        self.cache, self.logits = out.past_key_values, out.logits[:, -1]


class Anew:
    """Whole texts, padded on the right where a causal model never looks, read from the start at every step."""

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], pad: int) -> None:
        self.model, self.pad = model, pad
        self.rows = [list(prompt) for prompt in prompts]
        self._read()

    def repeat(self, count: int) -> None:
        """Give every prompt so many rows, side by side."""
        self.rows = [list(row) for row in self.rows for _ in range(count)]
        self.logits = self.logits.repeat_interleave(count, 0)

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows alone."""
        self.rows = [self.rows[row] for row in rows.tolist()]

    def add(self, tokens: Tensor) -> None:
        """Add one token to each row and predict the next."""
        for row, token in zip(self.rows, tokens.tolist(), strict=True):
            row.append(token)
        self._read()

    def _read(self) -> None:
        longest = max(len(row) for row in self.rows)
        ids = torch.tensor([row + [self.pad] * (longest - len(row)) for row in self.rows], device=self.model.device)
        last = torch.tensor([len(row) - 1 for row in self.rows], device=self.model.device)
        self.logits = packing.next_logits(self.model, ids, last)


class Together:
    """Several models that answer as one: each reads the same tokens in its own way, with a cache of its own.

    Logits are those of each, summed as `WeightedModels.combined` sums them: before any temperature.
    """

    def __init__(self, model: WeightedModels, prompts: Sequence[Sequence[int]], pad: int) -> None:
        self.combined = model.combined
        self.decoders: Sequence[Decoder] = [way_of(member)(member, prompts, pad) for member in members_of(model)]
        self._sum()

    def repeat(self, count: int) -> None:
        """Give every prompt so many rows, side by side."""
        for decoder in self.decoders:
            decoder.repeat(count)
        self.logits = self.logits.repeat_interleave(count, 0)

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows alone."""
        for decoder in self.decoders:
            decoder.keep(rows)

    def add(self, tokens: Tensor) -> None:
        """Add one token to each row and predict the next."""
        for decoder in self.decoders:
            decoder.add(tokens)
        self._sum()

    def _sum(self) -> None:
        self.logits = self.combined([decoder.logits for decoder in self.decoders])


Way = type[Cached] | type[Anew] | type[Together]
_known: WeakKeyDictionary[Any, dict[str, Way]] = WeakKeyDictionary()


def way_of(model: Any) -> Way:
    """How a model is read, from a trial on the model itself (once for each kind of attention on each device)."""
    if isinstance(model, WeightedModels):
        return Together
    base = packing.base_of(model)
    kind = f"{base.config._attn_implementation} on {base.device}"  # noqa: SLF001
    ways = _known.setdefault(base, {})
    if kind not in ways:
        ways[kind] = Cached if _cache_is_right(model) else Anew
    return ways[kind]


def decode(
    model: Any, prompts: Sequence[Sequence[int]], steps: int, pick: Pick, count: int, pad: int, ends: frozenset[int]
) -> list[Decoded]:
    """At most `steps` tokens after each prompt, `count` answers for each.

    Args:
        pick: Chooses tokens [rows] from logits [rows, vocabulary].
        ends: Tokens that end an answer.
    """
    return answers(way_of(model)(model, prompts, pad), steps, pick, count, ends)


def answers(decoder: Decoder, steps: int, pick: Pick, count: int, ends: frozenset[int]) -> list[Decoded]:
    """`decode` with a decoder at hand."""
    if count > 1:
        decoder.repeat(count)
    found: list[list[int]] = [[] for _ in range(len(decoder.logits))]
    alive = list(range(len(found)))  # which answer each row of the batch belongs to; _ENDED: none any more
    for step in range(steps):
        tokens = pick(decoder.logits)  # [rows]
        for row, token in enumerate(tokens.tolist()):
            if alive[row] != _ENDED and token in ends:
                alive[row] = _ENDED
            elif alive[row] != _ENDED:
                found[alive[row]].append(token)
        going = [row for row, answer in enumerate(alive) if answer != _ENDED]
        if not going or step == steps - 1:
            break
        if len(going) <= KEPT * len(alive):
            keep = torch.tensor(going, device=tokens.device)
            decoder.keep(keep)
            tokens = tokens[keep]
            alive = [alive[row] for row in going]
        decoder.add(tokens)
    cut = {answer for answer in alive if answer != _ENDED}
    return [Decoded(ids, at in cut) for at, ids in enumerate(found)]


@torch.inference_mode()
def _cache_is_right(model: Any) -> bool:
    """Whether a ragged batch with a cache, of which rows leave, gets the logits of the texts read as a whole."""
    if not {"past_key_values", "attention_mask"} <= _arguments(model).keys():
        return False
    base = packing.base_of(model)
    words = packing.words_of(base)
    window = windows.window(base.config) or 0
    longest = window + 4 if window <= _LONG else 24
    longest = max(2, min(max(24, longest), (windows.context(base.config) or 1024) - _STEPS))
    prompts = [[(5 + 3 * at + row) % words for at in range(size)] for row, size in enumerate((3, longest, 7, 2))]
    seen: dict[Way, list[Tensor]] = {Cached: [], Anew: []}

    def picker(into: list[Tensor]) -> Pick:
        def pick(logits: Tensor) -> Tensor:
            into.append(logits.float())
            picked = (torch.arange(len(logits), device=logits.device) * 5 + 7 * len(into)) % words
            return torch.where(picked == words - 1, 0, picked) if len(into) != 2 else _first_ends(picked, words)

        return pick

    try:
        for way, into in seen.items():
            answers(way(model, prompts, 0), _STEPS, picker(into), 1, frozenset({words - 1}))
    except Exception:  # noqa: BLE001 - a model may refuse a mask, positions or its cache in any way
        return False
    return len(seen[Cached]) == len(seen[Anew]) and all(
        a.shape == b.shape and bool((a - b).abs().max() <= SAME * max(1.0, float(b.abs().max())))
        for a, b in zip(*seen.values(), strict=True)
    )


def _first_ends(picked: Tensor, words: int) -> Tensor:
    picked = picked.clone()
    picked[0] = words - 1
    return picked


def _arguments(model: Any) -> dict[str, Any]:
    """What the model's own forward takes, by name."""
    return dict(inspect.signature(packing.base_of(model).forward).parameters)


def _left_pad(rows: Sequence[Sequence[int]], pad: int) -> tuple[Tensor, Tensor]:
    """Token ids and mask, both [rows, longest]."""
    longest = max(len(row) for row in rows)
    ids = np.full((len(rows), longest), pad, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for at, row in enumerate(rows):
        ids[at, longest - len(row) :] = row
        mask[at, longest - len(row) :] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask)
