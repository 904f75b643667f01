"""Every form and spelling gives the same requests and calls: exact gold, exact words, all counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.data.formats import Source, read_source
from engine.spec.example import Example
from tests.support.dataforms import CALLS, FORMS, OFFERS, SPOKEN, Make, asked, chat, gold, names, structured, with_tools
from tests.support.userfiles import write_lines

COUNT = 24


def source_of(folder: Path, make: Make, count: int = COUNT) -> Source:
    return read_source(write_lines(folder / "mine.jsonl", [make(at) for at in range(count)]))


def note(source: Source, words: str) -> str:
    """The one note that holds these words."""
    (found,) = [text for text in source.notes if words in text]
    return found


def check(source: Source) -> None:
    assert len(source.examples) == source.rows == COUNT
    for at, example in enumerate(source.examples):
        assert example.gold.calls == gold(at)
        assert example.row == at + 1
        said = [m["content"] for m in example.prompt.messages if m["role"] == "user"]
        assert said[-1].strip() == asked(at)
        offered = [t["function"]["name"] for t in example.prompt.tools]
        assert offered == list(names(at))
        for tool in example.prompt.tools:
            assert list(tool["function"]["parameters"]["properties"]) == ["city", "nights"]
        (made,) = example.answer["tool_calls"]
        assert made["function"] == {
            "name": names(at)[0],
            "arguments": {k: v[0] for k, v in gold(at)[0]["arguments"].items()},
        }


@pytest.mark.parametrize("name", FORMS)
def test_every_form(name: str, tmp_path: Path) -> None:
    make, form = FORMS[name]
    source = source_of(tmp_path, make)
    check(source)
    assert source.form == form
    assert source.grader == ("bfcl" if name.startswith("bfcl") else "strict")
    assert {e.gold.grader for e in source.examples} == {source.grader}


@pytest.mark.parametrize("name", OFFERS)
def test_tools_in_every_spelling(name: str, tmp_path: Path) -> None:
    check(source_of(tmp_path, with_tools(structured, OFFERS[name])))


@pytest.mark.parametrize("name", CALLS)
def test_calls_in_every_spelling(name: str, tmp_path: Path) -> None:
    check(source_of(tmp_path, lambda at: chat(at, content=None, tool_calls=CALLS[name](at))))


@pytest.mark.parametrize("name", SPOKEN)
def test_calls_written_as_words_are_calls(name: str, tmp_path: Path) -> None:
    source = source_of(tmp_path, lambda at: chat(at, content=SPOKEN[name](at)))
    check(source)
    words = {e.answer["content"] for e in source.examples}
    assert words == ({"Let me see."} if name == "hermes after words" else {""})
    if name == "hermes after thoughts":
        assert note(source, "thoughts").endswith(": 24.")


@pytest.mark.parametrize("name", ["sharegpt words first", "sharegpt field", "anthropic parts", "bedrock"])
def test_words_beside_a_call_are_kept(name: str, tmp_path: Path) -> None:
    source = source_of(tmp_path, FORMS[name][0])
    assert {e.answer["content"] for e in source.examples} == {"One moment."}
    assert note(source, "beside their calls").endswith(": 24.")


@pytest.mark.parametrize("name", ["sharegpt thoughts", "parts"])
def test_thoughts_are_left_out_and_counted(name: str, tmp_path: Path) -> None:
    source = source_of(tmp_path, FORMS[name][0])
    assert {e.answer["content"] for e in source.examples} == {""}
    assert note(source, "thoughts").endswith(": 24.")


def test_nulls_of_padding_are_left_out_and_said_once(tmp_path: Path) -> None:
    source = source_of(tmp_path, FORMS["padded"][0])
    check(source)
    assert note(source, "Nulls left out of calls").endswith(": 48.")
    assert note(source, "tools hold nulls").endswith(": 24.")


@pytest.mark.parametrize(
    ("name", "left"), [("tools in system", "You can call:"), ("hermes system", "Here are . Use them.")]
)
def test_tools_in_the_system_message_are_taken_out_of_it(name: str, left: str, tmp_path: Path) -> None:
    source = source_of(tmp_path, FORMS[name][0])
    assert {e.prompt.messages[0]["content"] for e in source.examples} == {left}
    assert note(source, "in the system message").endswith(": 24.")


def test_parallel_calls_and_calls_one_after_another_are_one_answer(tmp_path: Path) -> None:
    def row(at: int, turns: list[tuple[str, str]]) -> dict[str, Any]:
        said = [{"from": "human", "value": asked(at)}, *[{"from": who, "value": text} for who, text in turns]]
        return {"conversations": said, "tools": OFFERS["json text"](at)}

    two = [
        lambda at: [
            {"name": name, "arguments": {"city": city}} for name, city in zip(names(at), ("Ulm", "Jena"), strict=True)
        ]
    ][0]
    ways = (
        lambda at: [("function_call", json.dumps(two(at)))],
        lambda at: [("function_call", json.dumps(one)) for one in two(at)],
        lambda at: [("function_call", "\n".join(json.dumps(one) for one in two(at)))],
        lambda at: [("gpt", "".join(f"<tool_call>{json.dumps(one)}</tool_call>" for one in two(at)))],
    )
    for way in ways:
        source = source_of(tmp_path, lambda at, way=way: row(at, way(at)))
        assert len(source.examples) == COUNT
        for at, example in enumerate(source.examples):
            assert example.gold.calls == tuple(
                {"name": c["name"], "arguments": {"city": [c["arguments"]["city"]]}} for c in two(at)
            )


def test_results_in_a_users_message_become_the_tools(tmp_path: Path) -> None:
    def make(at: int) -> dict[str, Any]:
        first = FORMS["anthropic parts"][0](at)
        result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "sunny"}]}
        more = [{"role": "user", "content": [result]}, {"role": "assistant", "content": "It is sunny."}]
        again = [{"role": "user", "content": f"And case {at}?"}, {"role": "assistant", "content": "I cannot tell."}]
        return {**first, "messages": [*first["messages"], *more, *again]}

    source = source_of(tmp_path, make)
    assert len(source.examples) == 2 * COUNT
    later: Example = source.examples[1]
    roles = [(m["role"], m["content"]) for m in later.prompt.messages]
    assert roles[1:] == [
        ("assistant", "One moment."),
        ("tool", "sunny"),
        ("assistant", "It is sunny."),
        ("user", "And case 0?"),
    ]
    assert later.gold.calls == ()


@pytest.mark.parametrize("after", [[{"role": "tool", "content": "ok"}], [{"role": "user", "content": "And then?"}]])
def test_a_conversation_that_ends_without_an_answer_ends_at_its_last_one(after: list[Any], tmp_path: Path) -> None:
    def make(at: int) -> dict[str, Any]:
        row = structured(at)
        return {**row, "messages": [*row["messages"], *after]} if at % 12 == 5 else row

    source = source_of(tmp_path, make)
    check(source)
    assert note(source, "end without an answer").endswith(": 2.")


def test_ids_of_any_kind(tmp_path: Path) -> None:
    given = [3.0, 4, "five", None, "five", 3, [1], True, "", 2.5]
    rows = [{**structured(at), "id": given[at]} for at in range(10)] + [structured(at) for at in range(10, 14)]
    source = read_source(write_lines(tmp_path / "mine.jsonl", rows))
    found = [e.id.rpartition("#")[0] for e in source.examples]
    assert found[:5] == ["3", "4", "five", "row 4", "five (row 5)"]
    assert found[5:] == ["3 (row 6)", "row 7", "row 8", "row 9", "2.5", "row 11", "row 12", "row 13", "row 14"]
    assert note(source, "id of another row").endswith(": 2.")
    assert note(source, "neither text nor a number").endswith(": 2.")
