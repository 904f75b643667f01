"""What was understood of a user's file, counted from its examples."""

from __future__ import annotations

from collections import Counter

from engine.data.formats import Source
from engine.data.notes import DISAGREE, LEFT_OVER, Notes
from engine.spec.example import StudyData
from engine.spec.understanding import Understanding


def understood(source: Source, data: StudyData) -> Understanding:
    """A file as it was read.

    Args:
        source: The file's examples and notes.
        data: Its split.
    """
    calls = [len(example.gold.calls) for example in source.examples]
    tools = {str(tool["function"]["name"]) for example in source.examples for tool in example.prompt.tools}
    return Understanding(
        file=data.name,
        form=source.form,
        rows=source.rows,
        examples=len(source.examples),
        calls=sum(count > 0 for count in calls),
        several=sum(count > 1 for count in calls),
        declined=sum(1 for e in source.examples if not e.gold.calls and e.prompt.tools),
        texts=sum(1 for e in source.examples if not e.gold.calls and not e.prompt.tools),
        tools=len(tools),
        grader=source.grader,
        train=len(data.train),
        items=dict(Counter(item.split for item in data.items)),
        sides=dict(Counter(item.side.value for item in data.items)),
        notes=(*source.notes, *_of_the_split(source, data)),
        left_out=tuple(str(problem) for problem in source.left_out),
        left_out_count=source.left_out_count,
    )


def _of_the_split(source: Source, data: StudyData) -> tuple[str, ...]:
    """What became of answers on the way to what is trained on and measured."""
    golds: dict[str, set[str]] = {}
    for example in source.examples:
        golds.setdefault(repr(example.prompt), set()).add(repr(example.gold.calls))
    notes = Notes()
    notes.add({LEFT_OVER: len(source.examples) - len(data.train) - len(data.items)})
    notes.add({DISAGREE: sum(len(right) > 1 for right in golds.values())})
    return notes.sentences()
