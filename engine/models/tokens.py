"""A model's tokenizer: tokenizer.json as it stands, or built by transformers from vocab.json and merges.txt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.models import safety, template
from engine.spec.errors import ModelError

SAMPLES = ("The quick brown fox, 1234 times.", "  two  spaces\n\nand a tab\t", '{"name": "ünï-cødé", "n": [1, 2.5]}')
"""Texts that a byte-level tokenizer must give back as they were."""
_SETTINGS: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}


def check(root: Path) -> None:
    """Refuse a folder without a tokenizer that can be loaded without code and without further libraries.

    Raises:
        ModelError: Saying what there is and how to get a tokenizer.json.
    """
    if (root / "tokenizer.json").is_file():
        safety.read_json(root / "tokenizer.json")
        return
    if all((root / name).is_file() for name in safety.PARTS):
        safety.read_json(root / "vocab.json")
        return
    for name in ("tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "tiktoken.model", "vocab.txt"):
        if (root / name).is_file():
            raise ModelError(
                f"tokenizer.json is missing; {name} alone cannot be read without further libraries.",
                "Where sentencepiece and tiktoken are installed, `AutoTokenizer.from_pretrained(folder)"
                ".save_pretrained(folder)` writes tokenizer.json. Or take it from a newer upload of the same model.",
            )
    raise ModelError(
        f"tokenizer.json is missing from {root.name}, and so is vocab.json with merges.txt.",
        "A Trainer saves the tokenizer only where it was given one: copy tokenizer.json, tokenizer_config.json and "
        "chat_template.jinja from the base model's folder, or call tokenizer.save_pretrained(folder).",
    )


def load(view: Path) -> Any:
    """The tokenizer of a folder that holds only checked files.

    Raises:
        ModelError: It cannot be built from vocab.json and merges.txt as it was meant.
        Exception: Whatever a library raises on files it does not expect.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    if (view / "tokenizer.json").is_file():
        # tokenizer.json as it stands: AutoTokenizer goes by the model's type, and may build another one from it.
        tokenizer: Any = PreTrainedTokenizerFast.from_pretrained(view, **_SETTINGS)
    else:
        tokenizer = AutoTokenizer.from_pretrained(view, **_SETTINGS)
        _check_built(view, tokenizer)
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    tokenizer.chat_template = template.chosen(tokenizer.chat_template) or None
    if tokenizer.pad_token is None:  # it is masked out, so any token will do
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token or tokenizer.convert_ids_to_tokens(0)
    return tokenizer


def _check_built(view: Path, tokenizer: Any) -> None:
    """A tokenizer built from parts has all their words under their numbers, and loses nothing of a text."""
    words = json.loads((view / "vocab.json").read_bytes())
    held = tokenizer.get_vocab() if getattr(tokenizer, "is_fast", False) else {}
    whole = all(held.get(word) == at for word, at in words.items())
    if whole:
        asked = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in SAMPLES]
        whole = [tokenizer.decode(ids, clean_up_tokenization_spaces=False) for ids in asked] == list(SAMPLES)
    if not whole:
        raise ModelError(
            "The tokenizer cannot be built from vocab.json and merges.txt: it does not give a text back as it was.",
            "Put tokenizer.json beside them: `AutoTokenizer.from_pretrained(folder).save_pretrained(folder)` writes "
            "it where the model's own tokenizer can be loaded.",
        )
