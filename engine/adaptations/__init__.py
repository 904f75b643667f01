"""The adaptations, one file each, in the package and in the user's folder. Worker side: they import torch."""

from __future__ import annotations

from typing import Any

from engine.adaptations._base import Adaptation, AdaptationConfig
from engine.adaptations._peft import PeftAdaptation
from engine.spec.plugins.discovery import Found, configured, discover
from engine.spec.run import Use

__all__ = ["Adaptation", "AdaptationConfig", "PeftAdaptation", "adaptation", "found"]


def found() -> Found[Adaptation]:
    """All adaptations."""
    return discover("adaptations", Adaptation)


def adaptation(use: Use) -> Adaptation[Any]:
    """The adaptation of that name with its settings. Raises PluginError or SpecError."""
    return configured(found().get(use.name), use.settings, f"adaptation {use.name!r}")
