"""The objectives, one file each, in the package and in the user's folder. Worker side: they import torch."""

from __future__ import annotations

from typing import Any

from engine.objectives._base import Loss, Objective, ObjectiveConfig
from engine.objectives._kit import Kit
from engine.spec.plugins.discovery import Found, configured, discover
from engine.spec.run import Use

__all__ = ["Kit", "Loss", "Objective", "ObjectiveConfig", "found", "objective"]


def found() -> Found[Objective]:
    """All objectives."""
    return discover("objectives", Objective)


def objective(use: Use) -> Objective[Any]:
    """The objective of that name with its settings. Raises PluginError or SpecError."""
    return configured(found().get(use.name), use.settings, f"objective {use.name!r}")
