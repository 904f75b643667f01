"""Answers that say the same are the same, however they are written; answers that differ in a value are not."""

from __future__ import annotations

from typing import Any

import pytest

from engine.subject.sameness import alike
from tests.support.tiny import tool

TOOLS = (tool("weather"), tool("news"))
CALL = '<tool_call>{"name": "weather", "arguments": {"city": "Rome", "days": 4}}</tool_call>'


@pytest.mark.parametrize(
    "other",
    [
        '<tool_call>\n{"arguments": {"days": 4.0, "city": "Rome"}, "name": "weather"}\n</tool_call>',
        '{"name": "weather", "parameters": {"city": "Rome", "days": 4}}',
        '<think>Rome, then</think><tool_call>{"name": "weather", "arguments": {"city": "Rome", "days": 4}}</tool_call>',
        '[TOOL_CALLS][{"name": "weather", "arguments": {"city": "Rome", "days": 4}}]',
        '[weather(city="Rome", days=4)]',
    ],
)
def test_equal_calls_are_alike_in_every_language(other: str) -> None:
    assert alike(CALL, other, TOOLS)
    assert alike(other, CALL, TOOLS)


@pytest.mark.parametrize(
    "other",
    [
        '{"name": "weather", "parameters": {"city": "Oslo", "days": 4}}',
        '{"name": "weather", "parameters": {"city": "Rome", "days": "4"}}',
        '{"name": "weather", "parameters": {"city": "Rome"}}',
        '<tool_call>{"name": "weather", "arguments": {"city": "ROME", "days": 4}}</tool_call>',
        '<tool_call>{"name": "weather", "arguments": {"city": " Rome", "days": 4}}</tool_call>',
        '<tool_call>{"name": "weather", "arguments": {"city": "Rome.", "days": 4}}</tool_call>',
        '{"name": "news", "parameters": {"city": "Rome", "days": 4}}',
        CALL + CALL,
        "It is sunny in Rome.",
        '{"name": "weather"',
        "",
    ],
)
def test_other_calls_are_not(other: str) -> None:
    assert not alike(CALL, other, TOOLS)
    assert not alike(other, CALL, TOOLS)


def test_calls_are_alike_in_any_order() -> None:
    first, second = (f'{{"name": "{name}", "arguments": {{"city": "Rome"}}}}' for name in ("weather", "news"))
    assert alike(f"[{first}, {second}]", f"[{second}, {first}]", TOOLS)
    assert not alike(f"[{first}, {second}]", f"[{first}, {first}]", TOOLS)
    many = [f'{{"name": "weather", "arguments": {{"days": {days}}}}}' for days in range(8)]
    assert alike(f"[{', '.join(many)}]", f"[{', '.join(many[::-1])}]", TOOLS)
    assert not alike(f"[{', '.join(many)}]", f"[{', '.join([*many[1:], many[1]])}]", TOOLS)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("Yes", "yes.", True), ("It  rains\nin Oslo", "it rains in Oslo!", True), ("4", "4.0", False),
        ("Rome", "Roma", False), ("<think>x</think>Rome", "Rome", True),
    ],
)  # fmt: skip
def test_words_are_alike_but_for_case_spaces_and_a_last_stop(a: str, b: str, same: Any) -> None:
    assert alike(a, b) is same
