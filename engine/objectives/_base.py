"""What an objective is: the rows it learns from, a batch of them, and a loss. The loop is a trainer's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from torch import Tensor
from transformers import TrainingArguments

from engine.objectives._kit import Kit
from engine.objectives._trainer import LeanTrainer
from engine.spec.example import Frozen
from engine.subject.forward.packing import Block
from engine.subject.rendering import Encoded


class Loss(NamedTuple):
    """What is minimised, a scalar, and further figures of the step, each of which is a live curve."""

    total: Tensor
    scalars: dict[str, Tensor] = {}


class ObjectiveConfig(Frozen):
    """Settings every objective has (none)."""


C = TypeVar("C", bound=Frozen)
Row = TypeVar("Row", bound=Encoded)


class Objective(Generic[C]):
    """Base of every objective (`engine/objectives/<name>.py`, one class a file).

    Attributes:
        name: The file's name, with "-" for "_".
        Row: What it learns from; rows are saved with the run, so that a resumed run has the same.
        Arguments: The trainer's settings.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    source: ClassVar[str] = ""
    Config: ClassVar[type[Frozen]] = ObjectiveConfig
    Row: ClassVar[type[Encoded]] = Encoded
    Arguments: ClassVar[type[TrainingArguments]] = TrainingArguments

    def __init__(self, config: C) -> None:
        self.config = config

    @property
    def chunk(self) -> int | None:
        """After how many steps the rows are made again; None: never. Only `LeanTrainer` makes them again."""
        return None

    @property
    def makes_rows(self) -> bool:
        """Whether it makes rows of its own; otherwise it learns from the run's examples."""
        return type(self).rows is not Objective.rows

    @property
    def on_policy(self) -> bool:
        """Whether it makes its batches in a way of its own, by sampling, say: their size is not known beforehand."""
        return type(self).batch is not Objective.batch

    def rows(self, kit: Kit, chunk: int) -> Sequence[Encoded]:
        """What is learned from, made with the model as it stands.

        Args:
            chunk: How often rows were made before in this phase.
        """
        return kit.encoded

    def arguments(self) -> dict[str, Any]:
        """Settings of the trainer beside the pace, the size and the seed."""
        return {}

    def trainer(self, kit: Kit, rows: Sequence[Any], order: list[list[int]], args: Any) -> Any:
        """The loop: TRL's trainer where TRL has the objective."""
        return LeanTrainer(self, kit, rows, order, args)

    def block(self, row: Any) -> Block:
        """A row's prompt with the answers that the loss is about."""
        return Block(row.prompt, (row.completion,))

    def batch(self, rows: Sequence[Any], step: int, kit: Kit) -> dict[str, Any]:
        """What the loss of a step is computed from: the rows' blocks, packed (the fields of `packing.Packed`).

        Args:
            step: Steps done in this phase; with `kit.rng` it makes what is sampled here a function of the run alone.
        """
        return kit.pack([self.block(row) for row in rows]).to(kit.model.device)._asdict()

    def loss(self, model: Any, batch: dict[str, Any]) -> Loss:
        """The loss of a batch."""
        raise TypeError(f"{type(self).__name__} has no loss()")
