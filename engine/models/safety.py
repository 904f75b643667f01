"""What is opened of a model's folder, and what is not: pickles and code never are.

A pickle runs whatever it likes when it is loaded, and so does a folder's own Python code; safetensors, JSON and a
template's text do not. So only the files of `LISTED` and the weights are ever opened, and the libraries see a folder
that holds nothing else (`engine/models/view.py`). What lies beside them (training_args.bin, optimizer.pt, onnx/,
*.py that nothing asks for) is left alone.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from engine.models import cache
from engine.spec.errors import ModelError

CONFIGS = ("config.json", "generation_config.json")
TOKENIZER = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
)  # fmt: skip
PARTS = ("vocab.json", "merges.txt")
"""What a byte-level BPE tokenizer is built from where tokenizer.json is missing."""
LISTED = (*CONFIGS, *TOKENIZER, *PARTS)
"""The files, beside the weights, that are opened."""

PICKLES = frozenset((".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".dill"))
LARGEST_JSON = 64 * 2**20
_PICKLE = re.compile(rb"\x80[\x02-\x05][\x00-\xff]")
_ZIP = b"PK\x03\x04"
_WHOLE = "A model's folder holds config.json, tokenizer.json and its weights as safetensors."


def check_file(root: Path, name: str) -> None:
    """Refuse a file that is not what its name says, or a link that leads out of the model.

    A link may lead to another place of the same folder, or, in the hub's cache, to that model's `blobs`.

    Args:
        root: The model's folder, resolved.

    Raises:
        ModelError: Naming the file and what to do about it.
    """
    path = root / name
    if path.is_symlink():
        target = path.resolve()
        blobs = cache.blobs(root)
        inside = target.is_relative_to(root) or (blobs is not None and target.is_relative_to(blobs))
        if not inside:
            raise ModelError(
                f"{name} is a link that leads outside the folder.",
                "Copy the model with its links followed (cp -rL) and name the copy.",
            )
        if not target.exists():
            raise ModelError(
                f"{name} is a link that leads nowhere.",
                "Download the model again, or copy it with its links followed (cp -rL).",
            )
    if not path.is_file():
        raise ModelError(f"{name} is not an ordinary file.", "Use a folder of ordinary files.")
    _check_magic(path, name)


def _check_magic(path: Path, name: str) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise ModelError(f"{name} cannot be read ({error.strerror}).", "Check the folder's permissions.") from error
    # A safetensors file begins with the length of its header, which may look like a pickle's first bytes.
    if path.suffix == ".safetensors" and start[6:9] == b"\0\0{":
        return
    if _PICKLE.match(start) or start.startswith(_ZIP):
        kind = "a zip archive, as torch.save writes them," if start.startswith(_ZIP) else "a pickle"
        raise ModelError(
            f"{name} is {kind} whatever its name says; it can run code when it is loaded.",
            "Nothing was loaded. Use a folder that holds the weights as safetensors.",
        )


def read_json(path: Path, needed: bool = True) -> dict[str, Any]:
    """A JSON object of a model's folder; {} where the file is absent and not needed.

    Raises:
        ModelError: It is missing, too large, or no JSON object.
    """
    if not path.is_file():
        if not needed:
            return {}
        raise ModelError(f"{path.name} is missing from {path.parent.name}.", _WHOLE)
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise ModelError(f"{path.name} is too large.", _WHOLE)
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path.name} is not JSON.", "Download the model again.") from error
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read ({error.strerror}).", "Check its permissions.") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path.name} is not a JSON object.", "Download the model again.")
    return value


def check_config(value: dict[str, Any], file: str) -> None:
    """Refuse settings that make a library load code or files from elsewhere. Raises ModelError."""
    stack: list[Any] = [value]
    while stack:
        entry = stack.pop()
        stack += entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ()
        if not isinstance(entry, dict):
            continue
        for key in ("auto_map", "custom_generate", "trust_remote_code", "transformers_weights", "custom_pipelines"):
            if entry.get(key):
                raise ModelError(
                    f"{file} asks for code or files of the model's own ({key}), which the lab does not load.",
                    "Use a model that transformers knows without code of its own.",
                )
        for key in ("attn_implementation", "_attn_implementation", "experts_implementation"):
            if "/" in str(entry.get(key, "")):
                raise ModelError(f"{file} asks for a kernel from the hub ({key}).", "Remove that line from the file.")
