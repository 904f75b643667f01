"""Several examples in one row, and several answers after one prompt, without one seeing another: exact, by a mask.

Padding costs a CPU as much as real tokens do, and a prompt with two answers need be read only once. A model that
cannot use our attention mask, or computes another value with it, gets one plain row for each answer instead.

Lengths are rounded up: oneDNN compiles a kernel for every new size, and without that almost every batch would have a
new shape (a step of the bundled model: 84 ms against 76).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from engine.spec.errors import ModelError
from engine.subject.ensemble import WeightedModels
from engine.subject.forward import windows

SAME = 1e-4  # largest difference (nats) between a packed and a plain log-probability that is no more than rounding
ROW, SCORED = 8, 32  # rows are a multiple of so many tokens long, and logits of so many places are made at once
SHORTEST, MOST = 64, 1024  # tokens of the blocks that are tried first, and of the longest that share a row on a CPU
READS_PREFIX = "reads_prefix"  # set on an input layer that gives trained embeddings for ids beyond its vocabulary
_LEAST = 16  # tokens; a model whose window is narrower gets plain rows
_NOBODY = -1


class Block(NamedTuple):
    """A prompt and the answers that may follow it, as token ids."""

    prompt: tuple[int, ...]
    answers: tuple[tuple[int, ...], ...]

    @property
    def size(self) -> int:
        """Tokens, the prompt's counted once."""
        return len(self.prompt) + sum(len(answer) for answer in self.answers)


class Packed(NamedTuple):
    """A batch. Answers are numbered over all blocks, in order.

    Attributes:
        ids: Token ids, int64 [rows, length].
        positions: Each token's place in its own sequence, of the same shape; None: as it stands in the row.
        visible: Which tokens (last axis) each token sees, bool [rows, 1, length, length]; None: all before it.
        places: Where an answer's token is predicted, int64 [scored], counted through all rows.
        targets: The tokens to be predicted, int64 [scored].
        owners: The answer each belongs to, int64 [scored].
    """

    ids: Tensor
    positions: Tensor | None
    visible: Tensor | None
    places: Tensor
    targets: Tensor
    owners: Tensor

    def to(self, device: Any) -> Packed:
        """The same on a device."""
        return Packed(*(None if part is None else part.to(device) for part in self))  # type: ignore[arg-type]


