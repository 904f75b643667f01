"""Only the normalisation layers are trained (Zhao et al. 2023, arXiv:2312.11420), by PEFT's LNTuning.

Each of them is replaced by a trained copy beside the frozen original, so nothing is random and the seed has no part in
it: before the first step the model computes what the base computes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from engine.adaptations import AdaptationConfig, PeftAdaptation
from engine.spec.errors import ModelError


class NormTuning(PeftAdaptation[AdaptationConfig]):
    """The gains (and biases, where there are any) of every normalisation layer."""

    name: ClassVar[str] = "norm-tuning"
    label: ClassVar[str] = "Norm tuning"
    source: ClassVar[str] = "arXiv:2312.11420"

    def attach(self, model: Any, seed: int) -> Any:
        """A `peft.PeftModel` with a trained copy of every layer whose class is called a norm (LayerNorm, RMSNorm).

        Raises:
            ModelError: The model has none.
        """
        from peft import LNTuningConfig, get_peft_model

        norms = [name for name, layer in model.named_modules() if type(layer).__name__.endswith("Norm")]
        if not norms:
            raise ModelError("Norm tuning found no normalisation layer in this model.", "Train a LoRA instead.")
        model.requires_grad_(False)
        return get_peft_model(model, LNTuningConfig(task_type="CAUSAL_LM", target_modules=norms))

    @contextmanager
    def measurable(self, model: Any) -> Iterator[Any]:
        """The base model's own class, whose layers now hold the trained copies."""
        yield model.get_base_model()
