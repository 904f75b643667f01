"""Which arm gets which look, in the reports and in the window: decided once, from what a result says of its arms."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple

from engine.spec.result import Result


class Look(NamedTuple):
    """An arm's place among the looks.

    Attributes:
        kind: "quiet" for the untrained arm that others are measured against, "reference" for the trained one that
            plays a part in the rule beside the two arms of the primary contrast, "free" for all others.
        place: Of the free ones, from 0.
    """

    kind: Literal["quiet", "reference", "free"]
    place: int = 0


def looks(
    arms: Sequence[str], untrained: Collection[str], roles: Mapping[str, str], compared: Collection[str]
) -> dict[str, Look]:
    """A look for every arm, in the study's order.

    Args:
        arms: The arms' names.
        untrained: Those that train nothing.
        roles: Role -> arm, as the rule has them; the first is the arm that the question is about.
        compared: The arms of the primary contrast.
    """
    asked, *others = list(dict.fromkeys(roles.values())) or [""]
    quiet = next((arm for arm in (*others, *arms) if arm in untrained and arm != asked), None)
    reference = next((arm for arm in others if arm not in untrained and arm not in compared), None)
    found: dict[str, Look] = {}
    free = 0
    for arm in arms:
        if arm in (quiet, reference):
            found[arm] = Look("quiet" if arm == quiet else "reference")
        else:
            found[arm] = Look("free", free)
            free += 1
    return found


def looks_of(result: Result) -> dict[str, Look]:
    """A look for every arm of a result."""
    untrained = {arm.name for arm in result.arms if not arm.trains}
    roles = result.rule.roles if result.rule else {}
    return looks([arm.name for arm in result.arms], untrained, roles, result.study.primary.contrast)
