"""Function calls (Manduzio et al. 2024), compared as syntax trees, with word overlap as the shortcut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from engine.probes._base import Measuring, Probe, ProbeConfig, balanced
from engine.spec.example import Item, Outcome, Side, StudyData
from engine.stats.metric import Metric, reliance_metric, share_metric
from engine.stats.statistics.mean import Mean
from engine.subject.grading import CUT_OFF, grade

STAGES = ("parses", "function", "arguments", "values")
"""What a right call is made of; each is asked only where the one before holds."""


class CallsConfig(ProbeConfig):
    """Settings of the function-call probe."""

    max_new_tokens: int | None = Field(
        None,
        ge=4,
        le=32768,
        description="Longest answer that is generated, in tokens; unset: as the longest right answer needs.",
    )
    think_tokens: int = Field(
        512,
        ge=0,
        le=32768,
        description="Tokens that an answer may take besides where the model's template thinks before it answers, and "
        "no longest answer is set.",
    )


class Calls(Probe[CallsConfig]):
    """Greedy answers to requests with tools: does the answer hold the right call, and only where one is right?"""

    name: ClassVar[str] = "calls"
    label: ClassVar[str] = "Function calls"
    source: ClassVar[str] = "arXiv:2410.18890"
    metrics: ClassVar[tuple[Metric, ...]] = (
        share_metric("accuracy", "Right call, new wording", splits=("wording",)),
        share_metric("accuracy_tools", "Right call, new tools", splits=("tools",)),
        share_metric("no_tool", "No call where no tool applies", splits=("no_tool",)),
        reliance_metric("Reliance on word overlap"),
        share_metric("congruent", "Right call where overlap helps", side=Side.CONGRUENT),
        share_metric("conflicting", "Right call where overlap misleads", side=Side.CONFLICTING),
        share_metric("parses", "Answer is a call", column="feature:parses"),
        share_metric("function", "Right function, if a call", column="feature:function", where=("parses", 1.0)),
        share_metric(
            "arguments", "Right argument names, if the function is", column="feature:arguments", where=("function", 1.0)
        ),
        share_metric("values", "Right values, if the arguments are", column="feature:values", where=("arguments", 1.0)),
        Metric(
            name="cut",
            label="Answers that reached the limit",
            unit="share",
            direction="down",
            statistic=Mean(column="feature:cut"),
        ),
    )
    live: ClassVar[tuple[str, ...]] = ("accuracy", "reliance")
    Config: ClassVar[type[ProbeConfig]] = CallsConfig

    def items(self, data: StudyData, per_split: int) -> list[Item]:
        """Items whose answer is a call, or no call; equally many of each side within a split where there are sides."""
        return balanced([i for i in data.items if i.gold.kind == "call"], per_split)

    def measure(self, kit: Measuring, items: Sequence[Item]) -> list[Outcome]:
        """One greedy answer an item.

        `features` say whether it reached the limit before it ended ("cut"), and how far along `STAGES` it is right,
        1.0 or 0.0 each. What is wrong and was cut is of the failure type "cut off": the rest of it is not known.
        """
        limit = kit.subject.room(self.config.think_tokens, self.config.max_new_tokens)
        answers = kit.subject.generate([i.prompt for i in items], limit)
        found = []
        for item, (text, cut) in zip(items, answers, strict=True):
            graded = grade(text, item.gold, item.prompt.tools)
            stages = {s: float(getattr(graded, s)) for s in STAGES} if item.gold.calls else {}
            found.append(
                Outcome(
                    item=item.id,
                    correct=graded.correct,
                    split=item.split,
                    cluster=item.cluster,
                    side=item.side,
                    output=text[:500],
                    failure=CUT_OFF if cut and not graded.correct else graded.failure,
                    features={**stages, "cut": float(cut)},
                )
            )
        return found
