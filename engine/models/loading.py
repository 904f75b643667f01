"""A model and its tokenizer, loaded in a worker: safetensors only, no code of the model's own, no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.errors import ModelError, OutOfMemory
from engine.models import folder
from engine.provenance import quiet
from engine.spec import ModelRef


def load(ref: ModelRef, device: str = "cpu") -> tuple[Any, Any]:
    """The model of a reference, in float32 and in evaluation mode, and its tokenizer.

    The folder is checked again, as `engine.models.resolve` does it.

    Raises:
        ModelError: The folder has changed since the reference was made, or cannot be loaded.
        OutOfMemory: The weights do not fit.
    """
    root = Path(ref.path)
    found = folder.resolve(root, ref.name)
    if found.digest != ref.digest:
        raise ModelError(
            f"The model {ref.name!r} has changed since this run was queued.",
            "Finished runs are kept. Put the old files back and retry, or queue the study again with the new ones.",
        )
    quiet()
    import torch
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    from engine import products

    settings: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        # tokenizer.json as it stands: AutoTokenizer goes by the model's type, and may build another one from it.
        tokenizer = PreTrainedTokenizerFast.from_pretrained(root, **settings)
        tokenizer.model_input_names = ["input_ids", "attention_mask"]
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            root, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **settings
        )
        model, report = loaded[0].to(device), loaded[1]
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise OutOfMemory(f"The model {ref.name!r} does not fit into memory.", "Use a smaller model.") from error
    except Exception as error:  # a library's parsers raise anything on files they do not expect
        raise ModelError(
            f"The model {ref.name!r} cannot be loaded: {_first_line(error)}",
            "Its files do not fit together, or this version of transformers does not know them.",
        ) from error
    _check_whole(ref, report)
    _check_vocabulary(ref, model, tokenizer)
    tokenizer.chat_template = folder.chosen(tokenizer.chat_template) or None
    _set_pad(tokenizer)
    products.quicken(model)
    return model.eval(), tokenizer


def _check_whole(ref: ModelRef, report: dict[str, Any]) -> None:
    """A weight that is not in the file would be random: no base model to study."""
    missing = sorted(str(key) for key in report.get("missing_keys", ()))
    unfit = sorted(str(entry) for entry in report.get("mismatched_keys", ()))
    if missing or unfit:
        what = f"{missing[0]} is missing" if missing else f"{unfit[0]} has another shape than config.json says"
        raise ModelError(
            f"The weights of {ref.name!r} are not whole: {what} ({len(missing) + len(unfit)} such).",
            "Download the model again.",
        )


def _check_vocabulary(ref: ModelRef, model: Any, tokenizer: Any) -> None:
    rows = model.get_input_embeddings().weight.shape[0]
    top = max(tokenizer.get_vocab().values(), default=-1)
    if top < 0 or top >= rows:
        raise ModelError(
            f"The tokenizer of {ref.name!r} does not fit the model: it has token {top}, the model knows {rows} tokens.",
            "Use the tokenizer that came with the model.",
        )


def _set_pad(tokenizer: Any) -> None:
    """A token to pad with; it is masked out, so any will do that exists."""
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token or tokenizer.convert_ids_to_tokens(0)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return "".join(c if c.isprintable() else "?" for c in lines[0][:300])
