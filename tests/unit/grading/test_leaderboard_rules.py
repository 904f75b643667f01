"""The "bfcl" grader agrees with the leaderboard's published rules on near-right calls, and says less than "strict"."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine.data.formats import read
from engine.spec.example import Example, Gold, first_accepted
from engine.subject.grading import grade
from tests.support import leaderboard, near_right
from tests.support.userfiles import write_lines

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "bfcl"
Pair = tuple[dict[str, Any], list[dict[str, Any]], Example]


def made_up(tmp_path: Path, count: int = 400) -> list[Pair]:
    rng = Random(11)
    rows = [near_right.schema_row(at, rng) for at in range(count)]
    path = write_lines(tmp_path / "BFCL_made.json", [{**question, "ground_truth": truth} for question, truth in rows])
    examples = {example.id: example for example in read(path)}
    return [(question, truth, examples[f"{question['id']}#1"]) for question, truth in rows]


def published(name: str) -> list[Pair]:
    path = DATA / f"BFCL_v4_{name}.json"
    if not path.exists():
        pytest.skip("the leaderboard's files are not beside this checkout (../shared/data)")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    answers = (DATA / "possible_answer" / path.name).read_text(encoding="utf-8").splitlines()
    truths = {row["id"]: row["ground_truth"] for row in map(json.loads, answers)}
    examples = {example.id: example for example in read(path)}
    return [(row, truths[row["id"]], examples[f"{row['id']}#1"]) for row in lines]


def said(calls: list[tuple[str, dict[str, Any]]]) -> str:
    written = [json.dumps({"name": name, "arguments": given}) for name, given in calls]
    return "\n".join(f"<tool_call>{text}</tool_call>" for text in written)


def agreement(pairs: list[Pair], each: int) -> tuple[list[Any], Counter[str]]:
    """Calls on which the grader and the rules part, and how often each of them and "strict" says right."""
    rng = Random(3)
    parted: list[Any] = []
    counts: Counter[str] = Counter()
    for question, truth, example in pairs:
        plain = strict_gold(truth, example)
        for _ in range(each):
            calls = near_right.near_right(near_right.right_calls(truth, question["function"], rng), rng)
            rules = leaderboard.right(question["function"], truth, calls)
            ours = grade(said(calls), example.gold, example.prompt.tools)
            strict = grade(said(calls), plain, example.prompt.tools)
            counts.update(
                {"all": 1, "rules": rules, "bfcl": ours.correct, "strict": strict.correct,
                 "alike": strict.correct == ours.correct, "strict alone": strict.correct and not ours.correct}
            )  # fmt: skip
            if ours.correct != rules:
                parted.append((question["id"], truth, calls, rules, ours.failure))
    return parted, counts


def strict_gold(truth: list[dict[str, Any]], example: Example) -> Gold:
    """The gold of a user's file with the same right answer: the one that is taught."""
    calls = [call["function"] for call in example.answer.get("tool_calls", [])]
    assert len(calls) == len(truth)
    return Gold(
        kind="call",
        calls=tuple({"name": c["name"], "arguments": {k: [v] for k, v in c["arguments"].items()}} for c in calls),
    )


def test_made_up_calls_are_graded_as_the_rules_say(tmp_path: Path) -> None:
    parted, counts = agreement(made_up(tmp_path), 15)
    assert counts["all"] == 6000
    assert 0.2 < counts["rules"] / counts["all"] < 0.8, "both kinds of calls, or agreement says nothing"
    assert len(parted) / counts["all"] < 0.005, parted[:3]
    assert 0.6 < counts["alike"] / counts["all"] < 0.98


@pytest.mark.parametrize("name", ["simple_python", "multiple"])
def test_calls_near_the_published_answers_are_graded_as_the_rules_say(name: str) -> None:
    parted, counts = agreement(published(name), 10)
    assert counts["all"] >= 2000
    assert 0.2 < counts["rules"] / counts["all"] < 0.8
    assert len(parted) / counts["all"] < 0.005, parted[:3]


@pytest.mark.parametrize("name", ["simple_python", "multiple"])
def test_the_answers_that_are_taught_are_right(name: str) -> None:
    for question, truth, example in published(name):
        calls = [(call["function"]["name"], call["function"]["arguments"]) for call in example.answer["tool_calls"]]
        assert grade(said(calls), example.gold, example.prompt.tools).correct, example.id
        assert leaderboard.right(question["function"], truth, calls)


def test_the_first_accepted_value_is_a_plain_one() -> None:
    assert first_accepted({"a": ["x", "y"], "b": ["", 1], "c": [["p", "q"]], "d": [{"e": [1]}]}) == {
        "a": "x", "c": ["p", "q"], "d": {"e": [1]},
    }  # fmt: skip
    assert first_accepted([{"a": [1, 2]}, {"a": [3]}]) == [{"a": 1}, {"a": 3}]
    assert first_accepted([[1], "x"]) == [[1], "x"]
    assert first_accepted("x") == "x"
