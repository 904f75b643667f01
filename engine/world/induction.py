"""A start for a small transformer that can already copy: an induction circuit set by hand, then trained over.

Tool calls need copying from the context, and at this size plain training does not find the circuit within millions of
tokens (docs/log.md). Layer 0 marks each position with the token before it; layer 1 looks for the position whose mark
is the current token and copies what stands there (Elhage et al. 2021, "A mathematical framework for transformer
circuits"; Olsson et al. 2022). Qwen2's biases on queries and keys are all that it takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

EMBEDDING_STD = 0.06


def start(model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, seed: int) -> None:
    """Set embeddings and the first two layers' attention in place."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(_embeddings(tokenizer, model.config.hidden_size, generator))
        _copying_heads(model, generator)


def _embeddings(tokenizer: PreTrainedTokenizerFast, width: int, generator: torch.Generator) -> torch.Tensor:
    """[vocabulary, width]: tokens of one word share most of their vector, whatever mark stands before it."""
    import torch

    from engine.world.tokenizer import stem

    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    stems = {s: i for i, s in enumerate(dict.fromkeys(map(stem, tokens)))}
    shared = torch.randn(len(stems), width, generator=generator)
    own = torch.randn(len(tokens), width, generator=generator)
    marks = torch.randn(3, width, generator=generator)
    rows = [stems[stem(t)] for t in tokens]
    kinds = [1 if t.startswith(" ") and len(t) > 1 else 2 if t.startswith("_") and len(t) > 1 else 0 for t in tokens]
    return EMBEDDING_STD * (0.8 * shared[rows] + 0.4 * own + 0.45 * marks[kinds])


def _copying_heads(model: Qwen2ForCausalLM, generator: torch.Generator) -> None:
    import torch

    config = model.config
    width, heads = config.hidden_size, config.num_attention_heads
    size = width // heads
    theta = config.rope_parameters["rope_theta"]
    rates = theta ** (-torch.arange(0, size, 2).float() / size)  # radians per position, one a rotary pair
    orthogonal = torch.linalg.qr(torch.randn(width, width, generator=generator))[0]
    identity = torch.eye(width)

    first = model.model.layers[0].self_attn
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

    second = model.model.layers[1].self_attn
    slow = torch.cat([rates * 64 < 0.8, rates * 64 < 0.8]).nonzero().flatten()  # dimensions that distance leaves alone
    second.q_proj.weight.mul_(0.1)
    second.k_proj.weight.mul_(0.1)
    for head in range(heads):
        rows = torch.linalg.qr(torch.randn(width, len(slow), generator=generator))[0].T  # [slow, width]
        second.q_proj.weight[head * size + slow] = 2 * rows
        second.k_proj.weight[head * size + slow] = 2 * rows @ orthogonal.T
    out = torch.linalg.qr(torch.randn(width, width, generator=generator))[0]
    second.v_proj.weight.copy_(out)
    second.o_proj.weight.copy_(0.15 * out.T)
