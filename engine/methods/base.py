"""The untouched base model: nothing is trained, everything is measured."""

from __future__ import annotations

from typing import ClassVar

from engine.methods._base import MethodConfig, Untrained


class Base(Untrained[MethodConfig]):
    """The base model as it came. It does not depend on the seed and is measured once."""

    name: ClassVar[str] = "base"
    label: ClassVar[str] = "Base model"
    Config: ClassVar[type[MethodConfig]] = MethodConfig
