"""The probes, one file each, in the package and in the user's folder. A broken one is listed with its traceback."""

from __future__ import annotations

from engine.probes._base import Measuring, Probe, ProbeConfig
from engine.spec.plugins.discovery import Found, discover

__all__ = ["Measuring", "Probe", "ProbeConfig", "found", "probe_class"]


def found() -> Found[Probe]:
    """All probes."""
    return discover("probes", Probe)


def probe_class(name: str) -> type[Probe]:
    """The probe of that name. Raises PluginError where there is none."""
    return found().get(name)
