"""Entailment by two options, with the frequency of the nouns as the shortcut (Cheng, Wang & Steedman 2025)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from engine.probes._base import Measuring, Probe, ProbeConfig, balanced
from engine.spec.example import Item, Outcome, Side, StudyData
from engine.stats.metric import Metric, reliance_metric, share_metric
from engine.stats.statistics.auc import Auc
from engine.stats.statistics.d_prime import DPrime
from engine.stats.statistics.mean import Mean
from engine.stats.statistics.slope import Slope
from engine.stats.statistics.weights import Weight

LABEL = "feature:entailed"
"""1 where "yes" is right."""


class Entailment(Probe[ProbeConfig]):
    """Is "yes" or "no" more likely as the answer? No text is generated, so format plays no part."""

    name: ClassVar[str] = "entailment"
    label: ClassVar[str] = "Entailment"
    source: ClassVar[str] = "arXiv:2505.21011"
    metrics: ClassVar[tuple[Metric, ...]] = (
        share_metric("accuracy", "Accuracy"),
        reliance_metric("Reliance on frequency", within="feature:kind"),
        share_metric("congruent", "Accuracy where frequency helps", side=Side.CONGRUENT),
        share_metric("conflicting", "Accuracy where frequency misleads", side=Side.CONFLICTING),
        Metric(
            name="d_prime", label="d′ of yes and no", unit="coefficient", direction="up", statistic=DPrime(truth=LABEL)
        ),
        Metric(name="auc", label="Area under the ROC curve", unit="share", direction="up", statistic=Auc(truth=LABEL)),
        Metric(
            name="weight_truth",
            label="Weight of truth (log-odds)",
            unit="coefficient",
            direction="up",
            statistic=Weight(weight="truth", truth=LABEL),
        ),
        Metric(
            name="weight_shortcut",
            label="Weight of frequency (log-odds)",
            unit="coefficient",
            statistic=Weight(weight="shortcut", truth=LABEL),
        ),
        Metric(
            name="beta_frequency",
            label="Weight of log frequency in the answer",
            unit="coefficient",
            statistic=Slope(x="feature:delta_log_frequency", held=(LABEL,)),
        ),
        Metric(name="yes_rate", label="Share of yes", unit="share", statistic=Mean(column="output:yes")),
        share_metric("accuracy_yes", "Accuracy where yes is right", where=("entailed", 1.0)),
        share_metric("accuracy_no", "Accuracy where no is right", where=("entailed", 0.0)),
    )
    live: ClassVar[tuple[str, ...]] = ("accuracy", "reliance")

    def items(self, data: StudyData, per_split: int) -> list[Item]:
        """Items with two options; equally many of each side, and of each label on it."""
        return balanced([i for i in data.items if len(i.gold.labels) == 2], per_split, _first)

    def measure(self, kit: Measuring, items: Sequence[Item]) -> list[Outcome]:
        """`value` is log P(first label) - log P(second label), nats; "kind" what is held where sides are compared.

        That is which label is right and, in the bundled world, how often the corpus tells what the premise is: else the
        luck of which side has the nouns that are known would count as reliance.
        """
        scores = kit.subject.option_logprobs([i.prompt for i in items], [i.gold.labels for i in items])
        found = []
        for item, score in zip(items, scores, strict=True):
            said = item.gold.labels[int(np.argmax(score))]
            right = said == item.gold.text
            found.append(
                Outcome(
                    item=item.id,
                    correct=right,
                    split=item.split,
                    cluster=item.cluster,
                    side=item.side,
                    output=said,
                    failure=None if right else f"said {said}",
                    value=float(score[0] - score[1]),
                    features={**item.features, "kind": item.features.get("told", 0.0) + 2 * _first(item)},
                )
            )
        return found


def _first(item: Item) -> float:
    return float(item.gold.text == item.gold.labels[0])
