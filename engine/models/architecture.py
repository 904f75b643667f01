"""Which models can be tuned and scored here, as far as config.json says: causal language models that read text."""

from __future__ import annotations

import ast
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

from engine.spec.errors import ModelError

CAUSAL = "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES"
MASKED = "MODEL_FOR_MASKED_LM_MAPPING_NAMES"
SEQ2SEQ = "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES"
SPEECH = "MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES"
PICTURES = "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES"

_TEXT_MODELS = "Use a text-generating model such as Llama, Qwen, Gemma, Mistral, SmolLM or GPT-2."
_SENSES = ("vision_config", "audio_config", "vision_tower", "mm_vision_tower", "vision_encoder", "audio_encoder")
_OTHER_INPUTS = frozenset((
    "dots3_note", "emu3", "fuyu", "git", "got_ocr2", "mllama", "moshi", "moss_transcribe_diarize", "musicgen",
    "musicgen_melody", "phi4_multimodal", "trocr", "whisper",
))  # fmt: skip
"""Causal by transformers' table, but made for pictures or sound."""

_UNLIKE = {
    "xlnet": "predicts the words of a text in a shuffled order",
    "xlm": "was made for filling gaps and for translation",
    "reformer": "takes only texts whose length is a multiple of its chunks",
    "cpmant": "takes its prompt in segments of its own",
    "bert-generation": "is the decoder of an encoder-decoder",
    "gemma4_assistant": "only drafts for another model",
    "gemma4_unified_assistant": "only drafts for another model",
}
"""Causal by transformers' table, but not trained or scored as one token after the other: why."""


def check_kind(config: dict[str, Any]) -> None:
    """Refuse what is no causal language model for text that transformers knows.

    Args:
        config: config.json.

    Raises:
        ModelError: Saying what the model is and what to use instead.
    """
    kind = config.get("model_type")
    if not isinstance(kind, str) or not kind:
        raise ModelError("config.json names no model_type.", "Use a Hugging Face causal language model.")
    if config.get("quantization_config") or config.get("quantization"):  # the latter: MLX
        raise ModelError(
            "The model is quantised, and quantised weights cannot be tuned.",
            "Use the model's original weights (float32, float16 or bfloat16).",
        )
    known = table(CAUSAL)
    if known is None:  # a frozen build without sources: the worker finds out when it loads the model
        return
    said = _said(config)
    _check_inputs(kind, config, said)
    _check_direction(kind, config, said)
    if kind not in known:
        raise ModelError(
            f"{_cut(kind)!r} is no causal language model that this version of transformers knows.", _TEXT_MODELS
        )
    if said and known[kind].casefold() not in (name.casefold() for name in said):
        raise ModelError(
            f"The model is a {_cut(said[0])}, not a causal language model ({known[kind]}).",
            "Use the text-generating model of this family.",
        )


def _check_inputs(kind: str, config: dict[str, Any], said: list[str]) -> None:
    """Refuse what reads pictures or sound, whether or not a text model is inside."""
    sense = next((key for key in _SENSES if config.get(key)), "")
    elsewhere = any(kind in (table(name) or {}) for name in (PICTURES, SPEECH)) and kind not in (table(CAUSAL) or {})
    named = (table(CAUSAL) or {}).get(kind, "").endswith("ForConditionalGeneration")
    if sense or elsewhere or named or kind in _OTHER_INPUTS:
        what = f" ({_cut(said[0])})" if said else ""
        because = f": config.json has {sense}" if sense else ""
        raise ModelError(
            f"The model {_cut(kind)!r}{what} takes pictures or sound beside text{because}. The lab tunes text models.",
            "Use the text-only model of the same family, or save the text model inside as a folder of its own.",
        )


def _check_direction(kind: str, config: dict[str, Any], said: list[str]) -> None:
    """Refuse encoder-decoders, encoders, and what does not go from one token to the next."""
    if config.get("is_encoder_decoder") or kind in (table(SEQ2SEQ) or {}):
        raise ModelError(
            f"The model {_cut(kind)!r} is an encoder-decoder: it maps one text to another and does not continue a "
            "conversation.",
            _TEXT_MODELS,
        )
    if kind in _UNLIKE:
        raise ModelError(f"The model {_cut(kind)!r} {_UNLIKE[kind]}, so it cannot be scored here.", _TEXT_MODELS)
    causal = (table(CAUSAL) or {}).get(kind, "")
    decoder = config.get("is_decoder") is True and causal in said
    if kind in (table(MASKED) or {}) and not decoder:
        what = f" ({_cut(said[0])})" if said else ""
        raise ModelError(
            f"The model {_cut(kind)!r}{what} reads in both directions, to fill gaps; it does not write texts.",
            _TEXT_MODELS,
        )


def _said(config: dict[str, Any]) -> list[str]:
    value = config.get("architectures")
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _cut(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:80])


def causal_models() -> dict[str, str] | None:
    """transformers' causal language models: model_type -> class. None where its source cannot be read."""
    return table(CAUSAL)


def table(name: str) -> dict[str, str] | None:
    """One of transformers' tables of models: model_type -> class. None where its source cannot be read."""
    found = _tables()
    return None if found is None else found.get(name, {})


@cache
def _tables() -> dict[str, dict[str, str]] | None:
    """Read from the source's own tables: importing that module would bring torch into the window."""
    spec = importlib.util.find_spec("transformers")
    for place in (spec.submodule_search_locations if spec else None) or ():
        source = Path(place) / "models" / "auto" / "modeling_auto.py"
        try:
            tree = ast.parse(source.read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError):
            continue
        found = {}
        for node in tree.body:
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and node.targets[0].id in (CAUSAL, MASKED, SEQ2SEQ, SPEECH, PICTURES)
                and isinstance(node.value, ast.Call)
                and node.value.args
            ):
                pairs = ast.literal_eval(node.value.args[0])
                found[node.targets[0].id] = {str(kind): str(made) for kind, made in pairs}
        if found.get(CAUSAL):
            return found
    return None
