"""How many words an answer takes, and whether it is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from engine.probes import Measuring, Probe, ProbeConfig
from engine.probes._base import balanced
from engine.spec.example import Item, Outcome, StudyData
from engine.stats.metric import Metric, share_metric
from engine.stats.statistics._base import Statistic
from engine.stats.statistics._table import Table
from engine.stats.statistics.mean import Mean
from engine.subject.grading import CUT_OFF, grade


class GeometricMean(Statistic):
    """The geometric mean of the items' values: one very long answer moves it less than it moves the mean."""

    def columns(self) -> tuple[str, ...]:
        """Items without a value are left out."""
        return ("value",)

    def drawn(self, table: Table, weights: np.ndarray) -> np.ndarray:
        """The mean where each item counts `weights` times: [draws, items] -> [draws]; an empty answer counts as 1."""
        logs = np.log(np.maximum(table.column("value"), 1.0))
        return np.exp(weights @ logs / weights.sum(axis=1))


class Brevity(Probe[ProbeConfig]):
    """Words of greedy answers. An answer that reached the limit has no length that is known, and is not counted."""

    name: ClassVar[str] = "brevity"
    label: ClassVar[str] = "Brevity"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(name="words", label="Words of an answer", unit="words", statistic=Mean(column="value")),
        Metric(name="usual", label="Words of an answer, geometric mean", unit="words", statistic=GeometricMean()),
        share_metric("right", "Right answers"),
    )
    live: ClassVar[tuple[str, ...]] = ("words", "right")

    def items(self, data: StudyData, per_split: int) -> list[Item]:
        """Items of every split whose answer is words, not a call."""
        return balanced([item for item in data.items if item.gold.kind == "text"], per_split)

    def measure(self, kit: Measuring, items: Sequence[Item]) -> list[Outcome]:
        """`value` is the number of words; None where the answer was cut off.

        What was cut off and is not right yet might have become right: it is not scored.
        """
        answers = kit.subject.generate([item.prompt for item in items], kit.subject.room())
        found = []
        for item, (text, cut) in zip(items, answers, strict=True):
            # The task grades its own items; those of a user's file are compared as texts.
            graded = kit.task(item.task).grade(text, item) if item.task else grade(text, item.gold)
            unknown = cut and not graded.correct
            found.append(
                Outcome(
                    item=item.id,
                    correct=None if unknown else graded.correct,
                    split=item.split,
                    cluster=item.cluster,
                    side=item.side,
                    output=text[:500],
                    failure=CUT_OFF if unknown else graded.failure,
                    value=None if cut else float(len(text.split())),
                    features={"cut": float(cut)},
                )
            )
        return found
