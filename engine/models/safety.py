"""What a model folder may not hold: pickles, code, links that lead outside. Checked before any library opens it.

A pickle runs whatever it likes when it is loaded, and so does a folder's own Python code; safetensors and JSON do not.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from engine.errors import ModelError

PICKLES = frozenset((".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".dill"))
CODE = frozenset((".py", ".pyc", ".pyd", ".so", ".dll", ".dylib", ".ipynb"))
MOST_FILES = 2000
LARGEST_JSON = 64 * 2**20
_SKIPPED = frozenset((".git", ".cache"))  # kept by git and by the hub's client; nothing loads them
_PICKLE = re.compile(rb"\x80[\x02-\x05][\x00-\xff]")
_ZIP = b"PK\x03\x04"


def check_files(folder: Path) -> None:
    """Refuse a folder with pickles, code, or links that lead outside it.

    Raises:
        ModelError: Naming the file and what to do about it.
    """
    root = folder.resolve()
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            raise ModelError(
                f"{name} is a link that leads outside the folder.",
                "Copy the model with its links followed (cp -rL) and name the copy.",
            )
        suffix = path.suffix.lower()
        if suffix in PICKLES:
            raise ModelError(
                f"{name} may be a pickle, which can run code when it is loaded.",
                "Nothing was opened. Use a folder that holds the weights as safetensors and no such file.",
            )
        if suffix in CODE:
            raise ModelError(
                f"{name} is code of the model's own, which the lab does not run.",
                "Use a model that transformers knows without code of its own.",
            )
        if path.is_dir():
            continue
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
            "Nothing was opened. Use a folder that holds the weights as safetensors and no such file.",
        )


def _walk(folder: Path) -> Iterator[Path]:
    count = 0
    for here, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        for name in (*folders, *sorted(names)):
            count += 1
            if count > MOST_FILES:
                raise ModelError(f"{folder.name} holds more than {MOST_FILES} files.", "Name the model's own folder.")
            yield Path(here) / name


def read_json(path: Path, needed: bool = True) -> dict[str, Any]:
    """A JSON object of a model's folder; {} where the file is absent and not needed.

    Raises:
        ModelError: It is missing, too large, or no JSON object; or it asks for code of the model's own.
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


_WHOLE = "A model's folder holds config.json, tokenizer.json and its weights as safetensors."


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


def check_kind(config: dict[str, Any]) -> None:
    """Refuse what is no causal language model that transformers knows. Raises ModelError."""
    kind = config.get("model_type")
    if not isinstance(kind, str) or not kind:
        raise ModelError("config.json names no model_type.", "Use a Hugging Face causal language model.")
    if config.get("quantization_config"):
        raise ModelError("The model is quantised, and quantised weights cannot be tuned.", "Use the original weights.")
    known = causal_models()
    if known is None:  # a frozen build without sources: the worker finds out when it loads the model
        return
    if kind not in known:
        raise ModelError(
            f"{kind[:80]!r} is no causal language model that this version of transformers knows.",
            "Use a text-generating model such as Llama, Qwen, Gemma, Mistral, SmolLM or GPT-2.",
        )
    said = config.get("architectures")
    if isinstance(said, list) and said and known[kind] not in said:
        raise ModelError(
            f"The model is a {str(said[0])[:80]}, not a causal language model ({known[kind]}).",
            "Use a text-generating model.",
        )


@cache
def causal_models() -> dict[str, str] | None:
    """transformers' causal language models: model_type -> class. None where its source cannot be read.

    Read from the source's own table: importing that module would bring torch into the window.
    """
    spec = importlib.util.find_spec("transformers")
    for place in (spec.submodule_search_locations if spec else None) or ():
        source = Path(place) / "models" / "auto" / "modeling_auto.py"
        try:
            tree = ast.parse(source.read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError):
            continue
        for node in tree.body:
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and node.targets[0].id == "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES"
                and isinstance(node.value, ast.Call)
                and node.value.args
            ):
                return {str(kind): str(name) for kind, name in ast.literal_eval(node.value.args[0])}
    return None
