"""A model and its tokenizer, loaded in a worker: safetensors only, no code of the model's own, no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.models import folder, tokens, view
from engine.spec.errors import ModelError, OutOfMemory
from engine.spec.provenance import quiet
from engine.spec.reference import ModelRef


def load(ref: ModelRef, device: str = "cpu") -> tuple[Any, Any]:
    """The model of a reference, in float32 and in evaluation mode, and its tokenizer.

    The folder is checked again, as `engine.models.resolve` does it, and nothing but the checked files is opened.

    Raises:
        ModelError: The folder has changed since the reference was made, or cannot be loaded.
        OutOfMemory: The weights do not fit.
    """
    root = _unchanged(ref)
    quiet()
    import torch
    from transformers import AutoModelForCausalLM

    from engine.subject.forward import kernels

    try:
        with view.only(folder.opened(root)) as place:
            tokenizer = tokens.load(place)
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                place,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
                local_files_only=True,
                trust_remote_code=False,
            )
            model, report = loaded[0].to(device), loaded[1]
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise OutOfMemory(f"The model {ref.name!r} does not fit into memory.", "Use a smaller model.") from error
    except ModelError:
        raise
    except Exception as error:  # a library's parsers raise anything on files they do not expect
        raise _unloadable(ref, error) from error
    model.name_or_path = model.config._name_or_path = tokenizer.name_or_path = str(root)  # noqa: SLF001 - transformers' own
    _check_whole(ref, report)
    _check_vocabulary(ref, model, tokenizer)
    kernels.quicken(model)
    return model.eval(), tokenizer


def load_tokenizer(ref: ModelRef) -> Any:
    """The tokenizer of a reference, as `load` gives it, without the model.

    Raises:
        ModelError: The folder has changed since the reference was made, or its tokenizer cannot be loaded.
    """
    root = _unchanged(ref)
    quiet()
    try:
        with view.only([root / name for name in folder.listed(root)]) as place:
            tokenizer = tokens.load(place)
    except ModelError:
        raise
    except Exception as error:  # a library's parsers raise anything on files they do not expect
        raise _unloadable(ref, error) from error
    tokenizer.name_or_path = str(root)
    return tokenizer


def load_configuration(ref: ModelRef) -> tuple[Any, Any]:
    """The configuration of a reference and that of its generation, as the model of `load` has them, without the model.

    Raises:
        ModelError: The folder has changed since the reference was made, or its configuration cannot be loaded.
    """
    root = _unchanged(ref)
    quiet()
    from transformers import AutoConfig, GenerationConfig

    try:
        with view.only([root / name for name in folder.listed(root)]) as place:
            config = AutoConfig.from_pretrained(place, local_files_only=True, trust_remote_code=False)
            generation = (
                GenerationConfig.from_pretrained(place, local_files_only=True)
                if (place / "generation_config.json").is_file()
                else GenerationConfig.from_model_config(config)
            )
    except Exception as error:  # a library's parsers raise anything on files they do not expect
        raise _unloadable(ref, error) from error
    return config, generation


def _unchanged(ref: ModelRef) -> Path:
    root = Path(ref.path)
    if folder.resolve(root, ref.name).digest != ref.digest:
        raise ModelError(
            f"The model {ref.name!r} has changed since this run was queued.",
            "Finished runs are kept. Put the old files back and retry, or queue the study again with the new ones.",
        )
    return root


def _unloadable(ref: ModelRef, error: Exception) -> ModelError:
    return ModelError(
        f"The model {ref.name!r} cannot be loaded: {_first_line(error)}",
        "Its files do not fit together, or this version of transformers does not know them.",
    )


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


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return "".join(c if c.isprintable() else "?" for c in lines[0][:300])
