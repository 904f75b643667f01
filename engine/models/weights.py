"""Safetensors files, checked without loading them: a header of JSON, then numbers. Nothing in them can run."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from engine.models import safety
from engine.spec.errors import ModelError

LARGEST_HEADER = 100_000_000  # bytes; safetensors' own bound
SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"

_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip
_FLOATS = ("F16", "BF16", "F32", "F64")
_AGAIN = "Download the model again, or save it anew with save_pretrained(folder)."


def tensors(path: Path) -> dict[str, int]:
    """Name of each tensor in a safetensors file -> how many numbers it holds.

    Raises:
        ModelError: The file is no whole safetensors file, or its weights are no floating-point numbers.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        if start == b"version ":
            raise ModelError(
                f"{path.name} is a pointer of Git LFS, not the weights.", "Run `git lfs pull` in the folder."
            )
        length = int.from_bytes(start, "little")
        if len(start) < 8 or length > min(LARGEST_HEADER, size - 8):
            raise ModelError(f"{path.name} is not a whole safetensors file.", _AGAIN)
        raw = file.read(length)
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path.name} is not a safetensors file: its header is no JSON.", _AGAIN) from error
    if not isinstance(header, dict):
        raise ModelError(f"{path.name} is not a safetensors file: its header is no object.", _AGAIN)
    header.pop("__metadata__", None)
    spans = {name: _span(path, name, entry) for name, entry in header.items()}
    end = 0
    for begin, stop, _ in sorted(spans.values()):
        if begin != end:
            raise ModelError(f"{path.name} is damaged: its tensors overlap or leave gaps.", _AGAIN)
        end = stop
    if not spans or end != size - 8 - length:
        raise ModelError(
            f"{path.name} is damaged: its header promises {end:,} bytes of weights, it holds {size - 8 - length:,}.",
            _AGAIN,
        )
    return {name: count for name, (_, _, count) in spans.items()}


def _span(path: Path, name: str, entry: Any) -> tuple[int, int, int]:
    """Where a tensor begins and ends in the data, and how many numbers it holds."""
    try:
        dtype, shape, (begin, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
        whole = all(type(n) is int and n >= 0 for n in (*shape, begin, stop))
        count = math.prod(shape) if whole and len(shape) <= 16 else -1
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path.name} is damaged: its header does not describe {name[:80]!r}.", _AGAIN) from error
    if count < 0 or not isinstance(dtype, str) or (stop - begin) * 8 != count * _BITS.get(dtype, -1):
        raise ModelError(f"{path.name} is damaged: {name[:80]!r} has another size than its header says.", _AGAIN)
    if dtype not in _FLOATS and name.endswith((".weight", ".qweight")):
        raise ModelError(
            f"{path.name} holds quantised weights ({dtype}), which cannot be tuned.",
            "Use the model's original weights (float32, float16 or bfloat16).",
        )
    return begin, stop, count


def files(folder: Path) -> list[Path]:
    """The safetensors files that hold a model's weights.

    Raises:
        ModelError: There are none, or the index of a model in several files is broken.
    """
    if (folder / SINGLE).exists() or (folder / SINGLE).is_symlink():
        safety.check_file(folder, SINGLE)
        return [folder / SINGLE]
    index = folder / INDEX
    if not index.exists() and not index.is_symlink():
        raise _missing(folder)
    safety.check_file(folder, INDEX)
    try:
        listed = json.loads(index.read_bytes())["weight_map"]
        shards = sorted(set(listed.values()))
        entries = [(str(name), str(shard)) for name, shard in listed.items()]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{INDEX} is broken: it has no weight_map of names and files.", _AGAIN) from error
    for shard in shards:
        if (
            not isinstance(shard, str)
            or shard != Path(shard).name
            or not shard.endswith(".safetensors")
            or "\\" in shard
        ):
            raise ModelError(f"{INDEX} names {str(shard)[:80]!r}, which is no safetensors file of this folder.", _AGAIN)
        if not (folder / shard).is_file():
            raise ModelError(f"{shard} is missing, one of {len(shards)} files of weights.", _AGAIN)
        safety.check_file(folder, shard)
    held = {shard: tensors(folder / shard) for shard in shards}
    for name, shard in entries:
        if name not in held[shard]:
            raise ModelError(f"{shard} does not hold {name[:80]!r}, as {INDEX} says it does.", _AGAIN)
    if not shards:
        raise ModelError(f"{INDEX} names no files.", _AGAIN)
    return [folder / shard for shard in shards]


def _missing(folder: Path) -> ModelError:
    """Why there are no weights to load."""
    there = sorted(path.name for path in folder.glob("*.safetensors"))
    parts = [name for name in there if re.fullmatch(r".*-\d{5}-of-\d{5}\.safetensors", name)]
    if parts:
        return ModelError(
            f"{folder.name} holds {len(parts)} file(s) of weights ({parts[0]}, ...) but no {INDEX}, which says what "
            "is in which.",
            "Download that file too, or save the model anew with save_pretrained(folder).",
        )
    if there:
        return ModelError(
            f"{folder.name} holds no {SINGLE}, but {', '.join(there[:3])}.",
            f"If that is the whole model, name it {SINGLE}; several files need {INDEX}.",
        )
    if other := other_form(folder):
        return ModelError(f"{folder.name} holds no safetensors weights ({SINGLE}), but {other[0]}.", other[1])
    return ModelError(
        f"{folder.name} holds no safetensors weights ({SINGLE}).",
        "Only safetensors are loaded. Save the model with save_pretrained(folder), which writes them.",
    )


def other_form(folder: Path) -> tuple[str, str] | None:
    """What a folder holds instead of safetensors, and what to do; None where it holds no weights at all."""
    original = "Use the repository that it was made from, with config.json and safetensors."
    forms = (
        (safety.PICKLES, "pickled weights, which can run code when they are loaded and are not opened",
         "Take a version with safetensors; or, if you trust the file, load it once elsewhere and call "
         "save_pretrained(folder)."),
        ((".gguf", ".ggml"), "quantised weights for llama.cpp (GGUF), which cannot be tuned", original),
        ((".h5", ".msgpack", ".tflite"), "weights for TensorFlow or Flax, which are not read", original),
        ((".onnx",), "a model for ONNX, which cannot be tuned", original),
    )  # fmt: skip
    for suffixes, what, hint in forms:
        for place in (folder, folder / "original", folder / "onnx", folder / "gguf"):
            found = sorted(p.name for p in place.glob("*") if p.suffix.lower() in suffixes and p.name not in _TRAINER)
            if found:
                return f"{what} ({found[0][:80]})", hint
    return None


_TRAINER = frozenset(("training_args.bin", "optimizer.pt", "optimizer.bin", "scheduler.pt", "scaler.pt"))
