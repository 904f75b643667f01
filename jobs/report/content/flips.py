"""Items on which the two arms of the primary contrast differ, with the models' own words."""

from __future__ import annotations

from collections import Counter

from engine.spec.result import Flip, Result
from jobs.report.content.clean import shortened
from jobs.report.content.lookup import arm_label
from jobs.report.content.model import Example, Examples, Paragraph, Section

_RULE = (
    "Chosen by rule, not by hand: of the items that one of {a} and {b} has right and the other wrong, those for which "
    "that is so in the most pairs of seeds, at most {most} for either arm, ties by the item’s name. The outputs are "
    "those of the first such seed. What models wrote is shown as it is and was not checked."
)
_LONGEST = 600  # characters of a prompt or an output


def section(result: Result) -> Section | None:
    """The examples; None where there are none."""
    if not result.flips:
        return None
    a, b = (arm_label(result, arm) for arm in result.study.primary.contrast)
    entries = tuple(_example(result, flip) for flip in result.flips)
    most = max(Counter(flip.right for flip in result.flips).values())
    blocks = (Paragraph(_RULE.format(a=a, b=b, most=most)), Examples(entries))
    return Section("flips", "Examples that flipped", blocks, status="exploratory")


def _example(result: Result, flip: Flip) -> Example:
    right, wrong = arm_label(result, flip.right), arm_label(result, flip.wrong)
    where = ", ".join(part for part in (flip.split, flip.side) if part)
    said = [("Prompt", flip.prompt), ("Right answer", flip.gold)]
    shown = [(who, shortened(words, _LONGEST)) for who, words in said if words]
    kind = f" ({flip.failure})" if flip.failure else ""
    outputs = [
        (f"{right}, right, seed {flip.seed}", flip.output_right),
        (f"{wrong}, wrong{kind}, seed {flip.seed}", flip.output_wrong),
    ]
    shown += [(who, shortened(words, _LONGEST) if words.strip() else "(nothing)") for who, words in outputs]
    pairs = f"{flip.seeds} of {flip.pairs} {'pair' if flip.pairs == 1 else 'pairs'} of seeds"
    title = f"{flip.item} ({where}): {right} right, {wrong} wrong in {pairs}"
    return Example(title, tuple(shown))
