"""Grading answers in words: as strings, or as one of the labels of a task that has them."""

from __future__ import annotations

import re

from engine.spec.example import Gold
from engine.subject.grading.grade import WRONG_ANSWER, Grade, stopped_at

_FINAL = re.compile("the answer is", re.IGNORECASE)


def final_answer(text: str) -> str:
    """What stands after the last "the answer is", the whole text where it says no such thing, stripped.

    For tasks whose answer may be written out in steps: grade this in place of the text. A text that breaks off
    before the answer gives "", which is right nowhere.
    """
    return _FINAL.split(text)[-1].strip()


def grade_text(output: str, gold: Gold) -> Grade:
    """An answer without its thought against the right one."""
    if not gold.labels:
        right = output.strip() == gold.text.strip()
        return stopped_at(4) if right else stopped_at(1, WRONG_ANSWER)
    said = _plain(output)
    if said == _plain(gold.text):
        return stopped_at(4)
    return stopped_at(1 if said in {_plain(label) for label in gold.labels} else 0, WRONG_ANSWER)


def _plain(text: str) -> str:
    return text.strip().strip(".!\"'").strip().casefold()
