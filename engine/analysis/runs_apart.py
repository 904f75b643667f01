"""Runs of one arm that lie apart from its others: a mean over them is no typical run's, so they are named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from engine.stats.display.wording import counted, level
from engine.stats.inference.apart import far_below, two_groups

APART = 0.1
"""Runs of an arm that lie closer than this in accuracy are not said to differ."""


def runs_apart(label: str, accuracies: Sequence[tuple[int, float]]) -> Iterator[str]:
    """Runs of one arm that lie apart, in words.

    Args:
        accuracies: Seed and accuracy of each run, a share: of other units it is not known how much is far.
    """
    seeds, values = [seed for seed, _ in accuracies], [value for _, value in accuracies]
    many = counted(len(values), "run")
    if (groups := two_groups(values, APART)) is not None:
        low, high = (f"{len(part)} about {level(median(values[at] for at in part), 'share')}" for part in groups)
        yield (
            f"The {many} of {label} fall into two groups in accuracy, {low} and {high}: the seed decides between two "
            "outcomes, and their mean is neither. Lower the learning rate, lengthen its warm-up, or run more seeds."
        )
        return
    for at in far_below(values, APART):
        yield (
            f"{label}, seed {seeds[at]}, collapsed: {level(values[at], 'share')} in accuracy, where the median of the "
            f"arm’s {many} is {level(median(values), 'share')}. It counts in every figure. Lower the learning rate, "
            "lengthen its warm-up, or run more seeds."
        )
