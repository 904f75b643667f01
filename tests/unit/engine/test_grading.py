"""Grading calls and texts, and that nothing a model says can raise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.spec.example import Gold
from engine.subject.calls import read
from engine.subject.grading import FAILURES, final_answer, grade, same

WEATHER = Gold(kind="call", calls=({"name": "weather", "arguments": {"city": ["Rome"], "days": [3]}},))
ROUTE = Gold(kind="call", calls=({"name": "route", "arguments": {"start": ["Rome"], "end": ["Oslo"]}},))
BOTH = Gold(kind="call", calls=(*WEATHER.calls, *ROUTE.calls))
NONE = Gold(kind="call")
RIGHT = '{"name": "weather", "arguments": {"city": "Rome", "days": 3}}'


def call(name: str, **arguments: Any) -> str:
    return f"<tool_call>{json.dumps({'name': name, 'arguments': arguments})}</tool_call>"


@pytest.mark.parametrize(
    "text",
    [
        RIGHT,
        f"<tool_call>\n{RIGHT}\n</tool_call>",
        f"<tool_call>{RIGHT}",
        f"[{RIGHT}]",
        f"Let me look. {RIGHT}",
        f"```json\n{RIGHT}\n```",
        RIGHT.replace("arguments", "parameters"),
        json.dumps({"name": "weather", "arguments": '{"city": "Rome", "days": 3.0}'}),
        json.dumps({"type": "function", "function": json.loads(RIGHT)}),
    ],
)
def test_every_way_to_write_a_right_call_is_right(text: str) -> None:
    got = grade(text, WEATHER)
    assert got.correct, got
    assert got.values
    assert got.failure is None


@pytest.mark.parametrize(
    ("text", "gold", "failure", "conditions"),
    [
        ("It is warm.", WEATHER, "no call", (0, 0, 0, 0)),
        ("", WEATHER, "no call", (0, 0, 0, 0)),
        ('<tool_call>{"name": "weather"', WEATHER, "unreadable call", (0, 0, 0, 0)),
        ('{"city": "Rome"}', WEATHER, "unreadable call", (0, 0, 0, 0)),
        (call("news", city="Rome"), WEATHER, "wrong function", (1, 0, 0, 0)),
        (call("weather", city="Rome"), WEATHER, "missing argument", (1, 1, 0, 0)),
        (call("weather", city="Rome", days=3, sea=True), WEATHER, "extra argument", (1, 1, 0, 0)),
        (call("weather", city="Oslo", days=3), WEATHER, "wrong value", (1, 1, 1, 0)),
        (call("weather", city="Rome", days="3"), WEATHER, "wrong value", (1, 1, 1, 0)),
        (call("weather", city="rome", days=3), WEATHER, "wrong value", (1, 1, 1, 0)),
        (call("weather", city="Rome ", days=3), WEATHER, "wrong value", (1, 1, 1, 0)),
        (call("weather", city="", days=3), WEATHER, "wrong value", (1, 1, 1, 0)),
        ("<think>Rome, then", WEATHER, "unfinished thought", (0, 0, 0, 0)),
        ("<think>no tool, so", NONE, "unfinished thought", (0, 0, 0, 0)),
        (call("route", start="Oslo", end="Rome"), ROUTE, "swapped arguments", (1, 1, 1, 0)),
        (call("route", start="Oslo", end="Oslo"), ROUTE, "wrong value", (1, 1, 1, 0)),
        (call("weather", city="Rome", days=3), BOTH, "wrong number of calls", (1, 0, 0, 0)),
        (call("weather", city="Rome", days=3), NONE, "call where none applies", (1, 0, 0, 0)),
        ("<tool_call>nothing</tool_call>", NONE, "call where none applies", (0, 0, 0, 0)),
    ],
)
def test_what_is_wrong_is_named(text: str, gold: Gold, failure: str, conditions: tuple[int, ...]) -> None:
    got = grade(text, gold)
    assert not got.correct
    assert got.failure == failure
    assert (got.parses, got.function, got.arguments, got.values) == conditions


def test_several_calls_are_right_in_any_order() -> None:
    one, two = call("weather", city="Rome", days=3), call("route", start="Rome", end="Oslo")
    assert grade(one + two, BOTH).correct
    assert grade(two + "\n" + one, BOTH).correct
    assert not grade(one + one, BOTH).correct


def test_words_are_right_where_no_tool_applies() -> None:
    assert grade("None of these tools can do that.", NONE).correct


def test_texts_are_compared_as_strings_and_labels_plainly() -> None:
    assert grade(" Rome \n", Gold(text="Rome")).correct
    assert grade("rome", Gold(text="Rome")).failure == "wrong answer"
    labels = Gold(text="yes", labels=("yes", "no"))
    assert grade("Yes.", labels).correct
    assert grade("No", labels).parses
    assert not grade("perhaps", labels).parses


@pytest.mark.parametrize(
    ("text", "final"),
    [
        ("7 + 3 = 10. the answer is 10.", "10."),
        ("the answer is 9. no: The answer is  10. \n", "10."),
        (" 10 ", "10"),
        ("7 + 3 = 10.", "7 + 3 = 10."),
        ("7 + 3 = 10. the answer is", ""),
        ("", ""),
    ],
)
def test_the_final_answer_is_what_the_last_sentence_says(text: str, final: str) -> None:
    assert final_answer(text) == final


def test_written_steps_are_graded_by_their_final_answer() -> None:
    gold = Gold(text="8", labels=tuple(map(str, range(21))))
    steps = "7 + 3 = 10. 10 - 2 = 8."
    assert grade(final_answer(f"{steps} the answer is 8."), gold).correct
    wrong = grade(final_answer(f"{steps} the answer is 10."), gold)
    assert wrong.parses
    assert not wrong.correct
    for unread in (f"{steps} the answer is", f"{steps} the answer is 8 and 10.", steps):
        assert not grade(final_answer(unread), gold).parses
    assert not grade(f"{steps} the answer is 8.", gold).correct, "grading itself still reads the whole text"


@pytest.mark.parametrize(
    ("got", "want", "equal"),
    [
        (1, 1.0, True), (True, 1, False), (1, True, False), (True, True, True), ("a ", "a", False), ("1", 1, False),
        ([1, "b"], [1.0, "b"], True), ([1], [1, 2], False), (None, None, True), (None, "", False),
        ({"a": 1}, {"a": [1, 2]}, False), ({"a": [1, 2]}, {"a": [1, 2]}, True), ({}, {"a": ["", 2]}, False),
        ({"a": 1, "b": None}, {"b": None, "a": 1.0}, True), ({"a": ""}, {}, False), ("", "", True),
        ({"a": 1, "b": 2}, {"a": [1]}, False),
    ],
)  # fmt: skip
def test_values(got: Any, want: Any, equal: bool) -> None:
    assert same(got, want) is equal


WORDS = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(
            ["<tool_call>", "</tool_call>", "{", "}", "[", "]", '"name"', '"arguments"', ":", ",", '"weather"', "1e999",
             "NaN", "-0", "\\u0000", "null", "\ud800", "```json", '{"name": "weather", "arguments": ']
        )
    ).map("".join),
)  # fmt: skip


@given(WORDS, st.sampled_from([WEATHER, ROUTE, BOTH, NONE, Gold(text="a"), Gold(text="yes", labels=("yes", "no"))]))
def test_no_answer_raises(text: str, gold: Gold) -> None:
    got = grade(text, gold)
    assert got.correct == (got.failure is None)
    assert got.failure is None or got.failure in FAILURES
    assert got.parses >= got.function >= got.arguments >= got.values


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["name", "arguments", "function"]), inner)
    ),
)


@given(JSON)
def test_no_value_raises(value: Any) -> None:
    read(json.dumps(value))
    grade(json.dumps({"name": "weather", "arguments": {"city": value, "days": value}}), WEATHER)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"name":' * 50_000,
        "9" * 100_000,
        '{"name": "weather", "arguments": {"days": ' + "9" * 9000 + "}}",
    ],
)
def test_depth_and_length_are_capped(text: str) -> None:
    assert not grade(text, WEATHER).correct
