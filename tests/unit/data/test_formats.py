"""Whole files of the three forms: what becomes an example, with which prompt, answer and accepted values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.data.conversation import MOST_EXAMPLES
from engine.data.formats import read, read_source
from engine.data.split import split
from engine.spec.errors import DataError
from engine.subject.grading import grade
from engine.subject.rendering import calls_text
from tests.support.userfiles import (
    bfcl_row,
    chat_row,
    share_row,
    tool,
    write_bfcl,
    write_chat,
    write_lines,
    write_share,
)

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
REAL = (
    ("toolcalls/glaive_toolcall_en_demo.json", 300),
    ("bfcl/BFCL_v4_simple_python.json", 400),
    ("bfcl/BFCL_v4_multiple.json", 200),
    ("bfcl/BFCL_v4_irrelevance.json", 200),
)


def answered(answer: dict[str, Any]) -> str:
    return answer["content"] + calls_text(answer.get("tool_calls", []))


def test_chat_rows(tmp_path: Path) -> None:
    found = read(write_chat(tmp_path / "mine.jsonl"))
    assert len(found) == 40
    first, reply = found[0], found[4]
    assert first.id == "r0#2"
    assert first.gold.calls == ({"name": "get_weather", "arguments": {"city": ["Paris"], "days": [0]}},)
    assert first.answer["tool_calls"][0]["function"]["arguments"] == {"city": "Paris", "days": 0}
    assert first.prompt.messages == ({"role": "user", "content": "Please get weather number 0 in Paris now"},)
    assert [t["function"]["name"] for t in first.prompt.tools] == ["get_weather", "send_letter"]
    assert first.side == "congruent"
    assert reply.gold.kind == "call"
    assert reply.gold.calls == ()
    assert reply.answer == {"role": "assistant", "content": "I have no tool for it."}


def test_arguments_may_be_objects_and_tools_bare_or_text(tmp_path: Path) -> None:
    plain = [chat_row(at) for at in range(20)]
    other = json.loads(json.dumps(plain))
    for row in other:
        bare = [entry["function"] for entry in row["tools"]]
        row["tools"] = json.dumps(bare)
        for call in row["messages"][1].get("tool_calls", []):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    one = read(write_lines(tmp_path / "one.jsonl", plain))
    assert read(write_lines(tmp_path / "two.jsonl", other)) == one
    (tmp_path / "three.json").write_text(json.dumps(plain, indent=2), encoding="utf-8")
    assert read(tmp_path / "three.json") == one


def test_byte_order_mark_blank_lines_and_windows_line_ends(tmp_path: Path) -> None:
    plain = write_chat(tmp_path / "plain.jsonl")
    text = plain.read_text(encoding="utf-8")
    marked = tmp_path / "marked.jsonl"
    marked.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n\r\n").encode())
    assert [e.prompt for e in read(marked)] == [e.prompt for e in read(plain)]


def test_older_functions_and_content_parts(tmp_path: Path) -> None:
    call = {"name": "get_weather", "arguments": '{"city": "Oslo"}'}
    rows = [
        {
            "functions": [tool("get_weather")],
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "In "}, {"type": "text", "text": f"Oslo {at}?"}]},
                {"role": "assistant", "content": None, "function_call": call},
            ],
        }
        for at in range(12)
    ]
    found = read(write_lines(tmp_path / "mine.jsonl", rows))
    assert found[0].prompt.messages[0] == {"role": "system", "content": "Be brief."}
    assert found[0].prompt.messages[1]["content"] == "In Oslo 0?"
    assert found[0].instruction == 1
    assert found[0].gold.calls[0]["name"] == "get_weather"


def test_conversations_give_an_example_for_every_call(tmp_path: Path) -> None:
    found = read(write_share(tmp_path / "mine.json", 10))
    assert [e.id for e in found[:2]] == ["row 1#2", "row 1#6"]
    later = found[1]
    assert [m["role"] for m in later.prompt.messages] == ["user", "assistant", "tool", "assistant", "user"]
    assert later.prompt.messages[1]["tool_calls"][0]["function"]["name"] == "get_weather"
    assert later.instruction == 4
    assert len(found) == 20  # the reply to the tool's result is none


def test_replies_without_tools_on_offer_are_left_out(tmp_path: Path) -> None:
    chat = {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}], "tools": "[]"}
    rows = [share_row(at) for at in range(10)] + [chat] * 5
    assert len(read(write_lines(tmp_path / "mine.jsonl", rows))) == 20
    with pytest.raises(DataError, match="0 usable"):
        read(write_lines(tmp_path / "chat.jsonl", [chat] * 20))


def test_long_conversations_are_capped_and_tagged_calls_are_read(tmp_path: Path) -> None:
    row = share_row(0)
    call = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Rome"}}\n</tool_call>'
    row["conversations"] = [{"from": "human", "value": "Go on, please"}, {"from": "gpt", "value": call}] * 15
    rows = [row, *[share_row(at) for at in range(5)]]
    found = [e for e in read(write_lines(tmp_path / "mine.jsonl", rows)) if e.id.startswith("row 1#")]
    assert len(found) == MOST_EXAMPLES
    assert found[0].gold.calls == ({"name": "get_weather", "arguments": {"city": ["Rome"]}},)


def test_bfcl_types_and_accepted_values(tmp_path: Path) -> None:
    found = read(write_bfcl(tmp_path / "mine.json"))
    assert len(found) == 24
    example = found[3]
    parameters = example.prompt.tools[0]["function"]["parameters"]
    assert parameters["type"] == "object"
    assert parameters["properties"]["days"] == {"type": "number"}
    assert parameters["properties"]["unit"]["type"] == "object"
    assert example.gold.calls[0]["arguments"] == {
        "city": ["Lima", "LIMA"], "days": [3, 3.5], "unit": ["", {"kind": ["C", "F"]}],
    }  # fmt: skip
    assert example.answer["tool_calls"][0]["function"]["arguments"] == {"city": "Lima", "days": 3}
    assert example.gold.grader == "bfcl"
    assert example.gold.shown() == f'{example.gold.calls[0]["name"]}(city="Lima", days=3)'


@pytest.mark.parametrize("name", ["mine.answers.json", "mine.answers.jsonl"])
def test_bfcl_answers_beside_the_file(tmp_path: Path, name: str) -> None:
    path = write_bfcl(tmp_path / "mine.json")
    expected = read_source(path)
    (tmp_path / "possible_answer" / "mine.json").rename(tmp_path / name)
    assert read_source(path) == expected
    text = (tmp_path / name).read_text(encoding="utf-8")
    (tmp_path / name).write_text(text.replace("Lima", "Lyma"), encoding="utf-8")
    assert read_source(path).digest != expected.digest


def test_bfcl_parallel_calls_and_answers_in_the_row(tmp_path: Path) -> None:
    rows = []
    for at in range(12):
        question, answer = bfcl_row(at)
        rows.append({**question, "ground_truth": answer["ground_truth"] * 2})
    found = read(write_lines(tmp_path / "mine.json", rows))
    assert len(found[0].gold.calls) == 2
    assert len(found[0].answer["tool_calls"]) == 2
    assert all(grade(answered(e.answer), e.gold, e.prompt.tools).correct for e in found)


def test_irrelevance_files_need_no_answers(tmp_path: Path) -> None:
    rows = [{**bfcl_row(at)[0], "id": f"irrelevance_{at}"} for at in range(12)]
    found = read(write_lines(tmp_path / "mine.json", rows))
    assert all(e.gold.kind == "call" and not e.gold.calls and e.family == "no tool" for e in found)


@pytest.mark.parametrize("write", [write_chat, write_share, write_bfcl])
def test_every_answer_is_right_by_its_own_gold(tmp_path: Path, write: Any) -> None:
    for example in read(write(tmp_path / "mine.json")):
        assert grade(answered(example.answer), example.gold, example.prompt.tools).correct, example.id


@pytest.mark.parametrize(("name", "fewest"), REAL, ids=[name for name, _ in REAL])
def test_real_files(name: str, fewest: int) -> None:
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not beside this checkout (../shared/data)")
    source = read_source(DATA / name)
    assert len(source.examples) >= fewest
    assert len({e.id for e in source.examples}) == len(source.examples)
    for example in source.examples:
        assert grade(answered(example.answer), example.gold, example.prompt.tools).correct, example.id
    data = split(source.examples, name, source.digest)
    assert len(data.train) > len(data.items) > 30


def test_real_preference_pairs_are_refused() -> None:
    path = DATA / "toolcalls" / "dpo_pairs_100.json"
    if not path.exists():
        pytest.skip("dpo_pairs_100.json is not beside this checkout (../shared/data)")
    with pytest.raises(DataError, match="preference pairs"):
        read(path)
