"""The strict grader: JSON's own equality, as JSON Schema defines it. The lab's default, for users' data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.subject.calls import Call
from engine.subject.grading.grade import EXTRA, MISSING, SWAPPED, WRONG_FUNCTION, WRONG_VALUE, Grade, stopped_at


def same(got: Any, want: Any) -> bool:
    """Whether two values are the same JSON: 1 equals 1.0 but not true; texts exactly; lists in order."""
    if isinstance(want, bool) or isinstance(got, bool):
        return got is want
    if isinstance(want, int | float) and isinstance(got, int | float):
        return got == want
    if isinstance(want, list | tuple) and isinstance(got, list | tuple):
        return len(got) == len(want) and all(same(g, w) for g, w in zip(got, want, strict=True))
    if isinstance(want, Mapping) and isinstance(got, Mapping):
        return set(got) == set(want) and all(same(got[key], value) for key, value in want.items())
    return type(got) is type(want) and got == want


def grade_call(call: Call, want: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]) -> Grade:
    """A call against the right one: the same name, the same arguments, of each the accepted value.

    Args:
        want: As `Gold.calls` has it; nothing in its values is an alternative.
        tools: Not needed: values are compared, not types.
    """
    if call.name != want.get("name"):
        return stopped_at(1, WRONG_FUNCTION)
    accepted = {name: listed(values) for name, values in (want.get("arguments") or {}).items()}
    if set(accepted) != set(call.arguments):
        return stopped_at(2, MISSING if set(accepted) - set(call.arguments) else EXTRA)
    matches = {
        (a, b): any(same(got, value) for value in accepted[b]) for a, got in call.arguments.items() for b in accepted
    }
    return values_graded(list(accepted), matches)


def values_graded(names: Sequence[str], matches: Mapping[tuple[str, str], bool]) -> Grade:
    """The grade of a call with the right arguments.

    Args:
        matches: For (a, b): whether the value given as a is right for b.
    """
    wrong = [name for name in names if not matches[name, name]]
    if not wrong:
        return stopped_at(4)
    homes = [next((b for b in wrong if b != a and matches[a, b]), None) for a in wrong]
    swapped = len(wrong) > 1 and None not in homes and len(set(homes)) == len(wrong)
    return stopped_at(3, SWAPPED if swapped else WRONG_VALUE)


def listed(values: Any) -> list[Any]:
    """Accepted values as a list."""
    return list(values) if isinstance(values, list | tuple) else [values]
