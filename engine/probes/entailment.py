"""Entailment by two options, with the frequency of the nouns as the shortcut (Cheng, Wang & Steedman 2025)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from engine.probes._base import Measuring, Probe, ProbeConfig, balanced, share
from engine.spec.example import Item, Outcome, Side, StudyData
from engine.stats.logistic import weights
from engine.stats.metric import ItemMean, Metric, reliance_metric, share_metric
from engine.stats.signals import auc, d_prime


class Entailment(Probe[ProbeConfig]):
    """Is "yes" or "no" more likely as the answer? No text is generated, so format plays no part."""

    name: ClassVar[str] = "entailment"
    label: ClassVar[str] = "Entailment"
    source: ClassVar[str] = "arXiv:2505.21011"
    metrics: ClassVar[tuple[Metric, ...]] = (
        share_metric("accuracy", "Accuracy"),
        reliance_metric("Reliance on frequency"),
        share_metric("congruent", "Accuracy where frequency helps", side=Side.CONGRUENT),
        share_metric("conflicting", "Accuracy where frequency misleads", side=Side.CONFLICTING),
        Metric(name="d_prime", label="d′ of yes and no", unit="coefficient", direction="up"),
        Metric(name="auc", label="Area under the ROC curve", unit="share", direction="up"),
        Metric(name="weight_truth", label="Weight of truth (log-odds)", unit="coefficient", direction="up"),
        Metric(name="weight_shortcut", label="Weight of frequency (log-odds)", unit="coefficient"),
        Metric(name="beta_frequency", label="Weight of log frequency in the answer", unit="coefficient"),
        Metric(name="yes_rate", label="Share of yes", unit="share", items=ItemMean(of="output:yes")),
        share_metric("accuracy_yes", "Accuracy where yes is right", where=("entailed", 1.0)),
        share_metric("accuracy_no", "Accuracy where no is right", where=("entailed", 0.0)),
    )
    live: ClassVar[tuple[str, ...]] = ("accuracy", "reliance")

    def items(self, data: StudyData, per_split: int) -> list[Item]:
        """Items with two options; equally many of each side."""
        return balanced([i for i in data.items if len(i.gold.labels) == 2], per_split)

    def measure(self, kit: Measuring, items: Sequence[Item]) -> list[Outcome]:
        """`value` is log P(first label) - log P(second label), nats."""
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
                    features=item.features,
                )
            )
        return found

    def summarise(self, outcomes: Sequence[Outcome]) -> dict[str, float]:
        """Shares by side and label, and the regression of the answer's logit on label and frequency."""
        congruent = share([o.correct for o in outcomes if o.side is Side.CONGRUENT])
        conflicting = share([o.correct for o in outcomes if o.side is Side.CONFLICTING])
        figures = {
            "accuracy": share([o.correct for o in outcomes]),
            "congruent": congruent,
            "conflicting": conflicting,
            "reliance": None if congruent is None or conflicting is None else congruent - conflicting,
            "yes_rate": share([o.output == "yes" for o in outcomes]),
            "accuracy_yes": share([o.correct for o in outcomes if o.features.get("entailed") == 1.0]),
            "accuracy_no": share([o.correct for o in outcomes if o.features.get("entailed") == 0.0]),
            **told_apart(outcomes),
            **weighed(outcomes),
            "beta_frequency": frequency_weight(outcomes),
        }
        return {name: value for name, value in figures.items() if value is not None}


def told_apart(outcomes: Sequence[Outcome]) -> dict[str, float | None]:
    """How well entailed items are told from others, whatever the leaning towards "yes": d' and AUC."""
    labelled = [o for o in outcomes if "entailed" in o.features]
    truth = [o.features["entailed"] == 1.0 for o in labelled]
    said = [o.output == "yes" for o in labelled]
    hits, false = (sum(s and t is kind for s, t in zip(said, truth, strict=True)) for kind in (True, False))
    scored = [(o.value, t) for o, t in zip(labelled, truth, strict=True) if o.value is not None]
    return {
        "d_prime": d_prime(hits, sum(truth), false, len(truth) - sum(truth)),
        "auc": auc([value for value, _ in scored], [t for _, t in scored]),
    }


def weighed(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """What truth and frequency each add to the log-odds of "yes"; nothing where they cannot be told apart."""
    sided = [o for o in outcomes if "entailed" in o.features and o.side is not Side.NEUTRAL]
    truth = [o.features["entailed"] == 1.0 for o in sided]
    found = weights(
        (o.output == "yes", true, true == (o.side is Side.CONGRUENT)) for o, true in zip(sided, truth, strict=True)
    )
    return {} if found is None else {"weight_truth": found.truth, "weight_shortcut": found.shortcut}


def frequency_weight(outcomes: Sequence[Outcome]) -> float | None:
    """Least-squares weight of the standardised log-frequency difference in `value`, the label held constant.

    The model is value = a + b * entailed + beta * z(delta log f); beta is in nats per standard deviation. None where
    fewer than 8 outcomes carry all three numbers or the frequencies do not differ.
    """
    rows = [
        (o.value, o.features["entailed"], o.features["delta_log_frequency"])
        for o in outcomes
        if o.value is not None and {"entailed", "delta_log_frequency"} <= o.features.keys()
    ]
    if len(rows) < 8:
        return None
    value, entailed, delta = np.array(rows).T
    if delta.std() < 1e-9:
        return None
    design = np.stack([np.ones_like(value), entailed, (delta - delta.mean()) / delta.std()], axis=1)
    return float(np.linalg.lstsq(design, value, rcond=None)[0][2])
