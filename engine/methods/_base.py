"""What a method is: a treatment of the training data, and one or more objectives. Never a loop."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from random import Random
from typing import ClassVar, Generic, NamedTuple, TypeVar

from pydantic import Field

from engine.spec.example import Example, Frozen, Preference
from engine.subject.protocol import Subject


class Objective(StrEnum):
    """What TRL's trainer minimises."""

    SFT = "sft"
    DPO = "dpo"


class Phase(Frozen):
    """A stretch of training with one objective.

    Attributes:
        share: Part of the run's optimizer steps, (0, 1]; the shares of a method add up to 1.
        beta: DPO's beta: how strongly the policy is held to the reference.
        sft_weight: Weight of the SFT term beside DPO's own loss.
    """

    objective: Objective
    share: float = Field(gt=0, le=1)
    learning_rate: float = Field(gt=0)
    beta: float = Field(default=0.1, gt=0)
    sft_weight: float = Field(default=1.0, ge=0)


class Sampled(NamedTuple):
    """Pairs for a DPO phase, and what became of the answers they were chosen from.

    Attributes:
        answers: Answers that were sampled.
        cut: Of them, those that reached the limit before they ended; they are in no pair.
        right: Of the others, those that are right or say what the chosen answer says; they are in no pair either.
        limit: Tokens that an answer could take.
    """

    pairs: list[Preference]
    answers: int = 0
    cut: int = 0
    right: int = 0
    limit: int = 0


class MethodConfig(Frozen):
    """Settings every method that trains has."""

    rank: int = Field(16, ge=1, le=256, description="Rank r of the LoRA update.")
    alpha: int = Field(32, ge=1, le=1024, description="LoRA scaling: the update is multiplied by alpha / r.")
    learning_rate: float = Field(3e-3, gt=0, le=1, description="Peak learning rate of supervised fine-tuning.")
    warmup: float = Field(
        0.05, ge=0, le=0.5, description="Share of the steps over which the rate rises; then it falls linearly."
    )
    max_grad_norm: float = Field(1.0, gt=0, description="Gradients are scaled down to this norm.")


C = TypeVar("C", bound=MethodConfig)


class Method(Generic[C]):
    """Base of every method (`engine/methods/<name>.py`, one class a file).

    Attributes:
        name: The file's name, with "-" for "_".
        label: What people read.
        source: The paper.
        trains: Whether a run changes weights.
        control: Whether its data withholds something.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    source: ClassVar[str] = ""
    trains: ClassVar[bool] = True
    control: ClassVar[bool] = False
    Config: ClassVar[type[MethodConfig]] = MethodConfig

    def __init__(self, config: C) -> None:
        self.config = config

    def phases(self) -> tuple[Phase, ...]:
        """The objectives, in order. Empty where nothing is trained."""
        return (Phase(objective=Objective.SFT, share=1.0, learning_rate=self.config.learning_rate),)

    def treat(self, examples: Sequence[Example], rng: Random) -> list[Example]:
        """The training examples as this method shows them, in the order given."""
        return list(examples)

    def asked(self, examples: Sequence[Example], pool: Sequence[Example]) -> Sequence[Example]:
        """Where a DPO phase looks for wrong answers: the run's own examples, or some of the whole pool."""
        return examples

    def preferences(self, subject: Subject, examples: Sequence[Example], rng: Random) -> Sampled:
        """Pairs for a DPO phase, made with the model as it stands when that phase begins."""
        return Sampled([])
