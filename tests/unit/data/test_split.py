"""What is held out: whole tools, wordings, requests without a tool; never anything that training shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.data.formats import read
from engine.data.split import MOST_ITEMS, split
from engine.spec.errors import DataError
from engine.spec.example import Example, StudyData
from tests.support.userfiles import NAMES, chat_row, tool, write_bfcl, write_chat, write_lines, write_share


def requests(data: StudyData) -> tuple[set[str], set[str]]:
    sides: tuple[set[str], set[str]] = (set(), set())
    for which, entries in enumerate((data.train, data.items)):
        for entry in entries:
            users = [str(m["content"]).casefold() for m in entry.prompt.messages if m["role"] == "user"]
            sides[which].add(" / ".join(users))
    return sides


def called(entry: Any) -> set[str]:
    return {call["name"] for call in entry.gold.calls}


def offered(entry: Any) -> set[str]:
    return {t["function"]["name"] for t in entry.prompt.tools}


def many_tools(count: int) -> list[dict[str, Any]]:
    """Rows with tools of their own, two rows a tool."""
    rows = []
    for at in range(count):
        row = chat_row(at % 4)
        name = f"use_gadget_{at // 2}"
        row["id"] = f"m{at}"
        row["messages"][0]["content"] = f"Please do thing number {at}"
        row["messages"][1]["tool_calls"][0]["function"]["name"] = name
        row["tools"] = [{"type": "function", "function": tool(name)}]
        rows.append(row)
    return rows


@pytest.fixture(params=["chat", "share", "bfcl", "many"])
def examples(request: pytest.FixtureRequest, tmp_path: Path) -> list[Example]:
    path = tmp_path / "mine.json"
    if request.param == "many":
        return read(write_lines(path, many_tools(80)))
    return read({"chat": write_chat, "share": write_share, "bfcl": write_bfcl}[request.param](path))


def test_nothing_is_on_both_sides(examples: list[Example]) -> None:
    data = split(examples, "mine", "d")
    train, held = requests(data)
    assert train
    assert held
    assert not train & held
    conversations = {e.id.rpartition("#")[0] for e in data.train}
    assert not conversations & {i.id.rpartition("#")[0] for i in data.items}
    assert len({i.id for i in data.items}) == len(data.items)


def test_held_out_tools_are_not_even_offered_in_training(tmp_path: Path) -> None:
    data = split(read(write_lines(tmp_path / "mine.jsonl", many_tools(80))), "mine", "d")
    held = [i for i in data.items if i.split == "tools"]
    assert len(held) >= 8
    seen = set().union(*(offered(e) | called(e) for e in data.train))
    assert not seen & set().union(*(called(i) for i in held))
    wording = [i for i in data.items if i.split == "wording"]
    assert len(wording) >= 8
    assert all(called(i) <= set().union(*(called(e) for e in data.train)) for i in wording)


def test_tools_shared_by_all_rows_leave_only_wordings(tmp_path: Path) -> None:
    rows = [chat_row(at) for at in range(40)]
    for row in rows:
        row["tools"] = [{"type": "function", "function": tool(name)} for name in NAMES]
    data = split(read(write_lines(tmp_path / "mine.jsonl", rows)), "mine", "d")
    assert {i.split for i in data.items} == {"wording", "no_tool"}
    assert all(not i.gold.calls for i in data.items if i.split == "no_tool")


def test_the_split_depends_on_content_alone(examples: list[Example]) -> None:
    one, two = split(examples, "mine", "d"), split(list(reversed(examples)), "mine", "d")
    assert {e.id for e in one.train} == {e.id for e in two.train}
    assert {(i.id, i.split) for i in one.items} == {(i.id, i.split) for i in two.items}
    assert one == split(examples, "mine", "d")
    assert one.digest == "d"
    assert one.texts == ()


def test_small_files(tmp_path: Path) -> None:
    data = split(read(write_chat(tmp_path / "mine.jsonl", 12)), "mine", "d")
    assert len(data.train) >= 5
    assert len([i for i in data.items if i.split == "wording"]) >= 2


def test_equal_requests_cannot_be_split(tmp_path: Path) -> None:
    rows = [{**chat_row(0), "id": f"s{at}"} for at in range(30)]
    with pytest.raises(DataError, match="too small"):
        split(read(write_lines(tmp_path / "mine.jsonl", rows)), "mine", "d")


def test_large_files_hold_out_a_bounded_number(tmp_path: Path) -> None:
    data = split(read(write_lines(tmp_path / "mine.jsonl", many_tools(6000))), "mine", "d")
    counts = {name: sum(i.split == name for i in data.items) for name in ("wording", "tools")}
    assert counts == {"wording": MOST_ITEMS, "tools": MOST_ITEMS}
    assert len(data.train) == 6000 - 2 * MOST_ITEMS
