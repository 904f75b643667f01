"""A Hugging Face model folder as a `ModelRef`: checked, identified by its content, without torch."""

from __future__ import annotations

import re
from pathlib import Path

from engine.models import cache, downloaded, safety, template, tokens, weights
from engine.models.architecture import check_kind
from engine.spec.errors import ModelError
from engine.spec.provenance import hash_file, hash_text
from engine.spec.reference import ModelRef
from engine.spec.run import digest

CHECKPOINT = re.compile(r"checkpoint-\d{1,12}")
_hashes: dict[tuple[str, int, int], str] = {}


def shown(text: str) -> str:
    """A user's path or name in quotes, short and printable."""
    return ascii(text if len(text) <= 200 else f"{text[:200]}...") if not text.isprintable() else repr(text[:200])


def resolve(path: Path, name: str | None = None) -> ModelRef:
    """The reference of a model folder. Only files of `safety.LISTED` and the weights are opened.

    Args:
        path: A folder as save_pretrained, Trainer or a download makes it, a snapshot of the hub's cache, or a model's
            folder there (`models--owner--name`) if it has one snapshot or says which is its newest.
        name: What people read. None: what the hub calls it where the folder says so, else the folder's name.

    Raises:
        ModelError: The folder is missing, incomplete, damaged or unsafe.
    """
    if not path.is_dir():
        raise ModelError(f"{shown(str(path))} is not a folder.", "Name the folder that holds config.json.")
    root = path.resolve()
    if root.name == "snapshots":
        root = root.parent
    if cache.is_repository(root):
        root = cache.snapshot(root)
    if not (root / "config.json").is_file():
        raise unlike(root)
    present = listed(root)
    for file in present:
        safety.check_file(root, file)
    if (root / "adapter_config.json").is_file():
        raise ModelError(
            "The folder holds a model and an adapter (adapter_config.json).",
            "Merge the adapter into the model, or move its files elsewhere: the lab must know which one it tunes.",
        )
    config = safety.read_json(root / "config.json")
    tokenizer = safety.read_json(root / "tokenizer_config.json", needed=False)
    generation = safety.read_json(root / "generation_config.json", needed=False)
    for value, file in (
        (config, "config.json"),
        (tokenizer, "tokenizer_config.json"),
        (generation, "generation_config.json"),
    ):
        safety.check_config(value, file)
    check_kind(config)
    tokens.check(root)
    files = weights.files(root)
    counts: dict[str, int] = {}
    for file in files:
        counts.update(weights.tensors(file))
    text = template.text(root, tokenizer)
    return ModelRef(
        name=name or downloaded.name(root) or cache.name(root) or _name(root),
        path=str(root),
        digest=content(opened(root)),
        template=hash_text(text) if text.strip() else "",
        parameters=sum(counts.values()),
    )


def _name(root: Path) -> str:
    """The folder's name; a checkpoint's with that of its parent, which says what was trained."""
    return f"{root.parent.name}/{root.name}" if CHECKPOINT.fullmatch(root.name) and root.parent.name else root.name


def unlike(root: Path) -> ModelError:
    """What a folder without config.json is, and which folder to name instead."""
    try:
        names = sorted(entry.name for entry in root.iterdir())
    except OSError as error:
        return ModelError(f"{shown(root.name)} cannot be read ({error.strerror}).", "Check the folder's permissions.")
    if (root / "config.json").is_symlink():
        return ModelError(
            "config.json is a link that leads nowhere.", "Copy the model with its links followed (cp -rL)."
        )
    if "adapter_config.json" in names:
        base = safety.read_json(root / "adapter_config.json").get("base_model_name_or_path")
        of = f" of {shown(base)}" if isinstance(base, str) and base else ""
        return ModelError(
            f"{shown(root.name)} holds an adapter{of}, not a model.",
            "Name the base model, or merge the adapter into it (peft: merge_and_unload(), then save_pretrained) and "
            "name that folder.",
        )
    checkpoints = sorted((n for n in names if CHECKPOINT.fullmatch(n)), key=lambda n: int(n.rpartition("-")[2]))
    if checkpoints:
        said = ", ".join(checkpoints[-5:])
        return ModelError(
            f"{shown(root.name)} holds no config.json, but {len(checkpoints)} checkpoint folder(s): {said}.",
            f"Name one of them, e.g. {shown(str(root / checkpoints[-1]))}.",
        )
    held = [n for n in names if cache.is_repository(root / n)]
    if held:
        return ModelError(
            f"{shown(root.name)} is the hub's cache of {len(held)} model(s), not one model.",
            f"Name one of them, e.g. {shown(str(root / held[0]))}.",
        )
    if other := weights.other_form(root):
        return ModelError(f"{shown(root.name)} holds no config.json, but {other[0]}.", other[1])
    return ModelError(
        f"{shown(str(root))} holds no config.json.",
        "Name the folder of a whole model: config.json, tokenizer.json and its weights as safetensors.",
    )


def listed(root: Path) -> list[str]:
    """Names of the files of `safety.LISTED` that are there; vocab.json and merges.txt only without tokenizer.json."""
    present = [name for name in safety.LISTED if (root / name).exists() or (root / name).is_symlink()]
    return [name for name in present if name not in safety.PARTS] if "tokenizer.json" in present else present


def opened(root: Path) -> list[Path]:
    """Every file of a model that is opened when it is loaded. Raises ModelError where its weights are broken."""
    files = weights.files(root)
    index = [root / weights.INDEX] if files[0].name != weights.SINGLE else []
    return [*(root / name for name in listed(root)), *index, *files]


def content(files: list[Path]) -> str:
    """sha256 over the files that are opened, each with its name.

    Hashes are remembered as long as size and time of a file stay the same.
    """
    return digest(sorted([path.name, _hash(path)] for path in files))


def _hash(path: Path) -> str:
    try:
        state = path.stat()
        key = (str(path.resolve()), state.st_mtime_ns, state.st_size)
        if key not in _hashes:
            _hashes[key] = hash_file(path)
    except OSError as error:
        raise ModelError(
            f"{path.name} cannot be read ({error.strerror}).", "Check the folder's permissions."
        ) from error
    return _hashes[key]
