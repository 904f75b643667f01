"""Forgetting: how surprised the model is by text of the kind it was pretrained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from engine.probes._base import Measuring, Probe, ProbeConfig
from engine.spec.example import Gold, Item, Outcome, Prompt, StudyData
from engine.stats.metric import Metric
from engine.stats.statistics.mean import Mean

SPLIT = "texts"


class Forgetting(Probe[ProbeConfig]):
    """Mean negative log-likelihood per token of the base's own texts. A rise over the base is knowledge lost."""

    name: ClassVar[str] = "forgetting"
    label: ClassVar[str] = "Forgetting"
    source: ClassVar[str] = "arXiv:2308.08747"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="nll",
            label="Loss on the base's own text",
            unit="nats",
            direction="down",
            statistic=Mean(column="value"),
        ),
    )

    def items(self, data: StudyData, per_split: int) -> list[Item]:
        """The first `per_split` texts, each as an item whose message holds it."""
        return [
            Item(
                id=f"text-{at}",
                prompt=Prompt(messages=({"role": "user", "content": text},)),
                gold=Gold(kind="text"),
                split=SPLIT,
                cluster=f"text-{at}",
            )
            for at, text in enumerate(data.texts[:per_split])
        ]

    def measure(self, kit: Measuring, items: Sequence[Item]) -> list[Outcome]:
        """Nats per token of every text as `value`; nothing here is right or wrong."""
        scored = kit.subject.text_nll([item.prompt.messages[0]["content"] for item in items])
        return [
            Outcome(
                item=item.id,
                correct=None,
                split=item.split,
                cluster=item.cluster,
                value=nats / tokens if tokens else None,
            )
            for item, (nats, tokens) in zip(items, scored, strict=True)
        ]
