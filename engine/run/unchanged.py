"""Whether the user's own plug-ins are still those that a run was planned with."""

from __future__ import annotations

from engine import adaptations, methods, objectives, probes
from engine.spec.errors import PluginError
from engine.spec.run import RunSpec


def require(spec: RunSpec) -> None:
    """Refuse a run whose plug-ins have changed since it was planned: its figures would stand under a wrong name.

    Raises:
        PluginError: A file has changed, is gone, or does not load.
    """
    tune = spec.tune
    wanted = [
        (methods, (tune.method,)),
        (adaptations, (tune.adaptation,) if tune.adaptation else ()),
        (objectives, tune.objectives),
        (probes, spec.probes),
    ]
    for package, uses in wanted:
        for use in uses:
            found = package.found()
            found.get(use.name)
            if found.code(use.name) != use.code:
                raise PluginError(
                    f"The plug-in {use.name!r} has changed since this run was queued.",
                    "Finished runs are kept. Start the study anew to run it with the new file, or put the old one "
                    "back and retry.",
                )
