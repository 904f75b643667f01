"""Models of six shapes with random weights, as folders, and a file of tool calls to tune them on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.tiny import TEMPLATE
from tests.support.userfiles import chat_row

CONTEXT = 1024
SHAPES = ("llama, deep and narrow", "llama, wide and shallow", "gpt2", "qwen2, many words", "gpt-neox", "SmolLM2-135M")


def data_file(folder: Path, rows: int = 400) -> Path:
    """Requests with two tools each; every fifth is answered in words."""
    path = folder / "calls.jsonl"
    path.write_text("".join(json.dumps(chat_row(at)) + "\n" for at in range(rows)), encoding="utf-8")
    return path


def tokenizer(rows: int = 400, words: int = 2000) -> Any:
    """A byte-level tokenizer that has seen the file, with a chat template that writes tools and calls."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=words, special_tokens=["<|pad|>", "<|im_start|>", "<|im_end|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    raw.train_from_iterator((json.dumps(chat_row(at)) for at in range(rows)), trainer)
    made = PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<|pad|>", eos_token="<|im_end|>", extra_special_tokens=["<|im_start|>"]
    )
    made.chat_template = TEMPLATE
    return made


def config(shape: str) -> Any:
    """The configuration of one of `SHAPES`."""
    from transformers import GPT2Config, GPTNeoXConfig, LlamaConfig, Qwen2Config

    ends: dict[str, Any] = {"bos_token_id": None, "eos_token_id": 2, "pad_token_id": 0}

    def decoder(kind: Any, words: int, hidden: int, inner: int, layers: int, heads: int, pairs: int) -> Any:
        return kind(
            vocab_size=words, hidden_size=hidden, intermediate_size=inner, num_hidden_layers=layers,
            num_attention_heads=heads, num_key_value_heads=pairs, max_position_embeddings=CONTEXT,
            tie_word_embeddings=True, **ends,
        )  # fmt: skip

    made = {
        "llama, deep and narrow": lambda: decoder(LlamaConfig, 4096, 128, 352, 16, 4, 4),
        "llama, wide and shallow": lambda: decoder(LlamaConfig, 4096, 768, 2048, 3, 12, 4),
        "gpt2": lambda: GPT2Config(vocab_size=4096, n_positions=CONTEXT, n_embd=256, n_layer=6, n_head=4, **ends),
        "qwen2, many words": lambda: decoder(Qwen2Config, 65_536, 256, 704, 4, 4, 2),
        "gpt-neox": lambda: GPTNeoXConfig(
            vocab_size=8192, hidden_size=384, intermediate_size=1536, num_hidden_layers=8, num_attention_heads=6,
            max_position_embeddings=CONTEXT, **ends,
        ),
        "SmolLM2-135M": lambda: decoder(LlamaConfig, 49_152, 576, 1536, 30, 9, 3),
    }  # fmt: skip
    return made[shape]()


def write_model(folder: Path, shape: str, made: Any | None = None) -> Path:
    """A folder with a model of that shape, random weights, and its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = AutoModelForCausalLM.from_config(config(shape))
    path = folder / shape.replace(",", "").replace(" ", "-")
    model.save_pretrained(path, safe_serialization=True)
    (made or tokenizer()).save_pretrained(path)
    return path


def all_models(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every shape's name and folder."""
    made = tokenizer()
    for shape in SHAPES:
        yield shape, write_model(folder, shape, made)
