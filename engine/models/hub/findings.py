"""What speaks for and against a model on the hub, by the same checks that its folder will meet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, Literal

import psutil

from engine.models import safety, weights
from engine.models.architecture import check_kind
from engine.models.hub.search import takes_tools
from engine.models.template import chosen
from engine.spec.errors import ModelError

Said = tuple[Literal["good", "warn", "bad"], str, str]
_SHARD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,150}\.safetensors")
_SPIECE = ("tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "tiktoken.model", "vocab.txt")
_TEMPLATES: dict[str, Said] = {
    "none": ("warn", "It has no chat template.", "It can do tasks that need none; tool calls need one."),
    "plain": ("warn", "Its chat template takes no tool calls.", "A study of tool calls refuses it."),
    "tools": ("good", "Its chat template takes tools and tool calls.", ""),
}
BYTES_OF_PARAMETER = 4  # models are loaded in float32


def shards(index: bytes | None) -> tuple[str, ...]:
    """The files that an index of weights names; () where it is missing or broken."""
    named = _object(index).get("weight_map")
    found = {str(name) for name in named.values()} if isinstance(named, dict) else set()
    return tuple(sorted(found)) if all(_SHARD.fullmatch(name) for name in found) else ()


def wanted(names: Iterable[str], parts: tuple[str, ...]) -> list[str]:
    """Which files are needed: never a pickle, never code."""
    there = set(names)
    held = [name for name in safety.LISTED if name in there]
    if "tokenizer.json" in there:
        held = [name for name in held if name not in safety.PARTS]
    if weights.SINGLE in there:
        return [*held, weights.SINGLE]
    return [*held, weights.INDEX, *parts] if parts else held


def findings(
    names: frozenset[str], texts: Mapping[str, bytes], parts: tuple[str, ...], licence: str, gated: bool,
    parameters: int | None,
) -> tuple[list[Said], Literal["none", "plain", "tools"]]:  # fmt: skip
    """Everything to know before a download, the worst first; and what the chat template is.

    Args:
        names: The files of the revision.
        texts: The content of the small ones.
        parts: Files of weights, where there are several.
        parameters: How many the hub says the model has.
    """
    config = _object(texts.get("config.json"))
    tokenizer = _object(texts.get("tokenizer_config.json"))
    jinja = texts.get("chat_template.jinja", b"").decode("utf-8", "replace")
    template = jinja or chosen(tokenizer.get("chat_template"))
    kind: Literal["none", "plain", "tools"]
    kind = "none" if not template.strip() else "tools" if takes_tools(template) else "plain"
    said = [*_model(names, texts, config), *_weights(names, texts, parts), *_tokenizer(names)]
    if gated:
        said.append(("warn", "Gated: its owner lets only those download it who have accepted the terms.",
                     "Accept them on the model's page and log in with `hf auth login`, or set HF_TOKEN."))  # fmt: skip
    said += _memory(parameters)
    said.append(
        ("good", f"Licence: {licence}.", "") if licence
        else ("warn", "Its card names no licence.", "Ask its owner before you pass anything of it on.")
    )  # fmt: skip
    said.append(_TEMPLATES[kind])
    order = ("bad", "warn", "good")
    return sorted(said, key=lambda one: order.index(one[0])), kind


def _model(names: frozenset[str], texts: Mapping[str, bytes], config: dict[str, Any]) -> list[Said]:
    if "config.json" not in names:
        if "adapter_config.json" in names:
            base = _object(texts.get("adapter_config.json")).get("base_model_name_or_path")
            of = f" of {base[:100]}" if isinstance(base, str) and base else ""
            return [("bad", f"It is an adapter{of}, not a model.", "Download its base model.")]
        return [("bad", "It has no config.json: no model that transformers can load.", "Choose another model.")]
    try:
        for name in ("config.json", "tokenizer_config.json", "generation_config.json"):
            safety.check_config(_object(texts.get(name)), name)
        check_kind(config)
    except ModelError as error:
        return [("bad", error.message, error.hint)]
    if any(PurePosixPath(name).suffix in (".py", ".ipynb") for name in names):
        return [("good", "It has Python files that nothing asks for; they are not downloaded.", "")]
    return []


def _weights(names: frozenset[str], texts: Mapping[str, bytes], parts: tuple[str, ...]) -> list[Said]:
    pickles = sorted(name for name in names if PurePosixPath(name).suffix.lower() in safety.PICKLES)
    if weights.SINGLE not in names and not parts:
        if weights.INDEX in names:
            return [("bad", f"{weights.INDEX} is broken.", "Choose another model or revision.")]
        if pickles:
            return [("bad", f"Its weights are only there as pickles ({pickles[0][:80]}), which can run code.",
                     "Choose a version of the model with safetensors.")]  # fmt: skip
        if any(name.lower().endswith((".gguf", ".ggml")) for name in names):
            return [("bad", "It is quantised for llama.cpp (GGUF), and quantised weights cannot be tuned.",
                     "Download the model that it was made from.")]  # fmt: skip
        return [("bad", "It has no safetensors weights.", "Choose another model.")]
    missing = [name for name in parts if name not in names]
    if missing:
        return [("bad", f"{missing[0]} is missing, one of {len(parts)} files of weights.", "Choose another revision.")]
    if pickles:
        beside = "1 pickle beside them is" if len(pickles) == 1 else f"{len(pickles)} pickles beside them are"
        return [("good", f"Weights as safetensors; {beside} not downloaded.", "")]
    return [("good", "Weights as safetensors, which cannot run code.", "")]


def _tokenizer(names: frozenset[str]) -> list[Said]:
    if "tokenizer.json" in names or all(name in names for name in safety.PARTS):
        return []
    other = next((name for name in _SPIECE if name in names), "")
    what = f"; {other} alone cannot be read here" if other else ""
    return [("bad", f"It has no tokenizer.json{what}.", "Choose a version of the model that has one.")]


def _memory(parameters: int | None) -> list[Said]:
    """A model that does not fit into this machine's memory, long before it is trained."""
    if parameters is None:
        return []
    needed, there = parameters * BYTES_OF_PARAMETER, psutil.virtual_memory().total
    if needed < 0.7 * there:
        return []
    return [("warn", f"Loaded, its weights take {needed / 1e9:.1f} GB; this machine has {there / 1e9:.1f} GB.",
             "Choose a smaller model, or run it on a larger machine.")]  # fmt: skip


def _object(raw: bytes | None) -> dict[str, Any]:
    try:
        value = json.loads(raw) if raw else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
