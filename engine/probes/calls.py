"""Function calls, compared as syntax trees, with word overlap as the shortcut (Manduzio et al. 2024)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from engine.example import Item, Outcome, Side, StudyData
from engine.grading import grade
from engine.probe import Metric, Probe, ProbeConfig, balanced, reliance_metric, share, share_metric
from engine.subject import Subject

STAGES = ("parses", "function", "arguments", "values")
"""What a right call is made of; each is asked only where the one before holds."""


class CallsConfig(ProbeConfig):
    """Settings of the function-call probe."""

    max_new_tokens: int = Field(48, ge=4, le=2048, description="Longest answer that is generated, in tokens.")


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
        share_metric("parses", "Answer is a call", of="feature:parses"),
        share_metric("function", "Right function, if a call", of="feature:function", where=("parses", 1.0)),
        share_metric(
            "arguments", "Right argument names, if the function is", of="feature:arguments", where=("function", 1.0)
        ),
        share_metric("values", "Right values, if the arguments are", of="feature:values", where=("arguments", 1.0)),
    )
    live: ClassVar[tuple[str, ...]] = ("accuracy", "reliance")
    Config: ClassVar[type[ProbeConfig]] = CallsConfig

    def items(self, data: StudyData, per_split: int) -> list[Item]:
        """Items whose answer is a call, or no call; equally many of each side within a split where there are sides."""
        return balanced([i for i in data.items if i.gold.kind == "call"], per_split)

    def measure(self, subject: Subject, items: Sequence[Item]) -> list[Outcome]:
        """One greedy answer an item; `features` say how far along `STAGES` it is right (1.0 or 0.0 each)."""
        answers = subject.generate([i.prompt for i in items], self.config.max_new_tokens)
        found = []
        for item, text in zip(items, answers, strict=True):
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
                    failure=graded.failure,
                    features=stages,
                )
            )
        return found

    def summarise(self, outcomes: Sequence[Outcome]) -> dict[str, float]:
        """Shares by split and side, and the chain of conditions over all items for which a call is right."""
        sides = {
            side: share([o.correct for o in outcomes if o.side is side]) for side in (Side.CONGRUENT, Side.CONFLICTING)
        }
        helped, misled = sides[Side.CONGRUENT], sides[Side.CONFLICTING]
        figures = {
            "accuracy": share([o.correct for o in outcomes if o.split == "wording"]),
            "accuracy_tools": share([o.correct for o in outcomes if o.split == "tools"]),
            "no_tool": share([o.correct for o in outcomes if o.split == "no_tool"]),
            "congruent": helped,
            "conflicting": misled,
            "reliance": None if helped is None or misled is None else helped - misled,
        }
        reached = [o for o in outcomes if o.features]
        for stage in STAGES:
            figures[stage] = share([o.features[stage] == 1.0 for o in reached])
            reached = [o for o in reached if o.features[stage] == 1.0]
        return {name: value for name, value in figures.items() if value is not None}
