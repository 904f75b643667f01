"""Two runs on the same items: which items one of them has right and the other has not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from scipy.special import bdtr

from engine.spec.example import Outcome


class Discordant(NamedTuple):
    """Items that only one of two runs has right, and McNemar's exact p that it is a matter of luck which."""

    only_a: int
    only_b: int
    items: int
    p: float


def discordant(a: Sequence[Outcome], b: Sequence[Outcome]) -> Discordant | None:
    """Compare two runs item by item; None where they have no item in common that both were scored on."""
    right = {outcome.item: outcome.correct for outcome in b if outcome.correct is not None}
    scored = [(outcome.item, outcome.correct) for outcome in a if outcome.correct is not None]
    pairs = [(correct, right[item]) for item, correct in scored if item in right]
    if not pairs:
        return None
    only_a, only_b = sum(x and not y for x, y in pairs), sum(y and not x for x, y in pairs)
    return Discordant(only_a, only_b, len(pairs), mcnemar(only_a, only_b))


def mcnemar(only_a: int, only_b: int) -> float:
    """Exact two-sided p of McNemar's test: of n discordant items, each is one's or the other's with equal chance.

    It speaks of these two runs on such items, not of other seeds.
    """
    n = only_a + only_b
    return min(1.0, 2 * float(bdtr(min(only_a, only_b), n, 0.5))) if n else 1.0
