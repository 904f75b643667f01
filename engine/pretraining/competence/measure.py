"""How competence is measured: greedy answers compared with right ones, shares with their intervals, a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from engine.spec.example import Item
from engine.subject.calls import read
from engine.subject.grading import final_answer, grade

if TYPE_CHECKING:
    from engine.subject.local import LocalSubject
    from engine.world.tasks._base import Task

BEFORE, AFTER = "before tuning", "after a short SFT"
_WORDS = {
    ("facts", "known"): "known, as the corpus asks",
    ("facts", "wording"): "known, in new wording",
    ("facts", "absent"): "never stated",
    ("facts", "composed"): "country, stated",
    ("facts", "two-hop"): "country, follows from two facts",
    ("chains", "two steps"): "two steps, written",
    ("chains", "three steps"): "three steps, written",
    ("chains", "wording"): "two steps, written, in new wording",
    ("chains", "direct"): "two steps, answered at once",
    ("relations", "two hops"): "two hops, written",
    ("relations", "three hops"): "three hops, written",
    ("relations", "wording"): "two hops, written, in new wording",
    ("relations", "direct"): "two hops, answered at once",
    ("calling", "wording"): "right call, new wording",
    ("calling", "tools"): "right call, new tools",
    ("calling", "no_tool"): "no call where no tool applies",
}
"""What a split is called in the table, where its name says too little."""


@dataclass(frozen=True)
class Row:
    """One figure of a model.

    Attributes:
        group: `BEFORE` or `AFTER`.
        unit: "share" (of items answered right) or "nats".
        low: Lower end of the 95 % interval of a share (Wilson), as if items were independent.
        chance: What guessing gives.
        untuned: The same figure of the model before it was tuned, for rows of `AFTER`.
    """

    group: str
    what: str
    value: float
    chance: float
    items: int
    unit: str = "share"
    low: float | None = None
    high: float | None = None
    untuned: float | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON; what does not apply is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def share(group: str, what: str, right: Sequence[float], guessed: float, untuned: Sequence[float] | None = None) -> Row:
    """A row of a share.

    Args:
        right: Per item 1 (right) or 0, or the mean over seeds. The interval is Wilson's for the rounded sum.
    """
    from scipy.stats import binomtest

    got = sum(right) / len(right)
    interval = binomtest(round(sum(right)), len(right)).proportion_ci(0.95, method="wilson")
    before = None if untuned is None else sum(untuned) / len(untuned)
    return Row(
        group, what, got, guessed, len(right), low=float(interval.low), high=float(interval.high), untuned=before
    )


def room(subject: LocalSubject, task: Task, options: Mapping[str, Any] | None = None, looked_at: int = 200) -> int:
    """Generation limit in tokens: the longest answer among the first `looked_at` examples, and 8 more.

    Args:
        options: The task's, as `Task.options` gives them: a longer form has longer answers. None: the defaults.
    """
    renderer = subject.renderer
    found = [len(renderer.ids(renderer.answer_text(e.prompt, e.answer))) for e in task.examples(looked_at, options)]
    return max(found) + 8


def correct(items: Sequence[Item], said: Sequence[str]) -> list[bool]:
    """Whether each answer is right; of a written-out chain of steps only the conclusion is graded."""
    pairs = zip(items, said, strict=True)
    return [
        grade(text if i.gold.kind == "call" else final_answer(text), i.gold, i.prompt.tools).correct
        for i, text in pairs
    ]


def readable(said: Sequence[str]) -> list[bool]:
    """Which answers hold calls whose JSON can be read."""
    return [bool(read(text).calls) for text in said]


def named(task: Task, split: str) -> str:
    """What a row is called."""
    return f"{task.name}: {_WORDS.get((task.name, split), split)}"


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown, a table for each group."""
    return "\n\n".join(_group([r for r in rows if r.group == group]) for group in dict.fromkeys(r.group for r in rows))


def _group(rows: Sequence[Row]) -> str:
    tuned = any(r.untuned is not None for r in rows)
    head = [rows[0].group, "share", "95 % interval", *(["untuned"] if tuned else []), "by guessing", "items"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for r in rows:
        value = f"{r.value:.3f}" if r.unit == "share" else f"{r.value:.3f} {r.unit}"
        interval = "" if r.low is None or r.high is None else f"{r.low:.3f} to {r.high:.3f}"
        before = ["" if r.untuned is None else f"{r.untuned:.3f}"] if tuned else []
        lines.append(f"| {' | '.join([r.what, value, interval, *before, f'{r.chance:.3f}', str(r.items)])} |")
    return "\n".join(lines)
