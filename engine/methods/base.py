"""The untouched base model: nothing is trained, everything is measured."""

from __future__ import annotations

from typing import ClassVar

from engine.methods._base import Method, MethodConfig, Phase


class Base(Method[MethodConfig]):
    """The base model as it came. It does not depend on the seed and is measured once."""

    name: ClassVar[str] = "base"
    label: ClassVar[str] = "Base model"
    trains: ClassVar[bool] = False

    def phases(self) -> tuple[Phase, ...]:
        """None."""
        return ()
