"""Settings that methods share with the objectives and adaptations they use, so that each is described once."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.spec.example import Frozen


class LoraSettings(Frozen):
    """How large a LoRA's update is."""

    rank: int = Field(16, ge=1, le=256, description="Rank r of the LoRA update.")
    alpha: int = Field(32, ge=1, le=1024, description="LoRA scaling: the update is multiplied by alpha / r.")


class SoftPromptSettings(Frozen):
    """How long a soft prompt is."""

    tokens: int = Field(16, ge=1, le=1024, description="Trained embeddings before every prompt.")


class PreferenceSettings(Frozen):
    """How wrong answers are sampled, and how strongly they are learned from."""

    beta: float = Field(0.1, gt=0, le=10, description="DPO's beta: how strongly the policy is held to the reference.")
    sft_weight: float = Field(1.0, ge=0, le=100, description="Weight of the SFT term beside DPO's own loss.")
    temperature: float = Field(1.0, gt=0, le=5, description="Temperature of the teacher's sampling.")
    samples: int = Field(3, ge=1, le=64, description="Answers sampled per prompt.")
    max_new_tokens: int | None = Field(
        None,
        ge=1,
        le=32768,
        description="Longest sampled answer, in tokens; unset: as the longest right answer needs. What reaches it is "
        "never learned from.",
    )
    think_tokens: int = Field(
        512,
        ge=0,
        le=32768,
        description="Tokens that a sampled answer may take besides where the teacher's template thinks before it "
        "answers, and no longest answer is set.",
    )
    pairs: int = Field(320, ge=1, le=100_000, description="Sampling stops once there are so many pairs.")
    negatives_on: Literal["all", "conflicting"] = Field(
        "all", description='Which examples are sampled: "all", or those on which the shortcut points to a wrong answer.'
    )
    unreadable: bool = Field(
        False,
        description="Whether answers that cannot be read (no call, half a call) are learned from beside readable ones; "
        "otherwise only where the teacher gives no readable wrong answer at all.",
    )
