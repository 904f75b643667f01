"""What decides whether an answer in words calls: marks that only calls have, and the tools on offer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.data.formats import read_source
from engine.data.problems import BadRows
from tests.support.dataforms import call, chat, names, pythonic, structured
from tests.support.userfiles import write_lines


def with_words(folder: Path, text: str, at: int = 4) -> Path:
    """A file of calls, with this text as the answer of one row, its fifth."""
    rows = [structured(n) for n in range(14)]
    rows[at] = chat(at, content=text)
    return write_lines(folder / "mine.jsonl", rows)


WORDS = {
    "plain": "I have no tool for that.",
    "json to the user": 'Here it is:\n```json\n{"name": "Ada", "year": 1815}\n```',
    "json alone": '{"root": {"data": {"item": 1}}}',
    "code of another function": 'Use this:\n```python\ndef rank(a):\n    return sorted(a)\nprint(rank(["a"]))\n```',
    "json that answers": '{"answer": "I cannot help with that."}',
    "a tool named in a sentence": f"I could use {names(4)[0]}, but which city do you mean?",
    "a list": "[1] is a reference, and [2] another.",
    "brackets": "Use {curly} and [square] brackets (both).",
    "a thought": "<think>No tool does this.</think>I cannot do that.",
    "a thought that quotes a call": "<think>Not <tool_call>{}</tool_call> here.</think>I cannot do that.",
}
UNREADABLE = {
    "cut": '<tool_call>\n{"name": "find_train", "arguments": {"city": "Ghent"',
    "no json between the tags": "<tool_call>find the train</tool_call>",
    "marker of a language that is not read": '<|my_tool_calls|>{"name": "find_train"}',
    "bare list cut": pythonic(4)[:-3],
    "json with a name that is no tool's": '{"name": "Ada", "year": 1815}',
    "json cut": '{"answer": "I cannot',
    "action": f'Thought: I need it.\nAction: {names(4)[0]}\nAction Input: {{"city": "Ghent"}}',
    "code that calls a tool on offer": f'```python\nresult = {names(4)[0]}("Ghent")\n```',
    "object of another shape": f'{{"action": "{names(4)[0]}", "action_input": {{"city": "Ghent"}}}}',
    "tag of the tool's name": f"<{names(4)[0]}><city>Ghent</city></{names(4)[0]}>",
    "json text of json text": json.dumps(json.dumps({"action": names(4)[0], "city": "Ghent"})),
    "name before an object": f'{names(4)[0]} {{"city": "Ghent"}}',
}
NOT_OFFERED = {
    "tags": '<tool_call>{"name": "fly", "arguments": {}}</tool_call>',
    "nothing but a call": '{"name": "fly", "arguments": {"city": "Ghent"}}',
    "nothing but a list of calls": "[fly(city='Ghent')]",
    "functioncall": '<functioncall> {"name": "fly", "arguments": \'{"city": "Ghent"}\'} <|endoftext|>',
}


@pytest.mark.parametrize("text", WORDS.values(), ids=WORDS.keys())
def test_words_that_call_nothing_on_offer_are_words(text: str, tmp_path: Path) -> None:
    source = read_source(with_words(tmp_path, text))
    (found,) = [e for e in source.examples if e.row == 5]
    assert found.gold.calls == ()
    assert found.answer == {"role": "assistant", "content": text.rpartition("</think>")[2]}
    assert sum(bool(e.gold.calls) for e in source.examples) == 13


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_looks_like_a_call_and_cannot_be_read_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadRows) as caught:
        read_source(with_words(tmp_path, text))
    (problem,) = caught.value.problems
    assert (problem.row, problem.field) == (5, "messages[1].content")
    assert problem.text == "holds what looks like a call that cannot be read"


@pytest.mark.parametrize("text", NOT_OFFERED.values(), ids=NOT_OFFERED.keys())
def test_a_call_of_a_tool_that_is_not_on_offer_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadRows, match=r"row 5, field messages\[1\].content.name: 'fly' is not among the row's tools"):
        read_source(with_words(tmp_path, text))


def test_a_call_in_a_row_without_tools_is_refused(tmp_path: Path) -> None:
    rows = [structured(at) for at in range(14)]
    del rows[7]["tools"]
    rows[7]["messages"][1] = {"role": "assistant", "content": json.dumps(call(7))}
    with pytest.raises(BadRows, match=r"row 8, field .*is not among the row's tools \(none\)"):
        read_source(write_lines(tmp_path / "mine.jsonl", rows))


def test_a_tools_result_after_words_shows_that_a_call_was_not_read(tmp_path: Path) -> None:
    rows = [structured(at) for at in range(14)]
    rows[2]["messages"][1] = {"role": "assistant", "content": "I look it up."}
    rows[2]["messages"] += [{"role": "tool", "content": "found"}, {"role": "assistant", "content": "Here."}]
    with pytest.raises(BadRows, match=r"row 3, field messages\[1\]: a tool's result follows, but no call can be read"):
        read_source(write_lines(tmp_path / "mine.jsonl", rows))


def test_words_that_differ_from_the_list_of_calls_are_refused(tmp_path: Path) -> None:
    rows = [structured(at) for at in range(14)]
    rows[2]["messages"][1]["content"] = json.dumps(call(2))
    assert len(read_source(write_lines(tmp_path / "mine.jsonl", rows)).examples) == 14
    rows[2]["messages"][1]["content"] = json.dumps({**call(2), "arguments": {"city": "Elsewhere"}})
    with pytest.raises(BadRows, match=r"row 3, field .*other calls than"):
        read_source(write_lines(tmp_path / "mine.jsonl", rows))
