"""Soft prompt: supervised fine-tuning of a few embeddings before every prompt; the model itself stays as it is."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from engine.methods._base import Method, MethodConfig, TrainConfig
from engine.methods._settings import SoftPromptSettings
from engine.spec.run import Use


class SoftPromptConfig(TrainConfig, SoftPromptSettings):
    """Settings of prompt tuning."""

    learning_rate: float = Field(0.03, gt=0, le=10, description="Peak learning rate: far above a LoRA's.")


class SoftPrompt(Method[SoftPromptConfig]):
    """The strongest prompt there is: not words, but whatever embeddings lower the loss."""

    name: ClassVar[str] = "soft-prompt"
    label: ClassVar[str] = "Soft prompt"
    source: ClassVar[str] = "arXiv:2104.08691"
    Config: ClassVar[type[MethodConfig]] = SoftPromptConfig

    def adaptation(self) -> Use | None:
        """Embeddings before every prompt."""
        return Use(name="soft-prompt", settings=self.config.model_dump(include=set(SoftPromptSettings.model_fields)))
