"""Runs that have the same outcome on every item: are they one run under several names?

Outcomes alone cannot prove it. What is asked is whether sameness is telling: runs that are right (or wrong) on nearly
all items, or wherever the shortcut helps and nowhere else, or that give one answer to everything, are the same whoever
made them. Elsewhere two runs that differ in their seed agree on many items and not on all.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from engine.spec.example import Outcome

LEAST = 5
"""So many items at least must be right and so many wrong, beyond what their side explains."""
SHARE = 0.05
"""And so large a share of all items: the few items that a good model fails are often hard for every seed."""
CHANCE = 1e-4
"""The same items would be right so rarely if they were drawn anew for each run, as many of each side."""
Key = TypeVar("Key", bound=Hashable)


def same_outcomes(runs: Mapping[Key, Sequence[Outcome]]) -> list[tuple[Key, ...]]:
    """Groups of runs that agree on every item in all that is known of it: right or wrong, the answer, the value."""
    groups: dict[bytes, list[Key]] = {}
    for key, outcomes in runs.items():
        if outcomes:
            groups.setdefault(_signature(outcomes), []).append(key)
    return [tuple(keys) for keys in groups.values() if len(keys) > 1]


def fingerprint(outcomes: Sequence[Outcome]) -> str:
    """sha256 over all that is known of outcomes; "" where others than a copy might well have the same (`telling`)."""
    return _signature(outcomes).hex() if telling(outcomes) else ""


def _signature(outcomes: Sequence[Outcome]) -> bytes:
    lines = sorted((o.item, o.split, str(o.correct), o.output, repr(o.value)) for o in outcomes)
    return hashlib.sha256(repr(lines).encode("utf-8", "surrogatepass")).digest()


def telling(outcomes: Sequence[Outcome]) -> bool:
    """Whether another run with all of these outcomes would hardly come about but as a copy."""
    values = {o.value for o in outcomes if o.value is not None}
    if len(values) >= LEAST:  # floats that agree to their last digit come from one computation
        return True
    words = {o.output for o in outcomes}
    if len(words) == 1 and words != {""}:
        return False
    scored = [o for o in outcomes if o.correct is not None]
    counts = Counter((o.side, o.correct) for o in scored)
    odd, chance = 0, 0.0  # the logarithm of the chance
    for side in {o.side for o in scored}:
        right, wrong = counts[side, True], counts[side, False]
        odd += min(right, wrong)
        chance -= math.log(math.comb(right + wrong, right))
    return odd >= max(LEAST, SHARE * len(scored)) and chance < math.log(CHANCE)
