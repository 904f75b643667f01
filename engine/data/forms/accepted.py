"""BFCL's accepted answers: for every argument the values that are accepted.

"" among them says that the argument may be left out. Objects inside are written the same way, field by field; here
they become plain accepted values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, product
from typing import Any

from engine import calls as texts
from engine.data.problems import Unusable
from engine.data.row import Row
from engine.data.tools.arguments import Schema
from engine.data.tools.calls import check_names, checked
from engine.data.tools.reading import Tools

_MOST_VALUES = 64  # plain values that one argument's nested alternatives are spelled out to


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
        calls.append({"name": name, "arguments": {a: _spelled_out(values) for a, values in arguments.items()}})
    return calls


def first_values(call: Mapping[str, Any], tools: Tools) -> dict[str, Any]:
    """The arguments to learn: of each the value named first; left out where that is "" and it may be."""
    required = tools.functions[call["name"]]["parameters"]["required"]
    found: dict[str, Any] = {}
    for name, values in call["arguments"].items():
        value = values[0] if name not in required else next((v for v in values if v != ""), values[0])
        if value != "" or name in required:
            found[name] = value
    return found


def _written(text: str, row: Row, field: str, tools: Tools) -> list[dict[str, Any]]:
    """A call written as Python, as some of BFCL's files have them."""
    reading = texts.read(text, tools.schemas)
    if not reading.calls:
        raise Unusable(field, "holds a call that cannot be read")
    found = [checked(call.name, call.arguments, row, field, tools, "") for call in reading.calls]
    return [{"name": call.name, "arguments": {n: [v] for n, v in call.arguments.items()}} for call in found]


def _spelled_out(values: list[Any]) -> list[Any]:
    return list(islice((plain for value in values for plain in _plain(value)), _MOST_VALUES))


def _plain(value: Any) -> Iterator[Any]:
    """Every plain value that an accepted one stands for: an object's fields are lists of alternatives."""
    if isinstance(value, dict):
        fields = [list(islice(_field(v), _MOST_VALUES)) for v in value.values()]
        for chosen in islice(product(*fields), _MOST_VALUES):
            yield {name: one for name, one in zip(value, chosen, strict=True) if one is not _LEFT_OUT}
    elif isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
        entries = [list(islice(_plain(entry), _MOST_VALUES)) for entry in value]
        yield from ([*chosen] for chosen in islice(product(*entries), _MOST_VALUES))
    else:
        yield value


_LEFT_OUT = object()


def _field(value: Any) -> Iterator[Any]:
    if not isinstance(value, list) or not value:
        yield value
        return
    for one in value:
        if one == "":
            yield _LEFT_OUT
        yield from _plain(one) if one != "" else ("",)
