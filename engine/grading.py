"""Comparing an answer with the right one: calls as abstract syntax trees, texts as strings.

The answer is a model's own words and may hold anything: nothing here raises on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

from engine.calls.json_text import Call, parse
from engine.example import Frozen, Gold

NO_CALL = "no call"
BAD_JSON = "bad JSON"
WRONG_COUNT = "wrong number of calls"
WRONG_FUNCTION = "wrong function"
MISSING = "missing argument"
EXTRA = "extra argument"
SWAPPED = "swapped arguments"
WRONG_VALUE = "wrong value"
NOT_APPLICABLE = "call where none applies"
WRONG_ANSWER = "wrong answer"
CUT_OFF = "cut off"  # it reached the limit of tokens before it ended

FAILURES = (
    NO_CALL, BAD_JSON, WRONG_COUNT, WRONG_FUNCTION, MISSING, EXTRA, SWAPPED, WRONG_VALUE, NOT_APPLICABLE, WRONG_ANSWER,
    CUT_OFF,
)  # fmt: skip

_MOST_CALLS = 5  # calls in one answer that are matched in any order; beyond that, in the order given


class Grade(Frozen):
    """How right an answer is. Each of the four conditions is true only if those before it are.

    Attributes:
        failure: The type of the first thing that is wrong; None where the answer is right.
        parses: It can be read: as a call, or as one of the labels of a task that has them.
        function: The right function (for calls; for texts the same as `correct`).
        arguments: The right argument names.
        values: The right argument values.
    """

    correct: bool
    failure: str | None
    parses: bool
    function: bool
    arguments: bool
    values: bool


def grade(output: str, gold: Gold) -> Grade:
    """Compare a model's answer with the right one. Never raises, whatever the answer holds."""
    if gold.kind == "text":
        return _grade_text(output, gold)
    calls, attempted = parse(output)
    if not gold.calls:
        return _stopped_at(4) if not (calls or attempted) else _stopped_at(1 if calls else 0, NOT_APPLICABLE)
    if not calls:
        return _stopped_at(0, BAD_JSON if attempted else NO_CALL)
    if len(calls) != len(gold.calls):
        known = {call.name for call in calls} <= {want.get("name") for want in gold.calls}
        return _stopped_at(1, WRONG_COUNT if known else WRONG_FUNCTION)
    if len(calls) == 1 or len(calls) > _MOST_CALLS:
        orders: Sequence[Sequence[Call]] = [calls]
    else:
        orders = list(permutations(calls))
    return max((_grade_calls(tried, gold.calls) for tried in orders), key=_height)


def same(got: Any, want: Any) -> bool:
    """Whether a value equals an accepted one: 1 == 1.0 but not True; strings exactly, after stripping."""
    if isinstance(want, bool) or isinstance(got, bool):
        return got is want
    if isinstance(want, int | float) and isinstance(got, int | float):
        return got == want
    if isinstance(want, str) and isinstance(got, str):
        return got.strip() == want.strip()
    if isinstance(want, list | tuple) and isinstance(got, list | tuple):
        return len(got) == len(want) and all(same(g, w) for g, w in zip(got, want, strict=True))
    if isinstance(want, Mapping) and isinstance(got, Mapping):
        return _same_fields(got, want)
    return got is None and want is None


def _same_fields(got: Mapping[str, Any], want: Mapping[str, Any]) -> bool:
    """Nested objects: each field either equals the wanted one or is among its accepted values."""
    for key, value in want.items():
        accepted = value if isinstance(value, list | tuple) else [value]
        if key not in got:
            if "" not in accepted:
                return False
        elif not (same(got[key], value) or any(same(got[key], a) for a in accepted)):
            return False
    return set(got) <= set(want)


_FINAL = re.compile("the answer is", re.IGNORECASE)


def final_answer(text: str) -> str:
    """What stands after the last "the answer is", the whole text where it says no such thing, stripped.

    For tasks whose answer may be written out in steps: grade this in place of the text. A text that breaks off
    before the answer gives "", which is right nowhere.
    """
    return _FINAL.split(text)[-1].strip()


def _grade_text(output: str, gold: Gold) -> Grade:
    if not gold.labels:
        right = output.strip() == gold.text.strip()
        return _stopped_at(4) if right else _stopped_at(1, WRONG_ANSWER)
    said = _plain(output)
    if said == _plain(gold.text):
        return _stopped_at(4)
    return _stopped_at(1 if said in {_plain(label) for label in gold.labels} else 0, WRONG_ANSWER)


def _plain(text: str) -> str:
    return text.strip().strip(".!\"'").strip().casefold()


def _grade_calls(calls: Sequence[Call], wanted: Sequence[Mapping[str, Any]]) -> Grade:
    """The lowest grade of the pairs."""
    return min((_grade_call(c, w) for c, w in zip(calls, wanted, strict=True)), key=_height)


def _grade_call(call: Call, want: Mapping[str, Any]) -> Grade:
    if call.name != want.get("name"):
        return _stopped_at(1, WRONG_FUNCTION)
    accepted = {name: _listed(values) for name, values in (want.get("arguments") or {}).items()}
    missing = [name for name, values in accepted.items() if name not in call.arguments and "" not in values]
    extra = [name for name in call.arguments if name not in accepted]
    if missing or extra:
        return _stopped_at(2, MISSING if missing else EXTRA)
    wrong = [name for name, got in call.arguments.items() if not any(same(got, value) for value in accepted[name])]
    if not wrong:
        return _stopped_at(4)
    return _stopped_at(3, SWAPPED if _swapped(call.arguments, accepted, wrong) else WRONG_VALUE)


def _swapped(got: Mapping[str, Any], accepted: Mapping[str, Sequence[Any]], wrong: Sequence[str]) -> bool:
    """Whether every wrong value is right for exactly another of the wrong arguments."""
    if len(wrong) < 2:
        return False
    homes = [[b for b in wrong if b != a and any(same(got[a], value) for value in accepted[b])] for a in wrong]
    return all(homes) and len({home[0] for home in homes}) == len(wrong)


def _listed(values: Any) -> list[Any]:
    return list(values) if isinstance(values, list | tuple) else [values]


def _stopped_at(level: int, failure: str | None = None) -> Grade:
    """The grade whose first `level` of the four conditions hold."""
    held = [level > at for at in range(4)]
    return Grade(
        correct=failure is None, failure=failure, parses=held[0], function=held[1], arguments=held[2], values=held[3]
    )


def _height(grade: Grade) -> int:
    return grade.parses + grade.function + grade.arguments + grade.values + grade.correct
