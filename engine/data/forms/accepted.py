"""BFCL's accepted answers: for every argument the values that are accepted.

"" among them says that the argument may be left out. Objects inside are written the same way, field by field.
`Gold.calls` keeps them as they stand, for the leaderboard's own rules (`engine/subject/grading/bfcl.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.data.problems import Unusable
from engine.data.row import Row
from engine.data.tools.arguments import Schema
from engine.data.tools.calls import check_names, checked
from engine.data.tools.reading import Tools
from engine.spec.example import first_accepted
from engine.subject import calls as texts


def read_accepted(truth: Any, row: Row, field: str, tools: Tools) -> list[dict[str, Any]]:
    """Accepted calls as `Gold` has them. Raises Unusable where they cannot be used."""
    if not isinstance(truth, list):
        raise Unusable(field, "must be a list of calls")
    calls: list[dict[str, Any]] = []
    for at, entry in enumerate(truth):
        place = f"{field}[{at}]"
        if isinstance(entry, str):
            calls += _written(entry, row, place, tools)
            continue
        if not isinstance(entry, dict) or len(entry) != 1:
            raise Unusable(place, 'must be an object with one function\'s name: {"name": {"argument": [values]}}')
        name, arguments = next(iter(entry.items()))
        if not isinstance(arguments, dict):
            raise Unusable(f"{place}.{name}", "must be an object of arguments")
        for argument, values in arguments.items():
            if not isinstance(values, list) or not values:
                raise Unusable(f"{place}.{name}.{argument}", "must be a list of accepted values, not empty")
        if name not in tools.functions:
            checked(name, {}, row, place, tools, name)
        check_names(name, arguments, row, f"{place}.{name}", Schema(tools.functions[name]["parameters"]))
        calls.append({"name": name, "arguments": arguments})
    return calls


def first_values(call: Mapping[str, Any], tools: Tools) -> dict[str, Any]:
    """The arguments to learn: of each the value named first; left out where that is "" and it may be."""
    required = tools.functions[call["name"]]["parameters"]["required"]
    found: dict[str, Any] = {}
    for name, values in call["arguments"].items():
        value = values[0] if name not in required else next((v for v in values if v != ""), values[0])
        if value != "" or name in required:
            found[name] = first_accepted(value)
    return found


def _written(text: str, row: Row, field: str, tools: Tools) -> list[dict[str, Any]]:
    """A call written as Python, as some of BFCL's files have them."""
    reading = texts.read(text, tools.schemas)
    if not reading.calls:
        raise Unusable(field, "holds a call that cannot be read")
    found = [checked(call.name, call.arguments, row, field, tools, "") for call in reading.calls]
    return [{"name": call.name, "arguments": {n: [v] for n, v in call.arguments.items()}} for call in found]
