"""Near-right calls: a right one, changed in one or two of the ways in which models' calls are wrong, or nearly so."""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random
from typing import Any

Call = tuple[str, dict[str, Any]]
WORDS = ("Rome", "New York", "blue sky", "April 1, 2024", "it's", "x_y-z", "1/2", "A*B^C", "pounds.", "Zoë")


def schema_row(at: int, rng: Random) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A made-up row: one to three functions in the leaderboard's manner, and accepted calls of some of them."""
    functions = [
        _function(f"tool{at}_{n}.do" if rng.random() < 0.3 else f"tool{at}_{n}", rng) for n in range(rng.randint(1, 3))
    ]
    called = [rng.choice(functions) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    truth = [{f["name"]: _accepted(f, rng)} for f in called]
    question = {
        "id": f"made_{at}",
        "question": [[{"role": "user", "content": f"Do case {at} now"}]],
        "function": functions,
    }
    return question, truth


def _function(name: str, rng: Random) -> dict[str, Any]:
    properties = {f"p{n}": _schema(rng) for n in range(rng.randint(0, 4))}
    required = [key for key in properties if rng.random() < 0.6]
    parameters = {"type": "dict", "properties": properties, "required": required}
    return {"name": name, "description": f"Does {name}.", "parameters": parameters}


def _schema(rng: Random) -> dict[str, Any]:
    kind = rng.choice(["string", "integer", "float", "boolean", "array", "dict", "tuple", "any", "string", "array"])
    found: dict[str, Any] = {"type": kind, "description": kind}
    if kind in ("array", "tuple"):
        found["items"] = {"type": rng.choice(["string", "integer", "float", "dict", "boolean"])}
    return found


def _value(kind: str, rng: Random, items: str = "string") -> Any:
    if kind in ("string", "any"):
        return rng.choice(WORDS)
    if kind == "integer":
        return rng.randint(-5, 50)
    if kind == "float":
        return rng.choice([rng.randint(0, 9), round(rng.random() * 9, 1), 2.0])
    if kind == "boolean":
        return rng.random() < 0.5
    if kind == "dict":
        return {
            f"k{n}": [_plain(rng) for _ in range(rng.randint(1, 2))] + [""] * (rng.random() < 0.3)
            for n in range(rng.randint(1, 3))
        }
    return [_value(items, rng) for _ in range(rng.randint(1, 3))]


def _plain(rng: Random) -> Any:
    return rng.choice([rng.choice(WORDS), rng.randint(0, 9), 1.5, True, ["a b", "C"], {"in": 1}])


def _accepted(function: dict[str, Any], rng: Random) -> dict[str, list[Any]]:
    parameters, found = function["parameters"], {}
    for name, about in parameters["properties"].items():
        items = about.get("items", {}).get("type", "string")
        values = [_value(about["type"], rng, items) for _ in range(rng.choice([1, 1, 2]))]
        if rng.random() < 0.08:
            values = ["a_variable"]
        if name not in parameters["required"] and rng.random() < 0.7:
            values.insert(rng.choice([0, len(values)]), "")
        found[name] = values
    return found


def right_calls(truth: list[dict[str, Any]], functions: list[dict[str, Any]], rng: Random) -> list[Call]:
    """Calls as they are accepted, of alternatives any."""
    calls: list[Call] = []
    for entry in truth:
        ((name, accepted),) = entry.items()
        required = next(f for f in functions if f["name"] == name)["parameters"].get("required", [])
        given = {}
        for argument, values in accepted.items():
            value = rng.choice(values)
            if value == "" and argument in required:
                value = next((v for v in values if v != ""), "")
            if value != "" or rng.random() < 0.1:
                given[argument] = _chosen(value, rng)
        calls.append((name, given))
    return calls


def _chosen(value: Any, rng: Random) -> Any:
    if isinstance(value, dict):
        picked = {key: rng.choice(one) if isinstance(one, list) and one else one for key, one in value.items()}
        return {key: one for key, one in picked.items() if one != "" or rng.random() < 0.1}
    if isinstance(value, list):
        return [_chosen(entry, rng) if isinstance(entry, dict) else entry for entry in value]
    return value


def near_right(calls: list[Call], rng: Random) -> list[Call]:
    """The calls with none, one or two changes."""
    calls = copy.deepcopy(calls)
    for _ in range(rng.choice([0, 1, 1, 1, 1, 2])):
        _change(calls, rng)
    return calls


def _change(calls: list[Call], rng: Random) -> None:
    at = rng.randrange(len(calls)) if calls else 0
    kind = rng.random()
    if kind < 0.04 and calls:
        calls.append(copy.deepcopy(calls[at]))
    elif kind < 0.07 and calls:
        calls.pop(at)
    elif kind < 0.1:
        rng.shuffle(calls)
    elif kind < 0.14 and calls:
        name, given = calls[at]
        calls[at] = (rng.choice([name.replace(".", "_"), name.upper(), f"{name}s"]), given)
    elif calls:
        _arguments(calls[at][1], rng)


def _arguments(given: dict[str, Any], rng: Random) -> None:
    kind, names = rng.random(), list(given)
    if kind < 0.1:
        given[rng.choice(["extra", "p9", "unit"])] = rng.choice(["", "x", 1, None])
    elif names and kind < 0.2:
        del given[rng.choice(names)]
    elif len(names) > 1 and kind < 0.28:
        a, b = rng.sample(names, 2)
        given[a], given[b] = given[b], given[a]
    elif names:
        name = rng.choice(names)
        given[name] = changed(given[name], rng)


def changed(value: Any, rng: Random) -> Any:
    """A value that is nearly the same, or is so in another type."""
    if isinstance(value, bool):
        return rng.choice([not value, int(value), str(value), str(value).lower()])
    if isinstance(value, int):
        return rng.choice([float(value), str(value), value + 1, -value, bool(value), value + 0.5, [value]])
    if isinstance(value, float):
        return rng.choice([int(value), str(value), value + 0.1, round(value), [value]])
    if isinstance(value, str):
        return rng.choice(_SPELLINGS)(value)
    if isinstance(value, list):
        return _changed_list(value, rng)
    if isinstance(value, dict):
        return _changed_dict(value, rng)
    return rng.choice(["", 0, "None"])


_SPELLINGS: tuple[Callable[[str], Any], ...] = (
    str.upper, str.lower, str.title, lambda s: s.replace(" ", ""), lambda s: s.replace(" ", "_"), lambda s: f" {s} ",
    lambda s: f"{s}.", lambda s: s.replace(",", ""), lambda s: s.replace("'", '"'), lambda s: s.replace("-", "/"),
    lambda s: f"{s}!", lambda s: s[:-1], lambda s: f"{s}s", lambda s: "", lambda s: [s], lambda s: f"({s})",
    lambda s: s.replace(" ", "\t"), lambda s: f"{s}\n", lambda s: f"*{s}*", lambda s: {"value": s}, lambda s: None,
)  # fmt: skip


def _changed_list(value: list[Any], rng: Random) -> Any:
    copied = copy.deepcopy(value)
    kind = rng.randrange(7)
    if kind == 0 or not copied:
        return copied[::-1] if copied else ["x"]
    at = rng.randrange(len(copied))
    if kind == 1:
        copied.pop(at)
    elif kind == 2:
        copied.append(copy.deepcopy(copied[at]))
    elif kind == 3:
        return [] if rng.random() < 0.5 else str(value)
    elif kind == 4:
        return copied[0] if len(copied) == 1 else [copied]
    else:
        copied[at] = changed(copied[at], rng)
    return copied


def _changed_dict(value: dict[str, Any], rng: Random) -> Any:
    copied = copy.deepcopy(value)
    kind, names = rng.randrange(6), list(copied)
    if kind == 0 or not names:
        copied["other"] = 1
    elif kind == 1:
        del copied[rng.choice(names)]
    elif kind == 2:
        return str(value)
    elif kind == 3:
        name = rng.choice(names)
        copied[name] = [copied[name]]
    else:
        name = rng.choice(names)
        copied[name] = changed(copied[name], rng)
    return copied
