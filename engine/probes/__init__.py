"""The probes, one file each. `found()` lists them; a broken one is listed with its traceback."""

from __future__ import annotations

from functools import cache

from engine.probes._base import Probe
from engine.spec.plugin import Found, discover


@cache
def found() -> Found[Probe]:
    """All probes."""
    import engine.probes as package

    return discover(package, Probe)


def probe_class(name: str) -> type[Probe]:
    """The probe of that name. Raises PluginError where there is none."""
    return found().get(name)
