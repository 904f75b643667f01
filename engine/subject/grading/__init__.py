"""Comparing an answer with the right one: calls as abstract syntax trees, texts as strings.

Two graders compare calls, named by `Gold.grader`: "strict" (`strict.py`, the lab's default) and "bfcl" (`bfcl.py`, the
leaderboard's rules). The answer is a model's own words and may hold anything: nothing here raises on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.spec.example import Gold
from engine.subject.calls import apart, read
from engine.subject.grading import bfcl, strict
from engine.subject.grading.grade import (
    CUT_OFF,
    EXTRA,
    FAILURES,
    MISSING,
    NO_CALL,
    NOT_APPLICABLE,
    SWAPPED,
    UNFINISHED,
    UNREADABLE,
    WRONG_ANSWER,
    WRONG_COUNT,
    WRONG_FUNCTION,
    WRONG_VALUE,
    Grade,
    stopped_at,
)
from engine.subject.grading.matching import grade_all
from engine.subject.grading.strict import same
from engine.subject.grading.texts import final_answer, grade_text

__all__ = [
    "CUT_OFF",
    "EXTRA",
    "FAILURES",
    "GRADERS",
    "MISSING",
    "NOT_APPLICABLE",
    "NO_CALL",
    "SWAPPED",
    "UNFINISHED",
    "UNREADABLE",
    "WRONG_ANSWER",
    "WRONG_COUNT",
    "WRONG_FUNCTION",
    "WRONG_VALUE",
    "Grade",
    "final_answer",
    "grade",
    "same",
]  # fmt: skip

GRADERS = {"strict": strict.grade_call, "bfcl": bfcl.grade_call}
"""How one call is compared, by the grader's name."""

_MOST_CALLS = 100  # an answer with more calls is graded wrong


def grade(output: str, gold: Gold, tools: Sequence[Mapping[str, Any]] = ()) -> Grade:
    """Compare a model's answer with the right one. Never raises, whatever the answer holds.

    A thought before the answer (`<think>`) is not looked at. A text that ends within its thought is no answer.

    Args:
        tools: The tools on offer (`Prompt.tools`). Call formats without types (XML) take a value's type from the
            schema, and a call inside running text counts only if its tool is on offer.
    """
    if gold.kind == "text":
        _, answer, unfinished = apart(output)
        return grade_text("" if unfinished else answer, gold)
    reading = read(output, tools)
    calls = reading.calls
    if not gold.calls:
        if calls or reading.attempted:
            return stopped_at(1 if calls else 0, NOT_APPLICABLE)
        return stopped_at(0, UNFINISHED) if reading.unfinished else stopped_at(4)
    if not calls:
        return stopped_at(0, UNREADABLE if reading.attempted else UNFINISHED if reading.unfinished else NO_CALL)
    if len(calls) != len(gold.calls) or len(calls) > _MOST_CALLS:
        known = {call.name for call in calls} <= {want.get("name") for want in gold.calls}
        return stopped_at(1, WRONG_COUNT if known else WRONG_FUNCTION)
    compare = GRADERS[gold.grader]
    return grade_all(calls, gold.calls, lambda call, want: compare(call, want, tools))
