"""Nothing that is done to answers on the way to training and measuring goes uncounted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.run import sources
from engine.spec.errors import DataError
from engine.spec.understanding import Understanding
from jobs.studies import load
from tests.support import everyform


def read(path: Path, rows: list[dict[str, Any]]) -> Understanding:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = sources.prepare(load("function-calling"), path).understanding
    assert found is not None
    return found


def rows(count: int = 60) -> list[dict[str, Any]]:
    return [everyform.openai(at) for at in range(count)]


def test_every_answer_is_trained_on_measured_or_counted(tmp_path: Path) -> None:
    found = read(tmp_path / "a.jsonl", rows() + rows())
    used = found.train + sum(found.items.values())
    assert used < found.examples == 120
    assert any(f"neither trained on nor measured: {120 - used}." in note for note in found.notes)


def test_two_right_answers_to_one_request_are_said(tmp_path: Path) -> None:
    plain = rows()
    assert not any("different right answers" in note for note in read(tmp_path / "a.jsonl", plain).notes)
    other = json.loads(json.dumps(plain[0]))
    other["messages"][1]["tool_calls"][0]["function"]["arguments"] = json.dumps({"city": "Elsewhere"})
    assert any("different rows: 1." in note for note in read(tmp_path / "b.jsonl", [*plain, other]).notes)


def test_values_that_the_schema_does_not_allow_are_counted_and_kept(tmp_path: Path) -> None:
    plain = rows()
    assert not any("do not allow, taken" in note for note in read(tmp_path / "a.jsonl", plain).notes)
    plain[0]["messages"][1]["tool_calls"][0]["function"]["arguments"] = json.dumps({"city": 5})
    assert any("taken as they stand: 1." in note for note in read(tmp_path / "b.jsonl", plain).notes)


def test_what_the_file_itself_leaves_out_is_counted(tmp_path: Path) -> None:
    plain = rows()
    plain[0]["messages"][1]["weight"] = 0
    assert any("(weight 0): 1." in note for note in read(tmp_path / "a.jsonl", plain).notes)
    for row in plain:
        row["messages"][1]["weight"] = 0
    with pytest.raises(DataError, match="none of its answers") as caught:
        read(tmp_path / "b.jsonl", plain)
    assert "Add more rows" not in str(caught.value)


def test_tools_that_cannot_be_read_are_named_as_the_reason(tmp_path: Path) -> None:
    said = [
        {"messages": [{"role": "system", "content": "Tools: def weather(city: str)"},
                      {"role": "user", "content": f"{at}?"}, {"role": "assistant", "content": "It is warm."}]}
        for at in range(20)
    ]  # fmt: skip
    with pytest.raises(DataError, match=r"while tools are on offer\. Tools are read from"):
        read(tmp_path / "a.jsonl", said)
