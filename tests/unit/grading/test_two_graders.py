"""How the two graders treat each kind of difference: the table of docs/grading.md, row by row."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.spec.example import Gold
from engine.subject.grading import GRADERS, grade

KINDS = {
    "text": {"type": "string"}, "count": {"type": "integer"}, "share": {"type": "number"}, "flag": {"type": "boolean"},
    "words": {"type": "array", "items": {"type": "string"}}, "about": {"type": "object"}, "anything": {},
    "parts": {"type": "array", "items": {"type": "object"}},
}  # fmt: skip
TOOLS = [
    {"type": "function", "function": {"name": "a.b", "parameters": {"properties": KINDS, "required": ["text"]}}},
    {"type": "function", "function": {"name": "c", "parameters": {"properties": KINDS}}},
]
Calls = list[tuple[str, dict[str, Any]]]


def graded(grader: Any, calls: Calls, accepted: Calls) -> Any:
    text = "".join(f"<tool_call>{json.dumps({'name': n, 'arguments': given})}</tool_call>" for n, given in calls)
    gold = Gold(kind="call", grader=grader, calls=tuple({"name": n, "arguments": given} for n, given in accepted))
    return grade(text, gold, TOOLS)


@pytest.mark.parametrize(
    ("given", "accepted", "strict", "bfcl"),
    [
        ({"text": "x"}, {"text": ["x"]}, True, True),
        ({"text": "x", "share": 3}, {"text": ["x"], "share": [3.0]}, True, True),
        ({"text": "x", "count": 3.0}, {"text": ["x"], "count": [3]}, True, False),
        ({"text": "x", "about": {"n": 3.0}}, {"text": ["x"], "about": [{"n": [3]}]}, False, True),
        ({"text": "x", "count": True}, {"text": ["x"], "count": [1]}, False, False),
        ({"text": "x", "count": "3"}, {"text": ["x"], "count": [3]}, False, False),
        ({"text": "NEW york-"}, {"text": ["New York"]}, False, True),
        ({"text": "it's"}, {"text": ['it"s']}, False, True),
        ({"text": "New\tYork"}, {"text": ["New York"]}, False, False),
        ({"text": "New York!"}, {"text": ["New York"]}, False, False),
        ({"text": "x", "words": ["A", "b."]}, {"text": ["x"], "words": [["a", "B"]]}, False, True),
        ({"text": "x", "words": ["b", "a"]}, {"text": ["x"], "words": [["a", "b"]]}, False, False),
        ({"text": "x", "words": ["a"]}, {"text": ["x"], "words": [["a", "b"]]}, False, False),
        ({"text": "x", "words": [1]}, {"text": ["x"], "words": [["1"]]}, False, False),
        ({"text": "x", "about": {"tags": "red"}}, {"text": ["x"], "about": [{"tags": ["red", "blue"]}]}, False, True),
        ({"text": "x", "about": {"tags": ["red"]}}, {"text": ["x"], "about": [{"tags": ["red"]}]}, True, False),
        ({"text": "x", "about": {}}, {"text": ["x"], "about": [{"tags": ["red", ""]}]}, False, True),
        ({"text": "x", "about": {}}, {"text": ["x"], "about": [{"tags": ["red"]}]}, False, False),
        ({"text": "x", "about": {"n": True}}, {"text": ["x"], "about": [{"n": [1]}]}, False, True),
        ({"text": "x", "about": {"n": {"d": "A"}}}, {"text": ["x"], "about": [{"n": [{"d": "a"}]}]}, False, False),
        ({"text": "x"}, {"text": ["x"], "count": [3, ""]}, False, True),
        ({"text": "x"}, {"text": ["x"], "count": [3]}, False, False),
        ({"count": 3}, {"text": ["x", ""], "count": [3]}, False, False),
        ({"text": "x", "count": 3}, {"text": ["x"]}, False, False),
        ({"text": "x", "words": []}, {"text": ["x"], "words": [["a"], ""]}, False, True),
        ({"text": ""}, {"text": ["x"]}, False, False),
        ({"text": ""}, {"text": [""]}, True, True),
        ({"text": "x", "count": "n"}, {"text": ["x"], "count": ["n"]}, True, True),
        ({"text": "x", "count": "N"}, {"text": ["x"], "count": ["n"]}, False, False),
        ({"text": "x", "anything": "A b"}, {"text": ["x"], "anything": ["ab"]}, False, True),
        ({"text": "x", "parts": [{"a": "B"}]}, {"text": ["x"], "parts": [[{"a": ["b", "c"]}]]}, False, True),
        ({"text": "x", "parts": ["a"]}, {"text": ["x"], "parts": [[{"a": ["b"]}], ""]}, False, False),
        ({"text": "x", "other": 1}, {"text": ["x"], "other": [1]}, True, False),
        ({"text": "x", "share": 10**400}, {"text": ["x"], "share": [1.0]}, False, False),
        ({"text": None}, {"text": ["x"]}, False, False),
    ],
)
def test_a_difference(given: dict[str, Any], accepted: dict[str, Any], strict: bool, bfcl: bool) -> None:
    assert graded("strict", [("a.b", given)], [("a.b", accepted)]).correct is strict
    assert graded("bfcl", [("a.b", given)], [("a.b", accepted)]).correct is bfcl


@pytest.mark.parametrize("grader", GRADERS)
def test_calls_as_a_whole(grader: str) -> None:
    one, two, other = ("a.b", {"text": "x"}), ("a.b", {"text": "y"}), ("c", {"count": 1})
    wanted = [(name, {key: [value] for key, value in given.items()}) for name, given in (one, two, other)]
    assert graded(grader, [other, two, one], wanted).correct
    assert graded(grader, [one, one, other], wanted).failure == "wrong value"
    assert graded(grader, [one, two], wanted).failure == "wrong number of calls"
    assert graded(grader, [("a_b", {"text": "x"})], wanted[:1]).failure == "wrong function"
    assert graded(grader, [("a.b", {"text": "y", "count": 1})], [("a.b", {"text": ["y"], "count": [2]})]).height == 3
    swapped = [("c", {"text": "p", "anything": "q"})]
    assert graded(grader, swapped, [("c", {"text": ["q"], "anything": ["p"]})]).failure == "swapped arguments"
    many = [("a.b", {"text": str(at)}) for at in range(20)]
    accepted = [("a.b", {"text": [str(at)]}) for at in range(20)]
    assert graded(grader, many[::-1], accepted).correct
    assert not graded(grader, many[1:] + many[1:2], accepted).correct


@pytest.mark.parametrize("grader", GRADERS)
def test_where_no_call_is_right(grader: Any) -> None:
    gold = Gold(kind="call", grader=grader)
    for text in ("[]", "No tool can do it.", "<think>none</think>None.", ""):
        assert grade(text, gold, TOOLS).correct, text
    for text in ("<tool_call>{", '{"name": "c", "arguments": {}}', "<think>hm", "[c(count=1)]"):
        assert not grade(text, gold, TOOLS).correct, text


def test_an_order_that_the_first_fit_would_miss_is_found() -> None:
    wanted = [("c", {"count": [1, 2]}), ("c", {"count": [1]})]
    assert graded("bfcl", [("c", {"count": 1}), ("c", {"count": 2})], wanted).correct


def test_without_the_tools_the_accepted_values_give_the_types() -> None:
    gold = Gold(kind="call", grader="bfcl", calls=({"name": "f", "arguments": {"a": ["New York"], "b": [3, ""]}},))
    assert grade('{"name": "f", "arguments": {"a": "new york"}}', gold).correct
    assert not grade('{"name": "f", "arguments": {"a": "new york", "b": "3"}}', gold).correct


def test_texts_are_compared_without_their_thought() -> None:
    assert grade("<think>hm</think>\nRome", Gold(text="Rome")).correct
    assert not grade("<think>hm</think>\nOslo", Gold(text="Rome")).correct
    assert not grade("<think>Rome", Gold(text="Rome")).correct
    assert grade("ok</think> yes.", Gold(text="yes", labels=("yes", "no"))).correct
