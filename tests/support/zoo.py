"""Tiny random models of many architectures, so that what is said of every model is tried on every kind."""

from __future__ import annotations

from typing import Any

WORDS = 60
_H: dict[str, Any] = {
    "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96,
    "max_position_embeddings": 128, "pad_token_id": 0,
}  # fmt: skip
_G: dict[str, Any] = {**_H, "num_key_value_heads": 2, "head_dim": 12}
_N: dict[str, Any] = {"n_embd": 48, "n_layer": 2, "n_head": 4, "n_positions": 128}
_MOE = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
WINDOW = 16

KINDS: dict[str, dict[str, Any]] = {
    "llama": {**_H, "num_key_value_heads": 2},
    "qwen2": {**_H, "num_key_value_heads": 2},
    "gpt2": _N,
    "gpt_neo": {
        "hidden_size": 48, "num_layers": 2, "num_heads": 4, "max_position_embeddings": 128, "window_size": WINDOW,
        "attention_types": [[["global", "local"], 1]],
    },
    "gpt_neox": _H,
    "opt": {
        "hidden_size": 48, "ffn_dim": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "word_embed_proj_dim": 48,
        "max_position_embeddings": 128,
    },
    "bloom": {"hidden_size": 48, "n_layer": 2, "n_head": 4},
    "phi": _H,
    "phi3": {**_H, "num_key_value_heads": 2, "sliding_window": WINDOW},
    "gemma": _G,
    "gemma2": {**_G, "sliding_window": WINDOW},
    "gemma3_text": {**_G, "sliding_window": WINDOW},
    "mistral": {**_H, "num_key_value_heads": 2, "sliding_window": WINDOW},
    "mixtral": {**_H, "num_key_value_heads": 2, "num_local_experts": 4},
    "qwen3": _G,
    "qwen3_moe": {**_G, **_MOE},
    "olmo2": {**_H, "num_key_value_heads": 2},
    "stablelm": {**_H, "num_key_value_heads": 2, "partial_rotary_factor": 0.5},
    "falcon": {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4},
    "falcon-alibi": {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "alibi": True},
    "mpt": {"d_model": 48, "n_heads": 4, "n_layers": 2, "max_seq_len": 128},
    "mamba": {"hidden_size": 48, "num_hidden_layers": 2, "state_size": 8},
    "mamba2": {
        "hidden_size": 48, "num_hidden_layers": 2, "state_size": 8, "num_heads": 8, "head_dim": 12, "n_groups": 2,
        "chunk_size": 8,
    },
    "rwkv": {"hidden_size": 48, "attention_hidden_size": 48, "num_hidden_layers": 2, "context_length": 128},
    "recurrent_gemma": {
        "hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 96,
        "attention_window_size": WINDOW, "lru_width": 48,
    },
    "jamba": {
        **_H, "num_key_value_heads": 2, "num_experts": 2, "attn_layer_period": 2, "attn_layer_offset": 1,
        "use_mamba_kernels": False, "mamba_d_state": 8, "mamba_dt_rank": 4,
    },
    "llama4_text": {
        **_G, "attention_chunk_size": WINDOW, "num_local_experts": 2, "intermediate_size_mlp": 96,
    },
    "granite": {**_H, "num_key_value_heads": 2, "logits_scaling": 8.0},
    "lfm2": {**_H, "num_key_value_heads": 2, "full_attn_idxs": [1]},
    "openai-gpt": _N,
    "xlnet": {"d_model": 48, "n_layer": 2, "n_head": 4, "d_inner": 96},
    "bert": _H,
    "roberta": _H,
}  # fmt: skip
SEEING_AHEAD = ("xlnet", "bert", "roberta")  # no causal models, although transformers loads them as such
STATES = ("mamba", "mamba2", "rwkv", "recurrent_gemma", "jamba", "lfm2")  # no cache that rows can leave
CAUSAL = tuple(kind for kind in KINDS if kind not in SEEING_AHEAD)


def make(kind: str, words: int = WORDS, **more: Any) -> Any:
    """A model of that architecture with weights large enough that a wrong mask, position or state shows."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(kind.partition("-alibi")[0], **{**KINDS[kind], "vocab_size": words, **more})
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config).eval().float()
        generator = torch.Generator().manual_seed(1)
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.normal_(0, 0.2, generator=generator)
    return model


class Characters:
    """A tokenizer as far as a trial needs one."""

    def __call__(self, text: str, **_: Any) -> dict[str, list[int]]:
        return {"input_ids": [ord(character) % (WORDS - 3) + 3 for character in text]}
