"""Facts by options: is the right one likelier than the others? Known, absent and recombinable facts apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from engine.probes._base import Measuring, Probe, ProbeConfig
from engine.spec.example import Item, Outcome, StudyData
from engine.stats.metric import Metric, share_metric

TEST = "-test"
"""The end of the names of splits that are measured; what was developed on never is."""


class Facts(Probe[ProbeConfig]):
    """The likeliest of an item's options, as whole answers. No text is generated, so form plays no part.

    Every item has four options, and four items share them, each right once: a model that knows nothing is right for
    exactly one in four, whatever it prefers.
    """

    name: ClassVar[str] = "facts"
    label: ClassVar[str] = "Facts"
    source: ClassVar[str] = "arXiv:2502.10708"
    metrics: ClassVar[tuple[Metric, ...]] = (
        share_metric("accuracy", "Right of all facts"),
        share_metric("known", "Right of known facts", splits=("known-test",)),
        share_metric("recombinable", "Right of recombinable facts", splits=("recombinable-test",)),
        share_metric("absent", "Right of absent facts", splits=("absent-test",)),
    )
    live: ClassVar[tuple[str, ...]] = ("known", "absent")

    def items(self, data: StudyData, per_split: int) -> list[Item]:
        """Items with options of the splits to measure on, whole groups that share their options."""
        found: list[Item] = []
        for split in dict.fromkeys(item.split for item in data.items if item.split.endswith(TEST)):
            own = [item for item in data.items if item.split == split and item.gold.labels]
            groups: dict[str, list[Item]] = {}
            for item in own:
                groups.setdefault(item.cluster, []).append(item)
            taken: list[Item] = []
            for group in groups.values():
                if len(taken) + len(group) > max(per_split, len(group)):
                    break
                taken += group
            found += taken
        return found

    def measure(self, kit: Measuring, items: Sequence[Item]) -> list[Outcome]:
        """`value` is the right option's log-probability less the best other one's, nats."""
        scores = kit.subject.option_logprobs([i.prompt for i in items], [i.gold.labels for i in items])
        found = []
        for item, score in zip(items, scores, strict=True):
            said = item.gold.labels[int(np.argmax(score))]
            right = item.gold.labels.index(item.gold.text)
            found.append(
                Outcome(
                    item=item.id,
                    correct=said == item.gold.text,
                    split=item.split,
                    cluster=item.cluster,
                    side=item.side,
                    output=said,
                    failure=None if said == item.gold.text else f"said {said}",
                    value=float(score[right] - np.delete(score, right).max()),
                )
            )
        return found
