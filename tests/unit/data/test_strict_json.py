"""JSON as the lab accepts it, and Python literals in its place."""

from __future__ import annotations

from typing import Any

import pytest

from engine.data.strict_json import NotJson, loads_lenient


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": "it\'s"}', {"a": "it's"}),
        ("{'a': 'b', 'c': [True, None]}", {"a": "b", "c": [True, None]}),
        ("{'a': 1, 'a': 1}", {"a": 1}),
    ],
)
def test_a_python_literal_is_read_like_json(text: str, value: Any) -> None:
    assert loads_lenient(text) == value


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": "it\'s"}', "{'a': 1, 'a': 2}", "{'b': [{'a': 'x', 'a': 'y'}]}", "{1: 'a', True: 'b'}"]
)
def test_a_key_with_two_values_is_refused_in_either_notation(text: str) -> None:
    with pytest.raises(NotJson, match="stands twice"):
        loads_lenient(text)


@pytest.mark.parametrize("text", ["{'a': float('nan')}", "{'a': 1", "{'a': {1, 2}}", "{'a': '\\x00'}"])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(NotJson):
        loads_lenient(text)
