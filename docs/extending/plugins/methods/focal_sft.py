"""Fine-tuning of the normalisation layers with focal loss: one objective and one adaptation, put together."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from engine.methods import Method, MethodConfig, Phase, TrainConfig
from engine.spec.run import Use


class FocalSftConfig(TrainConfig):
    """Settings of focal fine-tuning."""

    learning_rate: float = Field(0.02, gt=0, le=1, description="Peak learning rate: above a LoRA's.")
    gamma: float = Field(
        2.0, ge=0, le=10, description="How far tokens that are likely already are weighed down; 0: not at all."
    )


class FocalSft(Method[FocalSftConfig]):
    """The answer's tokens by focal loss; nothing but gains of normalisation layers is trained."""

    name: ClassVar[str] = "focal-sft"
    label: ClassVar[str] = "Focal loss on norms"
    source: ClassVar[str] = "arXiv:1708.02002"
    Config: ClassVar[type[MethodConfig]] = FocalSftConfig

    def adaptation(self) -> Use | None:
        """What is trained, with all of its settings (it has none)."""
        return Use(name="norm-tuning")

    def phases(self) -> tuple[Phase, ...]:
        """One phase, the whole run."""
        focal = Use(name="focal", settings={"gamma": self.config.gamma})
        return (Phase(objective=focal, share=1.0, learning_rate=self.config.learning_rate),)
