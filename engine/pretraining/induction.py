"""A start for a small transformer that can already copy and compare: circuits set by hand, then trained over.

Tool calls need both, and at this size plain training does not find them within millions of tokens (docs/log.md).
In layer 0, two heads look for the same word after a space: a tool's bare "buy" finds the request's " buy" and takes
over its mark, so that later layers can read off which tools share words with the request. Which words mean the same is
left to training. Layer 1 marks each position with the token before it; layer 2 looks for the position whose mark is the
current token and copies what stands there (Elhage et al. 2021, "A mathematical framework for transformer circuits";
Olsson et al. 2022). Qwen2's biases on queries and keys are all that it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

EMBEDDING_STD = 0.06


def start(model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, seed: int) -> None:
    """Set embeddings and the first three layers' attention in place."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        embeddings, marks = _embeddings(tokenizer, model.config.hidden_size, generator)
        model.model.embed_tokens.weight.copy_(embeddings)
        _copying_heads(model, generator)
        _comparing_heads(model, marks[1], generator)


def _embeddings(
    tokenizer: PreTrainedTokenizerFast, width: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """[vocabulary, width]: tokens of one word share most of their vector, words of one meaning half of it.

    The second tensor [3, width] holds the marks: none, space, underscore.
    """
    import torch

    from engine.pretraining.stems import families

    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))

    def drawn(rows: Sequence[int]) -> torch.Tensor:
        return torch.randn(max(rows) + 1, width, generator=generator)[list(rows)]

    meanings, words = families(tokenizer)
    marks = torch.randn(3, width, generator=generator)
    kinds = [1 if t.startswith(" ") and len(t) > 1 else 2 if t.startswith("_") and len(t) > 1 else 0 for t in tokens]
    parts = 0.72 * drawn(meanings) + 0.42 * drawn(words) + 0.35 * drawn(range(len(tokens))) + 0.45 * marks[kinds]
    return EMBEDDING_STD * parts, marks


def _copying_heads(model: Qwen2ForCausalLM, generator: torch.Generator) -> None:
    import torch

    config = model.config
    width, heads = config.hidden_size, config.num_attention_heads
    size = width // heads
    rates = _rates(config)
    orthogonal = torch.linalg.qr(torch.randn(width, width, generator=generator))[0]
    identity = torch.eye(width)

    first: Any = model.model.layers[1].self_attn
    first.q_proj.weight.mul_(0.1)
    first.k_proj.weight.mul_(0.1)
    fast = (rates > 0.08).float()
    turn_cos, turn_sin = rates.cos(), rates.sin()
    query = torch.cat([fast, fast])
    key = torch.cat([fast * (turn_cos - turn_sin), fast * (turn_sin + turn_cos)])  # rotated on by one position
    first.q_proj.bias.copy_(9 * query.repeat(heads))
    first.k_proj.bias.copy_(9 * key.repeat(heads))
    first.v_proj.weight.copy_(identity)
    first.o_proj.weight.copy_(0.06 * orthogonal)

    second: Any = model.model.layers[2].self_attn
    slow = _slow(rates)
    second.q_proj.weight.mul_(0.1)
    second.k_proj.weight.mul_(0.1)
    for head in range(heads):
        rows = torch.linalg.qr(torch.randn(width, len(slow), generator=generator))[0].T  # [slow, width]
        second.q_proj.weight[head * size + slow] = 2 * rows
        second.k_proj.weight[head * size + slow] = 2 * rows @ orthogonal.T
    out = torch.linalg.qr(torch.randn(width, width, generator=generator))[0]
    second.v_proj.weight.copy_(out)
    second.o_proj.weight.copy_(0.15 * out.T)


def _comparing_heads(model: Qwen2ForCausalLM, space: torch.Tensor, generator: torch.Generator) -> None:
    """Two heads of layer 0 attend to the same word where it stands after a space, and take half of it over."""
    import torch

    config = model.config
    width, size = config.hidden_size, config.hidden_size // config.num_attention_heads
    layer: Any = model.model.layers[0].self_attn
    slow = _slow(_rates(config))
    marked, words = slow[-1], slow[:-1]
    out = torch.linalg.qr(torch.randn(width, width, generator=generator))[0]
    for head in range(2):
        rows = torch.linalg.qr(torch.randn(width, len(words), generator=generator))[0].T  # [words, width]
        own = slice(head * size, (head + 1) * size)
        for weights in (layer.q_proj.weight, layer.k_proj.weight):
            weights[own] *= 0.1
            weights[head * size + words] = 2 * rows
        layer.q_proj.weight[head * size + marked] = 0
        layer.q_proj.bias[head * size + marked] = 11
        layer.k_proj.weight[head * size + marked] = space / space.norm()  # beats the word's own, unmarked position
        layer.v_proj.weight[own] = out[own]
        layer.o_proj.weight[:, own] = EMBEDDING_STD * out[own].T


def hold(model: Qwen2ForCausalLM) -> None:
    """Keep the comparing heads' queries and keys as they were set, by taking their gradient away.

    Trained along, however slowly, they are washed out before anything above has learned to read them (docs/log.md).
    """
    rows = 2 * model.config.hidden_size // model.config.num_attention_heads
    layer: Any = model.model.layers[0].self_attn
    for projection in (layer.q_proj, layer.k_proj):
        for parameter in (projection.weight, projection.bias):
            parameter.register_hook(partial(_without, rows=rows))


def _without(gradient: torch.Tensor, rows: int) -> torch.Tensor:
    kept = gradient.clone()
    kept[:rows] = 0.0
    return kept


def _rates(config: Any) -> torch.Tensor:
    """Radians per position of each rotary pair: [size / 2]."""
    import torch

    size = config.hidden_size // config.num_attention_heads
    return config.rope_parameters["rope_theta"] ** (-torch.arange(0, size, 2).float() / size)


def _slow(rates: torch.Tensor) -> torch.Tensor:
    """Indices within a head of the dimensions that distance leaves alone."""
    import torch

    return torch.cat([rates * 64 < 0.8, rates * 64 < 0.8]).nonzero().flatten()
