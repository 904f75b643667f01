"""The function-calling leaderboard's published rules, written a second time for the tests, on its files as they stand.

Nothing here is shared with the lab's own grader: it reads the file's own types ("dict", "float", "tuple") and goes
through the rules one by one, as their description does.
"""

from __future__ import annotations

from typing import Any

PYTHON = {
    "string": str, "integer": int, "float": float, "boolean": bool, "array": list, "tuple": list, "dict": dict,
    "any": str,
}  # fmt: skip
Call = tuple[str, dict[str, Any]]


def right(functions: list[dict[str, Any]], truth: list[dict[str, Any]], calls: list[Call]) -> bool:
    """Whether calls are right: as many as wanted, each for one of its own; the first that fits is taken."""
    if len(calls) != len(truth):
        return False
    left = list(calls)
    for wanted in truth:
        name = next(iter(wanted))
        described = next(function for function in functions if function["name"] == name)
        fitting = next((at for at, call in enumerate(left) if _call(described, wanted[name], call)), None)
        if fitting is None:
            return False
        left.pop(fitting)
    return True


def _call(function: dict[str, Any], possible: dict[str, list[Any]], call: Call) -> bool:
    name, given = call
    described = function["parameters"]["properties"]
    if name != function["name"]:
        return False
    if any(needed not in given for needed in function["parameters"].get("required", [])):
        return False
    for argument, value in given.items():
        if argument not in described or argument not in possible:
            return False
        if not _argument(described[argument], possible[argument], value):
            return False
    return all(argument in given or "" in values for argument, values in possible.items())


def _argument(described: dict[str, Any], possible: list[Any], value: Any) -> bool:
    wanted = PYTHON[described["type"]]
    nested = PYTHON[described["items"]["type"]] if described["type"] in ("array", "tuple") else None
    if described["type"] == "float" and type(value) is int:  # a bool is none
        value = float(value)
    fits, variable = _type_fits(value, possible, wanted, nested)
    if not fits:
        return False
    if variable:
        return value in possible
    if wanted is dict:
        return any(_dict_fits(value, one) for one in possible if one != "")
    if wanted is list and nested is dict:
        return any(
            len(value) == len(one) and all(_dict_fits(v, o) for v, o in zip(value, one, strict=True))
            for one in possible
        )
    if wanted is str:
        return any(type(one) is str and plain(one) == plain(value) for one in possible)
    if wanted is list:
        return [plain(v) for v in value] in [[plain(v) for v in one] for one in possible]
    return value in possible


def _type_fits(value: Any, possible: list[Any], wanted: type, nested: type | None) -> tuple[bool, bool]:
    """Whether the type is right, and whether the value is a variable: of the answer's type, not the schema's."""
    types = [type(one) for one in possible if one != ""]
    answers = types[0] if types else None
    variable = answers is not None and answers is not wanted
    if type(value) is not wanted:
        return (True, True) if answers is not None and type(value) is answers else (False, False)
    if nested is None:
        return True, variable
    for one in possible:
        if not isinstance(one, list) or all(_type_fits(inner, one, nested, None)[0] for inner in value):
            return True, variable
    return False, False


def _dict_fits(value: Any, possible: dict[str, list[Any]]) -> bool:
    if not isinstance(value, dict):  # the leaderboard's own checker fails here; no call is right by failing
        return False
    for key, inner in value.items():
        if key not in possible or plain(inner) not in [plain(one) for one in possible[key]]:
            return False
    return all(key in value or "" in one for key, one in possible.items())


def plain(value: Any) -> Any:
    """A text as it is compared: no spaces, none of `,./-_*^`, small letters, double quotes."""
    if not isinstance(value, str):
        return value
    for char in " ,./-_*^":
        value = value.replace(char, "")
    return value.lower().replace("'", '"')
