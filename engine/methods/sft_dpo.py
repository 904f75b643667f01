"""SFT, then DPO against wrong answers that a teacher sampled and that were verified to be wrong."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from engine.methods._base import NAMES_A_NEED, LoraConfig, Method, MethodConfig, Phase
from engine.methods._settings import PreferenceSettings
from engine.spec.run import Use, Wanted


class SftDpoConfig(LoraConfig, PreferenceSettings):
    """Settings of SFT followed by DPO on a teacher's negatives."""

    dpo_share: float = Field(0.33, gt=0, lt=1, description="Share of the optimizer steps that are DPO.")
    dpo_learning_rate: float = Field(1e-3, gt=0, le=1, description="Peak learning rate of DPO.")
    teacher: str = Field(
        "self",
        min_length=1,
        description='Who samples wrong answers: "self", a bundled model ("fork-m"), or a folder.',
        json_schema_extra=NAMES_A_NEED,
    )


class SftDpo(Method[SftDpoConfig]):
    """Supervised fine-tuning, then direct preference optimisation with an SFT term.

    The reference is the policy as it stands when the DPO phase begins.
    """

    name: ClassVar[str] = "sft-dpo"
    label: ClassVar[str] = "SFT, then DPO"
    source: ClassVar[str] = "arXiv:2305.18290"
    Config: ClassVar[type[MethodConfig]] = SftDpoConfig

    def needs(self) -> dict[str, Wanted]:
        """The teacher, where it is another model."""
        return {} if self.config.teacher == "self" else {"teacher": Wanted(model=self.config.teacher)}

    def phases(self) -> tuple[Phase, ...]:
        """SFT, then DPO."""
        config = self.config
        (first,) = super().phases()
        dpo = Use(name="dpo", settings=config.model_dump(include=set(PreferenceSettings.model_fields)))
        return (
            first.model_copy(update={"share": 1 - config.dpo_share}),
            Phase(objective=dpo, share=config.dpo_share, learning_rate=config.dpo_learning_rate),
        )
