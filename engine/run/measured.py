"""What a probe finds, checked before anything is drawn from it: each item once, as its own, in finite numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from engine.probes._base import Measuring, Probe
from engine.spec.errors import PluginError
from engine.spec.example import Item, Outcome
from engine.spec.plugins.discovery import file_of

_OWN = ("item", "split", "cluster", "side")
HINT = "Correct the probe's file, then retry: the weights that were trained are kept."


def measured(probe: Probe[Any], kit: Measuring, items: Sequence[Item]) -> list[Outcome]:
    """What the probe finds on these items, each outcome with its item's second factor (`Item.crossed`).

    Raises:
        PluginError: It says nothing of an item, or something twice, or of another; or what it says is of another
            split, cluster or side, is of the wrong type, or is no finite number.
    """
    try:
        outcomes = probe.measure(kit, items)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise _fault(probe, f"gave {first['input']!r} for {field} of an {error.title}: {first['msg']}") from error
    wrong = [type(outcome).__name__ for outcome in outcomes if not isinstance(outcome, Outcome)]
    if wrong:
        raise _fault(probe, f"gave a {wrong[0]} where an Outcome is expected")
    if len(outcomes) != len(items):
        raise _fault(probe, f"gave {len(outcomes)} outcomes for {len(items)} items; it must give one for each")
    for item, outcome in zip(items, outcomes, strict=True):
        _check(probe, item, outcome)
    return [
        outcome if outcome.crossed == item.crossed else outcome.model_copy(update={"crossed": item.crossed})
        for item, outcome in zip(items, outcomes, strict=True)
    ]


def _check(probe: Probe[Any], item: Item, outcome: Outcome) -> None:
    own = {"item": item.id, "split": item.split, "cluster": item.cluster, "side": item.side}
    for field in _OWN:
        given = getattr(outcome, field)
        if given != own[field]:
            raise _fault(probe, f"gave {str(given)!r} as {field} of item {item.id!r}, whose own is {str(own[field])!r}")
    numbers = {"value": outcome.value, **{f"feature {name!r}": x for name, x in outcome.features.items()}}
    for field, number in numbers.items():
        if number is not None and not math.isfinite(number):
            raise _fault(probe, f"gave {number} as {field} of item {item.id!r}; None says that there is no number")


def _fault(probe: Probe[Any], what: str) -> PluginError:
    return PluginError(f"The probe {probe.name!r} ({file_of(type(probe))}) {what}.", HINT)
