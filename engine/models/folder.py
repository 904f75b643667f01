"""A Hugging Face model folder as a `ModelRef`: checked, identified by its content, without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.errors import ModelError
from engine.models import safety, weights
from engine.provenance import hash_file, hash_text
from engine.spec import ModelRef, digest

LARGEST_TEMPLATE = 1_000_000  # characters
_COUNTED = (
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "chat_template.jinja", "tokenizer.model", "vocab.json", "merges.txt", weights.INDEX,
)  # fmt: skip
_hashes: dict[tuple[str, int, int], str] = {}


def shown(text: str) -> str:
    """A user's path or name in quotes, short and printable."""
    return ascii(text if len(text) <= 200 else f"{text[:200]}...") if not text.isprintable() else repr(text[:200])


def resolve(path: Path, name: str | None = None) -> ModelRef:
    """The reference of a model folder.

    Args:
        name: What people read; the folder's name where None.

    Raises:
        ModelError: The folder is missing, incomplete, damaged or unsafe.
    """
    if not path.is_dir():
        raise ModelError(f"{shown(str(path))} is not a folder.", "Name the folder that holds config.json.")
    root = path.resolve()
    if not (root / "config.json").is_file():
        adapter = (root / "adapter_config.json").is_file()
        raise ModelError(
            f"{shown(str(path))} holds {'an adapter, not a model' if adapter else 'no config.json'}.",
            "Name the folder of a whole model: config.json, tokenizer.json and its weights as safetensors.",
        )
    safety.check_files(root)
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
    safety.read_json(root / "tokenizer.json")
    safety.check_kind(config)
    files = weights.files(root)
    counts: dict[str, int] = {}
    for file in files:
        counts.update(weights.tensors(file))
    text = template(root, tokenizer)
    return ModelRef(
        name=name or root.name,
        path=str(root),
        digest=content(root, files),
        template=hash_text(text) if text.strip() else "",
        parameters=sum(counts.values()),
    )


def content(root: Path, files: list[Path]) -> str:
    """sha256 over the weights, the configuration and the tokenizer's files, each with its name.

    Hashes are remembered as long as size and time of a file stay the same.
    """
    present = [root / name for name in _COUNTED if (root / name).is_file()]
    return digest(sorted([path.name, _hash(path)] for path in (*present, *files)))


def _hash(path: Path) -> str:
    try:
        state = path.stat()
        key = (str(path), state.st_mtime_ns, state.st_size)
        if key not in _hashes:
            _hashes[key] = hash_file(path)
    except OSError as error:
        raise ModelError(
            f"{path.name} cannot be read ({error.strerror}).", "Check the folder's permissions."
        ) from error
    return _hashes[key]


def template(root: Path, tokenizer: dict[str, Any]) -> str:
    """The chat template's text, "" where the model brings none; of several the one named "default".

    Raises:
        ModelError: It cannot be read.
    """
    file = root / "chat_template.jinja"
    if file.is_file():
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError("chat_template.jinja is not readable text in UTF-8.", "Download it again.") from error
    else:
        text = chosen(tokenizer.get("chat_template"))
    if len(text) > LARGEST_TEMPLATE:
        raise ModelError("The chat template is too long.", f"At most {LARGEST_TEMPLATE:,} characters are read.")
    return text


def chosen(value: Any) -> str:
    """The one template of a tokenizer's setting: text, {name: text} or [{"name", "template"}]."""
    if isinstance(value, list):
        value = {e.get("name"): e.get("template") for e in value if isinstance(e, dict)}
    if isinstance(value, dict):
        value = value.get("default")
    return value if isinstance(value, str) else ""
