"""Rows of one request: xLAM, instructions, Glaive's text and BFCL, where they go their own ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.data.formats import read_source
from engine.data.forms.requests import DECLINE
from engine.data.problems import BadRows
from engine.spec.errors import DataError
from tests.support.dataforms import asked, bare, flat, glaive, gold, names, tools
from tests.support.userfiles import bfcl_row, write_bfcl, write_lines


def xlam(at: int, answers: Any) -> dict[str, Any]:
    return {"id": at, "query": asked(at), "tools": json.dumps(flat(at)), "answers": answers}


def written(folder: Path, rows: list[dict[str, Any]]) -> Path:
    return write_lines(folder / "mine.jsonl", rows)


@pytest.mark.parametrize(
    ("answers", "words"), [("[]", DECLINE), ([], DECLINE), ("I cannot do that.", "I cannot do that.")]
)
def test_an_answer_without_a_call_says_that_no_tool_is_right(answers: Any, words: str, tmp_path: Path) -> None:
    source = read_source(written(tmp_path, [xlam(at, answers) for at in range(12)]))
    assert all(e.gold.calls == () and e.answer == {"role": "assistant", "content": words} for e in source.examples)
    assert any(note.startswith("Rows without a call and without words") for note in source.notes) == (words == DECLINE)


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ('[{"name": "fly", "arguments": {}}]', "row 3, field answers[0].name: 'fly' is not among"),
        ('[{"name": "tell_weather", "arguments": {"city": "a"}', "row 3, field answers: holds what looks like a call"),
        (7, "row 3, field answers: must be a list of calls"),
    ],
)
def test_answers_that_cannot_be_read_are_refused(answers: Any, says: str, tmp_path: Path) -> None:
    rows = [xlam(at, [{"name": names(at)[0], "arguments": {"city": "a"}}]) for at in range(12)]
    rows[2] = {**rows[2], "answers": answers, "tools": json.dumps([bare("tell_weather")])}
    with pytest.raises(BadRows) as caught:
        read_source(written(tmp_path, rows))
    assert says in caught.value.message


@pytest.mark.parametrize(
    "row",
    [
        {"instruction": "Sum up", "input": "a text", "output": "a sum"},
        {"prompt": "Sum up", "completion": "a sum"},
        {"question": "What is 1+1?", "answer": "2"},
    ],
)
def test_rows_without_tools_are_refused_with_what_is_read(row: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 1, field tools: is missing.*without tools, and the lab") as caught:
        read_source(written(tmp_path, [row] * 20))
    assert "xLAM" in caught.value.hint
    assert "conversations" in caught.value.hint


def test_glaives_text_gives_every_turn(tmp_path: Path) -> None:
    def row(at: int) -> dict[str, Any]:
        first = glaive(at)
        more = f"USER: And {at} pizzas?\n\n\nASSISTANT: I cannot order pizza. <|endoftext|>\n\n\n"
        return {**first, "chat": first["chat"] + more}

    source = read_source(written(tmp_path, [row(at) for at in range(12)]))
    assert len(source.examples) == 24
    call, reply = source.examples[0], source.examples[1]
    assert call.gold.calls == gold(0)
    assert call.prompt.messages[0]["content"].startswith("You are a helpful assistant with access to")
    assert "{" not in call.prompt.messages[0]["content"]
    assert [m["role"] for m in reply.prompt.messages] == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert reply.prompt.messages[4]["content"] == "It is done."
    assert reply.answer["content"] == "I cannot order pizza."


def test_glaives_broken_text_is_refused(tmp_path: Path) -> None:
    rows = [glaive(at) for at in range(12)]
    rows[3]["chat"] = rows[3]["chat"].replace("'}", "}").replace("'{", "'", 1)
    rows[5]["system"] = rows[5]["system"].replace('"parameters": {', '"parameters": ')
    with pytest.raises(BadRows) as caught:
        read_source(written(tmp_path, rows))
    found = {problem.row: str(problem) for problem in caught.value.problems}
    assert "looks like a call that cannot be read" in found[4]
    assert "field system: describes tools that cannot be read" in found[6]


def test_tools_under_a_name_that_is_not_read_are_refused(tmp_path: Path) -> None:
    rows = [{"messages": [{"role": "user", "content": asked(at)}, {"role": "assistant", "content": "No."}],
             "tool_definitions": tools(at)} for at in range(12)]  # fmt: skip
    with pytest.raises(BadRows, match="row 1, field tool_definitions: may hold tools"):
        read_source(written(tmp_path, rows))


def test_the_leaderboards_alternatives_stay_with_the_leaderboards_grader(tmp_path: Path) -> None:
    path = write_bfcl(tmp_path / "mine.json")
    own, strict = read_source(path), read_source(path, grader="strict")
    accepted = own.examples[3].gold.calls[0]["arguments"]
    assert (own.grader, accepted["days"], accepted["unit"][0]) == ("bfcl", [3, 3.5], "")
    assert strict.grader == "strict"
    for example in strict.examples:
        taught = example.answer["tool_calls"][0]["function"]["arguments"]
        assert example.gold.calls[0]["arguments"] == {name: [value] for name, value in taught.items()}
        assert example.gold.grader == "strict"


def test_a_users_lists_and_empty_texts_are_one_value_each(tmp_path: Path) -> None:
    given = {"city": "", "tags": ["red", "blue"], "where": {"near": ["a", "b"]}}
    tool = {"name": "go", "parameters": {"type": "object", "properties": {key: {} for key in given}, "required": []}}
    rows = [{"query": f"Go there, case {at}", "tools": [tool], "answers": [{"name": "go", "arguments": given}]}
            for at in range(12)]  # fmt: skip
    source = read_source(written(tmp_path, rows))
    assert source.examples[0].gold.grader == "strict"
    assert source.examples[0].gold.calls == ({"name": "go", "arguments": {k: [v] for k, v in given.items()}},)


def test_leaderboard_rows_whose_answer_is_broken_can_be_left_out(tmp_path: Path) -> None:
    pairs = [bfcl_row(at) for at in range(20)]
    pairs[4][1]["ground_truth"] = [{"fly": {}}]
    write_lines(tmp_path / "possible_answer" / "mine.json", [answer for _, answer in pairs])
    path = write_lines(tmp_path / "mine.json", [question for question, _ in pairs])
    with pytest.raises(BadRows, match=r"^mine.json, row 5, field ground_truth\[0\].name"):
        read_source(path)
    source = read_source(path, skip_bad_rows=True)
    assert (len(source.examples), source.left_out_count) == (19, 1)
