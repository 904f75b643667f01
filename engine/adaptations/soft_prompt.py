"""Prompt tuning (Lester et al. 2021, arXiv:2104.08691): a few trained embeddings before every prompt, all else frozen.

PEFT holds, saves and loads the embeddings. They are read as token ids beyond the vocabulary that stand before each
prompt (`prefix`), so that packing, caches and scoring work as for any other token and no call of the model can leave
them out: whoever measures without the prefix measures the base. `tests/unit/adaptations/test_soft_prompt.py` holds the
logits to PEFT's own.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, ClassVar

import torch

from engine.adaptations._peft import PeftAdaptation
from engine.methods._settings import SoftPromptSettings
from engine.spec.errors import ModelError
from engine.spec.example import Frozen
from engine.subject.forward import packing


class SoftPrompt(PeftAdaptation[SoftPromptSettings]):
    """Trained embeddings that stand before every prompt."""

    name: ClassVar[str] = "soft-prompt"
    label: ClassVar[str] = "Soft prompt"
    source: ClassVar[str] = "arXiv:2104.08691"
    Config: ClassVar[type[Frozen]] = SoftPromptSettings

    def attach(self, model: Any, seed: int) -> Any:
        """A `peft.PeftModel`; the embeddings begin as those of words drawn with the seed.

        Raises:
            ModelError: The model is a mixture of experts whose training loss needs the whole forward pass, which
                reads no prefix.
        """
        from peft import PromptTuningConfig, PromptTuningInit, TaskType, get_peft_model

        if getattr(model.config, "output_router_logits", False):
            raise ModelError("A soft prompt cannot be trained on this mixture of experts.", "Train a LoRA instead.")
        model.requires_grad_(False)
        config = PromptTuningConfig(
            task_type=TaskType.CAUSAL_LM,
            num_virtual_tokens=self.config.tokens,
            prompt_tuning_init=PromptTuningInit.SAMPLE_VOCAB,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            tuned = get_peft_model(model, config)
        _read_prefix(tuned)
        return tuned

    def prefix(self, model: Any) -> tuple[int, ...]:
        """Ids beyond the vocabulary, one for each trained embedding."""
        words = model.get_base_model().get_input_embeddings().weight.shape[0]
        return tuple(range(words, words + self.config.tokens))

    def measurable(self, model: Any) -> Any:
        """The base, which reads the trained embeddings where the prefix stands."""
        return nullcontext(model.get_base_model())


def _read_prefix(tuned: Any) -> None:
    """Let the base's input layer give the trained embeddings for ids beyond its vocabulary."""
    layer = tuned.get_base_model().get_input_embeddings()
    plain, words = layer.forward, layer.weight.shape[0]
    trained = tuned.prompt_encoder["default"].embedding

    def forward(ids: torch.Tensor) -> torch.Tensor:
        beyond = ids >= words
        if not bool(beyond.any()):
            return plain(ids)
        found = plain(ids.masked_fill(beyond, 0))  # [..., hidden]
        own = trained((ids - words).clamp(min=0))
        return torch.where(beyond[..., None], own.to(found.dtype), found)

    layer.forward = forward
    setattr(layer, packing.READS_PREFIX, True)
