"""Whether each value of a part goes with each answer as often as by lot, and which measured values are trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.stats import chi2

from engine.run.audit.part_model import Feature, shown
from engine.spec.choice import Choice

_LOTS = 200  # draws of right answers, from which it is known how uneven counts are by lot


class Counts(NamedTuple):
    """How uneven the counts of a part are.

    Attributes:
        values: How many words the part shows.
        p: Chance that counts by lot are as uneven.
        most: The most uneven word and answer, in words.
    """

    values: int
    p: float
    most: str


def counted(choices: Sequence[Choice], part: str) -> Counts:
    """Count how often each answer is right where a word of the part is shown, and compare with lots.

    Unevenness is the sum over words and answers of (right - expected)^2 / variance, where any answer on offer is as
    likely as the others. Words that come together and answers that exclude each other are no independent counts, so
    its mean and variance by lot are found by drawing the right answers 200 times, and the scaled chi-square that has
    both gives p (Satterthwaite 1946).
    """
    keys: dict[Feature, int] = {}
    columns, starts = list[int](), [0]
    for choice in choices:
        for own in shown(choice, part):
            columns += [keys.setdefault(feature, len(keys)) for feature in own if feature[1]]
            starts.append(len(columns))
    has = csr_matrix((np.ones(len(columns)), columns, starts), shape=(len(starts) - 1, len(keys))).T.tocsr()
    sizes = np.array([len(choice.answers) for choice in choices])
    by_lot = np.repeat(1 / sizes, sizes)
    expected, variance = has @ by_lot, has @ (by_lot * (1 - by_lot))
    first = np.cumsum(sizes) - sizes

    def right_of(answers: np.ndarray) -> np.ndarray:
        """How often each key is right: [keys, draws], of which answer is right: [choices, draws]."""
        hits = np.zeros((len(by_lot), answers.shape[1]), dtype=np.float32)
        hits[first[:, None] + answers, np.arange(answers.shape[1])] = 1
        return has @ hits

    drawn = np.random.default_rng(0).integers(0, sizes[:, None], (len(sizes), _LOTS))
    lots = ((right_of(drawn) - expected[:, None]) ** 2 / variance[:, None]).sum(axis=0)
    found = right_of(np.array([[choice.right] for choice in choices]))[:, 0]
    uneven = (found - expected) ** 2 / variance
    answer, word = list(keys)[int(uneven.argmax())]
    named = f"{word}: {answer}" if answer else word
    of = int(has.getrow(int(uneven.argmax())).sum())
    most = f"{named}, right in {found[uneven.argmax()]:.0f} of {of}, by lot {expected[uneven.argmax()]:.1f}"
    return Counts(len({word for _, word in keys}), _tail(float(uneven.sum()), lots), most)


def _tail(uneven: float, lots: np.ndarray) -> float:
    mean, variance = float(lots.mean()), float(lots.var(ddof=1))
    if variance == 0:
        return 1.0
    return float(chi2.sf(uneven * 2 * mean / variance, 2 * mean**2 / variance))


def seen(trained: Sequence[Choice], measured: Sequence[Choice], part: str) -> tuple[int, int]:
    """How many values of a part are measured, and how many of them are in training examples too."""
    values = {value for choice in measured for value in choice.parts[part]}
    return len(values), len(values & {value for choice in trained for value in choice.parts[part]})