class Layout(NamedTuple):
    """What rows a model takes.

    Attributes:
        longest: Longest block that may share a row, in tokens, of the lengths tried; 0: none may.
        width: Its hidden size: how much a token costs beside its attention.
    """

    longest: int = 0
    width: int = 1

    def blocks(self, pairs: Iterable[tuple[tuple[int, ...], tuple[int, ...]]]) -> list[Block]:
        """Prompts with answers; neighbours of one prompt share a block where reading it once saves anything."""
        found: list[Block] = []
        for prompt, group in groupby(pairs, key=lambda pair: pair[0]):
            block = Block(prompt, tuple(answer for _, answer in group))
            answers = block.size - len(prompt)
            shared = answers <= len(prompt) * len(block.answers) and block.size <= self.longest
            found += [block] if shared else [Block(prompt, (answer,)) for answer in block.answers]
        return found

    def pack(self, blocks: Sequence[Block], pad: int) -> Packed:
        """A batch in as many rows as cost least; blocks of several answers must be no longer than `longest`."""
        if any(not block.prompt or block.size > self.longest for block in blocks):
            return _plain(blocks, pad)
        counts = range(len(blocks), max(1, len(blocks) // 3) - 1, -1)
        layouts = (_shared_out(blocks, count) for count in (counts if len(blocks) <= 64 else counts[:1]))
        rows = min(layouts, key=lambda rows: _cost(rows, blocks, self.width))
        if len(rows) == len(blocks) and all(len(block.answers) == 1 for block in blocks):
            return _plain(blocks, pad)
        return _together(rows, blocks, pad)


_known: WeakKeyDictionary[Any, dict[tuple[str, int], bool]] = WeakKeyDictionary()
_bounds: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


def layout_of(model: Any, size: int = SHORTEST) -> Layout:
    """The layout of a model for blocks of up to `size` tokens, from trials on the model itself.

    What shares a row is no longer than the context and than every window of the configuration, and no longer than
    blocks that were tried: a window that the configuration does not name would show there. Each length is tried once
    for each kind of attention on each device. Several models take what each of them takes.
    """
    if isinstance(model, WeightedModels):
        layouts = [layout_of(member, size) for member in model.members]
        return Layout(min(layout.longest for layout in layouts), max(layout.width for layout in layouts))
    base = base_of(model)
    known = _known.setdefault(base, {})
    kind = f"{base.config._attn_implementation} on {base.device}"  # noqa: SLF001
    if base not in _bounds:
        _bounds[base] = windows.narrowest(base.config)
    bound = min(_bounds[base], MOST if base.device.type == "cpu" else 4 * MOST)
    longest, tried = 0, min(SHORTEST, bound)
    while tried > longest:
        if (kind, tried) not in known:
            known[kind, tried] = _takes_packed(base, tried)
        if not known[kind, tried]:
            break
        longest, tried = tried, tried if tried >= size else min(2 * tried, bound)
    return Layout(longest, getattr(base.config.get_text_config(), "hidden_size", 1))


def logits(model: Any, batch: Packed) -> Tensor:
    """Logits [scored, vocabulary] of every answer's every token; none are made where nothing is scored."""
    if isinstance(model, WeightedModels):
        return model.combined([logits(member, batch) for member in model.members])
    given: dict[str, Any] = {"input_ids": batch.ids, "use_cache": False}
    if batch.positions is not None:
        given["position_ids"] = batch.positions
    core = _core(model)
    if batch.visible is not None:
        given["attention_mask"] = _mask(model, batch.visible)
    if core is None:
        return model(**given).logits.flatten(0, 1)[batch.places]
    backbone, head = core
    hidden = backbone(**given).last_hidden_state.flatten(0, 1)
    return head(hidden[_filled(batch.places)])[: len(batch.places)]


def logprobs(model: Any, batch: Packed) -> Tensor:
    """Log-probability (nats, float32 [scored]) of every answer's every token."""
    found = logits(model, batch).float()
    return -torch.nn.functional.cross_entropy(found, batch.targets, reduction="none")


def scores(model: Any, batch: Packed) -> tuple[Tensor, Tensor]:
    """`logprobs`, and the entropy of each prediction from the same logits: both in nats, float32 [scored].

    The entropy is Shannon's over the whole vocabulary, -sum p ln p, between 0 and ln(vocabulary).
    """
    logp = logits(model, batch).float().log_softmax(-1)
    # A token of probability 0 adds nothing: without the bound, 0 times minus infinity would be no number.
    entropies = -(logp.exp() * logp.clamp(min=torch.finfo(logp.dtype).min)).sum(-1)
    return logp.gather(1, batch.targets[:, None]).squeeze(1), entropies


def next_logits(model: Any, ids: Tensor, last: Tensor) -> Tensor:
    """Logits [rows, vocabulary] after the token at `last` [rows] of each row of `ids` [rows, length]; no cache."""
    if isinstance(model, WeightedModels):
        return model.combined([next_logits(member, ids, last) for member in model.members])
    rows = torch.arange(len(ids), device=ids.device)
    core = _core(model)
    if core is None:
        return model(input_ids=ids, use_cache=False).logits[rows, last]
    backbone, head = core
    return head(backbone(input_ids=ids, use_cache=False).last_hidden_state[rows, last])


def _filled(places: Tensor) -> Tensor:
    """The places, and the first of them again until their number is round."""
    more = -len(places) % SCORED
    return torch.cat([places, places[:1].expand(more)]) if more and len(places) else places


def _mask(model: Any, visible: Tensor) -> Tensor:
    base = base_of(model)
    if base.config._attn_implementation != "eager":  # noqa: SLF001
        return visible
    device = visible.device.type
    kind = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else base.dtype
    return torch.zeros(visible.shape, dtype=kind, device=visible.device).masked_fill_(~visible, torch.finfo(kind).min)


def _core(model: Any) -> tuple[Any, Any] | None:
    """Backbone and output layer, where logits are plainly the one times the other; else None. Tried once a model."""
    _check_prompt_is_read(model)
    base = base_of(model)
    if base not in _plain_heads:
        _plain_heads[base] = _head_is_plain(base)
    return (base.base_model, base.get_output_embeddings()) if _plain_heads[base] else None


_plain_heads: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


def _check_prompt_is_read(model: Any) -> None:
    """Refuse a soft prompt that PEFT alone adds, in its own forward: the base is called here, and would not see it.

    Raises:
        ModelError: The model has one.
    """
    config = getattr(model, "active_peft_config", None)
    read = getattr(base_of(model).get_input_embeddings(), READS_PREFIX, False) if config is not None else False
    if getattr(config, "is_prompt_learning", False) and not read:
        raise ModelError(
            "A soft prompt that PEFT puts before the text is not seen where a model is scored and decoded.",
            "Give the soft prompt as token ids of an extended embedding, by Renderer.with_prefix.",
        )


@torch.inference_mode()
def _head_is_plain(base: Any) -> bool:
    """Whether the output layer on the backbone's last states gives the model's own logits: some scale or cap them."""
    backbone, head, words = base.base_model, base.get_output_embeddings(), base.get_input_embeddings()
    if backbone is base or head is None or words is None or base.config.get_text_config() is not base.config:
        return False
    given = {"input_ids": (torch.arange(_LEAST, device=base.device)[None] * 3 + 5) % words_of(base)}
    was_training = base.training
    base.eval()
    try:
        with torch.autocast(base.device.type, enabled=False):
            whole = base(**given, use_cache=False).logits
            parts = head(backbone(**given, use_cache=False).last_hidden_state)
    except Exception:  # noqa: BLE001 - a backbone may be called in another way; the whole model then gives the logits
        return False
    finally:
        base.train(was_training)
    return whole.shape == parts.shape and bool((whole - parts).abs().max() <= SAME * whole.abs().max())


def base_of(model: Any) -> Any:
    """The model itself, without the wrapper of an adapter."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def words_of(model: Any) -> int:
    """How many token ids a model's input embedding takes; those of its configuration where it does not say."""
    weight = getattr(base_of(model).get_input_embeddings(), "weight", None)
    return base_of(model).config.get_text_config().vocab_size if weight is None else weight.shape[0]


def padded(pairs: Sequence[tuple[Sequence[int], Sequence[int]]], pad: int) -> tuple[Tensor, Tensor, Tensor]:
    """Token ids, attention mask and answer mask, each int64 [rows, longest], padded on the right."""
    longest = max(1, max(len(prompt) + len(answer) for prompt, answer in pairs))
    ids = np.full((len(pairs), longest), pad, dtype=np.int64)
    mask, counted = np.zeros_like(ids), np.zeros_like(ids)
    for row, (prompt, answer) in enumerate(pairs):
        end = len(prompt) + len(answer)
        ids[row, :end] = (*prompt, *answer)
        mask[row, :end] = 1
        counted[row, len(prompt) : end] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(counted)


def _plain(blocks: Sequence[Block], pad: int) -> Packed:
    """One row for each answer, padded on the right, where a causal model never looks: no mask is needed."""
    ids, _, counted = padded([(block.prompt, answer) for block in blocks for answer in block.answers], pad)
    counted[:, 0] = 0  # nothing predicts a row's first token
    rows, columns = counted.nonzero(as_tuple=True)
    return Packed(ids, None, None, rows * ids.shape[1] + columns - 1, ids[rows, columns], rows)


def _together(rows: Sequence[Sequence[int]], blocks: Sequence[Block], pad: int) -> Packed:
    """Blocks side by side in rows: each answer sees its prompt and itself."""
    length = _length(rows, blocks)
    shape = (len(rows), length)
    ids, positions = np.full(shape, pad, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    block_of, answer_of = np.full(shape, _NOBODY), np.full(shape, _NOBODY)
    numbers = np.cumsum([0, *(len(block.answers) for block in blocks)])
    scored: list[tuple[int, np.ndarray, Sequence[int]]] = []
    for row, members in enumerate(rows):
        at = 0
        for member in members:
            prompt, answers = blocks[member]
            start, end = at, at + len(prompt)
            ids[row, start:end], positions[row, start:end] = prompt, np.arange(len(prompt))
            block_of[row, start : start + blocks[member].size] = member
            at = end
            for number, answer in enumerate(answers, start=int(numbers[member])):
                upto = at + len(answer)
                ids[row, at:upto] = answer
                positions[row, at:upto] = np.arange(len(prompt), len(prompt) + len(answer))
                answer_of[row, at:upto] = number
                predicts = np.arange(at - 1, upto - 1)
                if len(answer):
                    predicts[0] = end - 1  # the prompt's last token predicts every answer's first
                scored.append((number, predicts + row * length, answer))
                at = upto
    scored.sort(key=lambda entry: entry[0])
    block, answer = block_of[:, None, :], answer_of[:, None, :]
    ours = (block_of[:, :, None] == block) & ((answer == _NOBODY) | (answer_of[:, :, None] == answer))
    visible = ours & np.tri(length, dtype=bool)
    return Packed(
        _tensor(ids),
        _tensor(positions),
        torch.from_numpy(visible[:, None]),
        _tensor(np.concatenate([places for _, places, _ in scored])),
        _tensor(np.concatenate([np.asarray(tokens) for _, _, tokens in scored])),
        _tensor(np.concatenate([np.full(len(tokens), number) for number, _, tokens in scored])),
    )


def _shared_out(blocks: Sequence[Block], count: int) -> list[list[int]]:
    """Blocks in so many rows of about equal length: the longest first, each into the shortest row."""
    rows: list[tuple[int, int, list[int]]] = [(0, row, []) for row in range(count)]
    for at in sorted(range(len(blocks)), key=lambda at: -blocks[at].size):
        size, row, members = rows[0]
        members.append(at)
        heapq.heapreplace(rows, (size + blocks[at].size, row, members))
    return [members for _, _, members in sorted(rows, key=lambda entry: entry[1]) if members]


def _length(rows: Sequence[Sequence[int]], blocks: Sequence[Block]) -> int:
    longest = max(sum(blocks[at].size for at in row) for row in rows)
    return -(-longest // ROW) * ROW


def _cost(rows: Sequence[Sequence[int]], blocks: Sequence[Block], width: int) -> float:
    """Relative cost of a layout: a token's products grow with the width, its attention with the row.

    A layer multiplies each token with about 12 width^2 weights, and makes 2 length * width products for its attention,
    which on small heads run at a fifth of the speed.
    """
    length = _length(rows, blocks)
    return len(rows) * length * (12 * width + 5 * 2 * length)


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.int64, copy=False))


@torch.inference_mode()
def _takes_packed(model: Any, size: int) -> bool:
    """Whether two blocks of `size` tokens in one row get the values that their answers get in rows of their own."""
    if not hasattr(model, "dtype") or model.get_input_embeddings() is None or size < _LEAST:
        return False
    words = words_of(model)

    def drawn(count: int, first: int) -> tuple[int, ...]:
        return tuple((first + 3 * at + at * at // 7) % words for at in range(count))

    answer = size // 4
    blocks = [
        Block(drawn(size - 2 * answer - 3, 5), (drawn(answer, 11), drawn(answer, 17))),
        Block(drawn(size - answer, 8), (drawn(answer, 13),)),
    ]
    was_training = model.training
    model.eval()
    try:
        plain = logprobs(model, _plain(blocks, 0).to(model.device))
        packed = logprobs(model, _together([[0, 1]], blocks, 0).to(model.device))
    except Exception:  # noqa: BLE001 - a model may refuse a mask or positions in any way; it then gets plain rows
        return False
    finally:
        model.train(was_training)
    return bool((plain - packed).abs().max() <= SAME * max(1.0, float(plain.abs().max())))
