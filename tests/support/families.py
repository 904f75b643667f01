"""Tokenizers with chat templates in the manner of well-known families, so that no test needs a download."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from engine.subject.rendering import Renderer

FOLDER = Path(__file__).resolve().parent / "templates"


class Family(NamedTuple):
    """A family.

    Attributes:
        language: In which its calls are read; "" where they are not.
        end: The token that ends an answer.
        start: The token a text begins with, if any.
    """

    language: str
    end: str = "<|im_end|>"
    start: str | None = None


FAMILIES = {
    "deepseek": Family("deepseek", "<｜end▁of▁sentence｜>", "<｜begin▁of▁sentence｜>"),
    "first_call_only": Family("hermes"),
    "function_gemma": Family("function-gemma", "<end_of_turn>", "<bos>"),
    "gemma": Family("hermes", "<end_of_turn>", "<bos>"),
    "glm": Family("glm", "<|user|>"),
    "granite": Family("granite", "<|end_of_text|>"),
    "kimi": Family("kimi"),
    "lfm2": Family("lfm2", "<|im_end|>", "<|startoftext|>"),
    "llama": Family("json", "<|eot_id|>", "<|begin_of_text|>"),
    "mistral_new": Family("mistral", "</s>", "<s>"),
    "mistral_old": Family("mistral", "</s>", "<s>"),
    "plain": Family("hermes"),
    "qwen3": Family("hermes"),
    "qwen3_always_thinks": Family("hermes"),
    "qwen_coder": Family("qwen-coder"),
    "unknown_language": Family(""),
}
READ = tuple(name for name, family in FAMILIES.items() if family.language)

_SPECIAL = re.compile(
    r"<[|｜][^<>|｜\s]{1,40}[|｜]>|<(?:start|end)_\w+>|<escape>|\[/?[A-Z_]{3,20}\]|</?tool_call>|</?think>"
)
_ADDED_LATER = ("[/INST]", "[INST]")


@cache
def tokenizer_of(family: str) -> Any:
    """A byte-level tokenizer whose special tokens are the family's."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    about = FAMILIES[family]
    template = (FOLDER / f"{family}.jinja").read_text(encoding="utf-8")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = Tokenizer(models.BPE(vocab={char: at for at, char in enumerate(alphabet)}, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    specials = sorted({*_SPECIAL.findall(template), *_ADDED_LATER} - {about.end, about.start})
    made = PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<|pad|>", eos_token=about.end, bos_token=about.start,
        extra_special_tokens=specials,
    )  # fmt: skip
    made.chat_template = template
    return made


def renderer_of(family: str) -> Renderer:
    return Renderer(tokenizer_of(family), 4096)
