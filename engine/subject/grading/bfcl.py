"""The Berkeley leaderboard's grader: its published rules for comparing calls of Python functions as syntax trees.

Written from the leaderboard's description and what its checker does; where its checker and plain sense part, it is
followed, so that figures can be laid beside the leaderboard's (docs/grading.md has the table).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.subject.calls import Call
from engine.subject.calls.offer import Offer
from engine.subject.grading.grade import EXTRA, MISSING, WRONG_FUNCTION, Grade, stopped_at
from engine.subject.grading.strict import listed, values_graded

_IGNORED = re.compile(r"[ ,./\-_*^]")
_TYPES: dict[str, type] = {
    "string": str, "any": str, "integer": int, "number": float, "float": float, "boolean": bool,
    "array": list, "tuple": list, "object": dict, "dict": dict,
}  # fmt: skip
_LARGEST = 2**1000  # beyond it an integer is no float
_LEFT_OUT = ""  # among accepted values: the argument may be left out


def grade_call(call: Call, want: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]) -> Grade:
    """A call against the right one.

    Args:
        want: As `Gold.calls` has it, its values as the leaderboard's file has them: for every argument a list of
            alternatives, "" where it may be left out; fields of objects likewise.
        tools: What was on offer: the type that a schema gives an argument decides how it is compared.
    """
    if call.name != want.get("name"):
        return stopped_at(1, WRONG_FUNCTION)
    accepted = {name: listed(values) for name, values in (want.get("arguments") or {}).items()}
    offer = Offer(tools)
    schemas, required = offer.arguments(call.name), offer.required(call.name)
    needed = [name for name, values in accepted.items() if name in required or _LEFT_OUT not in values]
    if any(name not in call.arguments for name in (*needed, *required)):
        return stopped_at(2, MISSING)
    if any(name not in accepted or (schemas and name not in schemas) for name in call.arguments):
        return stopped_at(2, EXTRA)
    names = list(call.arguments)
    matches = {(a, b): accepts(call.arguments[a], accepted[b], schemas.get(b)) for a in names for b in names}
    return values_graded(names, matches)


def accepts(value: Any, accepted: Sequence[Any], schema: Any) -> bool:
    """Whether a value is among the accepted ones.

    Args:
        schema: The argument's own schema; None where it is not known, so that the first accepted value gives the type.
    """
    alternative = next((type(one) for one in accepted if one != _LEFT_OUT), None)
    known = isinstance(schema, Mapping)
    expected = _type_of(schema) if known else alternative or type(value)
    if expected is float and type(value) is int:
        value = float(value) if abs(value) <= _LARGEST else value
    items = schema.get("items") if known else None
    inner = _type_of(items) if expected is list and isinstance(items, Mapping) else None
    if type(value) is expected:
        if inner is not None and not _inner_types_fit(value, accepted, inner):
            return False
        exact = alternative not in (None, expected)
    elif type(value) is alternative:
        exact = True  # the answer's own type, where it differs from the schema's: compared as it stands
    else:
        return False
    if exact:
        return value in accepted
    if expected is dict:
        return any(_object_fits(value, one) for one in accepted if isinstance(one, Mapping))
    if expected is list and inner is dict:
        return any(_objects_fit(value, one) for one in accepted)
    if expected is list:
        return any(_standard_list(value) == _standard_list(one) for one in accepted if isinstance(one, list | str))
    if expected is str:
        return _standard(value) in [_standard(one) for one in accepted if isinstance(one, str)]
    return value in accepted


def _type_of(schema: Mapping[str, Any]) -> type:
    """The type of a schema; text where it names none, which is how the leaderboard takes "any"."""
    said = schema.get("type")
    return _TYPES.get(said, str) if isinstance(said, str) else str


def _inner_types_fit(value: list[Any], accepted: Sequence[Any], inner: type) -> bool:
    """Whether the elements of a list have the type that the schema gives them, or that of an accepted list's."""
    for one in accepted:
        if not isinstance(one, list):
            return True
        own = next((type(entry) for entry in one if entry != _LEFT_OUT), None)
        if all(type(entry) is inner or type(entry) is own for entry in value):
            return True
    return False


def _object_fits(value: Any, accepted: Any) -> bool:
    """Whether every field is among its alternatives, none is unknown, and only those that may be left out are."""
    if not isinstance(value, Mapping) or not isinstance(accepted, Mapping) or not set(value) <= set(accepted):
        return False
    missing = [listed(alternatives) for name, alternatives in accepted.items() if name not in value]
    right = (_standard(got) in [_standard(one) for one in listed(accepted[name])] for name, got in value.items())
    return all(_LEFT_OUT in alternatives for alternatives in missing) and all(right)


def _objects_fit(value: Sequence[Any], accepted: Any) -> bool:
    """Whether objects in a list fit the accepted ones, in order."""
    if not isinstance(accepted, list | str) or len(value) != len(accepted):
        return False
    return all(_object_fits(got, one) for got, one in zip(value, accepted, strict=True))


def _standard(value: Any) -> Any:
    """Texts without spaces, `,./-_*^` and case, single quotes as double ones; anything else as it is."""
    return _IGNORED.sub("", value).lower().replace("'", '"') if isinstance(value, str) else value


def _standard_list(value: Sequence[Any]) -> list[Any]:
    return [_standard(entry) for entry in value]
