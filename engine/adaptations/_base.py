"""What an adaptation is: weights that are trained beside a frozen model; how they are attached, measured and kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from engine.spec.example import Frozen


class AdaptationConfig(Frozen):
    """Settings every adaptation has (none)."""


C = TypeVar("C", bound=Frozen)


class Adaptation(Generic[C]):
    """Base of every adaptation (`engine/adaptations/<name>.py`, one class a file).

    A trained model is only ever measured through `measurable`, and with the `prefix` before its prompts, so that no
    part of what was trained is dropped in silence; `disabled` gives the base's own logits bit for bit.

    Attributes:
        name: The file's name, with "-" for "_".
        WEIGHTS: The file that `save` writes the weights to.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    source: ClassVar[str] = ""
    Config: ClassVar[type[Frozen]] = AdaptationConfig
    WEIGHTS: ClassVar[str] = "adapter_model.safetensors"

    def __init__(self, config: C) -> None:
        self.config = config

    def attach(self, model: Any, seed: int) -> Any:
        """The model with fresh weights, the only ones that are trained; the same seed gives the same weights."""
        raise TypeError(f"{type(self).__name__} has no attach()")

    def prefix(self, model: Any) -> tuple[int, ...]:
        """Token ids that stand before every prompt of the adapted model."""
        return ()

    def quicken(self, model: Any) -> None:
        """Make training faster where the same values can be had in fewer operations."""

    @contextmanager
    def measurable(self, model: Any) -> Iterator[Any]:
        """Within it, the adapted model in the form in which it is fastest to measure."""
        yield model

    def disabled(self, model: Any) -> AbstractContextManager[Any]:
        """Within it, the model computes as the base does."""
        return model.disable_adapter()

    def save(self, model: Any, folder: Path) -> str:
        """Write the weights into a folder, which appears whole or not at all. Returns their sha256."""
        raise TypeError(f"{type(self).__name__} has no save()")

    def load(self, model: Any, folder: Path) -> None:
        """Set the weights of an attached model from a folder that `save` or a checkpoint wrote."""
        raise TypeError(f"{type(self).__name__} has no load()")
