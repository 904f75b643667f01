"""Items on which two arms differ, chosen by a rule and not by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from engine.spec.example import Outcome
from engine.stats.evidence import Run

MOST = 3
"""How many items are shown that only arm a has right, and as many that only arm b has right."""


class Flipped(NamedTuple):
    """An item that one run of a pair has right and the other wrong.

    Attributes:
        a_right: Whether it is arm a that has it right.
        times: In how many pairs of runs that is so.
        seed: Of the first such pair.
        right, wrong: The two outcomes of that pair.
    """

    a_right: bool
    times: int
    seed: int
    right: Outcome
    wrong: Outcome


def flipped(pairs: Sequence[tuple[Run, Run]], probe: str, most: int = MOST) -> list[Flipped]:
    """The items that flip in most pairs: up to `most` that a has right, then as many of b's; ties by name.

    An item that was not scored in one of the two runs flips in neither direction.

    Args:
        pairs: Runs of arms a and b by seed.
        probe: Whose items.
    """
    found: dict[tuple[bool, str], list[tuple[int, Outcome, Outcome]]] = defaultdict(list)
    for x, y in pairs:
        other = {outcome.item: outcome for outcome in y.outcomes.get(probe, ())}
        # An unseeded run is paired with every seed of the other arm: the seeded one's seed names the pair.
        seed = x.seed if x.seeded or not y.seeded else y.seed
        for mine in x.outcomes.get(probe, ()):
            yours = other.get(mine.item)
            if yours is None or mine.correct is None or yours.correct is None:
                continue
            if mine.correct != yours.correct:
                right, wrong = (mine, yours) if mine.correct else (yours, mine)
                found[mine.correct, mine.item].append((seed, right, wrong))
    chosen: list[Flipped] = []
    for a_right in (True, False):
        own = sorted((-len(times), item) for (side, item), times in found.items() if side is a_right)[:most]
        chosen += [Flipped(a_right, -count, *found[a_right, item][0]) for count, item in own]
    return chosen
