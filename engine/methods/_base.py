"""What a method is: how training data are shown, what is trained, what is minimised, and who answers. Never a loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import Field

from engine.methods._settings import LoraSettings
from engine.spec.example import Example, Frozen
from engine.spec.run import Use, Wanted
from engine.subject.protocol import Subject

NAMES_A_NEED: dict[str, Any] = {"need": True}
"""Marks a setting that names what `Method.needs` asks for: its content counts for a run's identity, not its name."""


class Phase(Frozen):
    """A stretch of training with one objective.

    Attributes:
        objective: Its name (`engine/objectives/<name>.py`) and settings over its defaults.
        share: Part of the run's optimizer steps, (0, 1]; the shares of a method add up to 1.
        learning_rate: Its peak.
    """

    objective: Use
    share: float = Field(gt=0, le=1)
    learning_rate: float = Field(gt=0)


@dataclass(frozen=True)
class Answering:
    """What a method that answers in its own way may use.

    Attributes:
        subject: The tuned model; the base model where nothing is trained. On the worker's side it is a `LocalSubject`,
            whose `model`, `tokenizer` and `renderer` a method may take to make another of.
        needs: What `Method.needs` asked for, by its names, likewise.
        examples: The run's training examples, as `Method.treat` shows them.
        pool: All training examples of the study.
        seed: The run's seed.
    """

    subject: Any
    needs: Mapping[str, Any]
    examples: Sequence[Example]
    pool: Sequence[Example]
    seed: int


class MethodConfig(Frozen):
    """Settings every method has (none)."""


class TrainConfig(MethodConfig):
    """Settings of methods that train."""

    learning_rate: float = Field(3e-3, gt=0, le=1, description="Peak learning rate of supervised fine-tuning.")
    warmup: float = Field(
        0.05, ge=0, le=0.5, description="Share of the steps over which the rate rises; then it falls linearly."
    )
    max_grad_norm: float = Field(1.0, gt=0, description="Gradients are scaled down to this norm.")


class LoraConfig(TrainConfig, LoraSettings):
    """Settings of methods that train a LoRA."""


C = TypeVar("C", bound=MethodConfig)


class Method(Generic[C]):
    """Base of every method (`engine/methods/<name>.py`, one class a file).

    Attributes:
        name: The file's name, with "-" for "_".
        label: What people read.
        source: The paper.
        control: Whether its data withhold something.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    source: ClassVar[str] = ""
    control: ClassVar[bool] = False
    Config: ClassVar[type[MethodConfig]] = LoraConfig

    def __init__(self, config: C) -> None:
        self.config = config

    def needs(self) -> dict[str, Wanted]:
        """What it uses beside the base model and the data, by names of its own."""
        return {}

    def adaptation(self) -> Use | None:
        """What is trained; None: nothing is, and no phase is run."""
        config = self.config
        return Use(name="lora", settings=config.model_dump(include=set(LoraSettings.model_fields)))

    def phases(self) -> tuple[Phase, ...]:
        """The objectives, in order. Empty where nothing is trained."""
        rate = self.config.model_dump()["learning_rate"]
        return (Phase(objective=Use(name="sft"), share=1.0, learning_rate=rate),)

    def treat(self, examples: Sequence[Example], rng: Random) -> list[Example]:
        """The training examples as this method shows them, in the order given."""
        return list(examples)

    def answerer(self, kit: Answering) -> Subject:
        """Who answers the probes."""
        return kit.subject

    @property
    def shows(self) -> bool:
        """Whether a method that trains nothing is given the run's training examples all the same."""
        return False

    @property
    def trains(self) -> bool:
        """Whether a run makes weights."""
        return self.adaptation() is not None

    @property
    def seeded(self) -> bool:
        """Whether another seed gives another run: what trains does, and what uses an arm that does."""
        return self.trains or any(wanted.arm for wanted in self.needs().values())


class Untrained(Method[C]):
    """Base of methods that train nothing: the base model answers, in whatever way the method has it answer."""

    Config: ClassVar[type[MethodConfig]] = MethodConfig

    def adaptation(self) -> Use | None:
        """Nothing is trained."""
        return None

    def phases(self) -> tuple[Phase, ...]:
        """No objective."""
        return ()


class Shown(Untrained[C]):
    """Base of methods that train nothing, and are given the run's training examples; another seed gives others."""

    @property
    def shows(self) -> bool:
        """The examples are used."""
        return True

    @property
    def seeded(self) -> bool:
        """Another seed draws other examples."""
        return True


def settings_of(config: MethodConfig) -> dict[str, Any]:
    """All settings as plain values, defaults written out, without those that name a need."""
    fields = type(config).model_fields.items()
    named = {name for name, field in fields if field.json_schema_extra == NAMES_A_NEED}
    return config.model_dump(mode="json", exclude=named)
