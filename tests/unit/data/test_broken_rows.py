"""Every kind of broken file: one DataError that names file, row and field, and says what is safe."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from engine.data.formats import read
from engine.data.problems import MOST_SHOWN, BadRows
from engine.spec.errors import DataError
from tests.support.userfiles import BROKEN, Broken, chat_row, write_lines


@pytest.mark.parametrize("kind", BROKEN.values(), ids=BROKEN.keys())
def test_says_file_row_and_field(kind: Broken, tmp_path: Path) -> None:
    path = kind.make(tmp_path)
    with pytest.raises(DataError) as caught:
        read(path)
    error = caught.value
    assert "mine.json" in error.message
    assert kind.says in error.message
    if kind.row:
        assert re.search(rf"\b(row|line) {kind.row}\b", error.message)
    if kind.field:
        assert f"field {kind.field}" in error.message
    assert "Nothing was queued" in error.hint
    assert len(error.message) < 1000
    assert error.message.replace("\n", " ").isprintable()


def test_there_are_many_kinds() -> None:
    assert len(BROKEN) >= 20


def test_several_problems_come_in_one_error(tmp_path: Path) -> None:
    rows = [chat_row(at) for at in range(20)]
    rows[1]["messages"][0]["role"] = "boss"
    del rows[6]["messages"][0]["role"]
    rows[8]["tools"] = 3
    with pytest.raises(BadRows) as caught:
        read(write_lines(tmp_path / "mine.jsonl", rows))
    found = [(p.row, p.field) for p in caught.value.problems]
    assert found == [(2, "messages[0].role"), (7, "messages[0].role"), (9, "tools")]
    assert "3 problems" in caught.value.message


def test_all_problems_are_counted_and_the_first_fifty_listed(tmp_path: Path) -> None:
    with pytest.raises(BadRows) as caught:
        read(write_lines(tmp_path / "mine.jsonl", [{"messages": []}] * 5000))
    error = caught.value
    assert (len(error.problems), error.count) == (MOST_SHOWN, 5000)
    assert "has 5,000 problems" in error.message
    assert error.message.endswith("- and 4,950 more")
    assert "--skip-bad-rows; in the window: “Leave out rows that cannot be used”" in error.hint


def test_what_is_wrong_with_a_row_is_said_of_that_row(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text("{broken\n{broken\n{broken\n" + '{"a": 1}\n' * 20)
    with pytest.raises(DataError, match=r"row 4, field messages: is missing.*the row has 'a'"):
        read(path)


def test_reading_stops_at_very_many_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.problems.MOST_PROBLEMS", 60)
    with pytest.raises(BadRows, match="at least 60 problems"):
        read(write_lines(tmp_path / "mine.jsonl", [{"messages": []}] * 5000))


def test_untrusted_words_are_shown_short_and_printable(tmp_path: Path) -> None:
    rows = [chat_row(at) for at in range(20)]
    rows[2]["messages"][0]["role"] = "\x1b[31mred\x07" + "x" * 5000
    with pytest.raises(DataError) as caught:
        read(write_lines(tmp_path / "mine.jsonl", rows))
    assert "\x1b" not in str(caught.value)
    assert len(caught.value.message) < 400


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_does_not_keep_the_lab_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mine.jsonl")
    with pytest.raises(DataError, match="not an ordinary file"):
        read(tmp_path / "mine.jsonl")


def test_too_large_and_too_many_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_lines(tmp_path / "mine.jsonl", [chat_row(at) for at in range(20)])
    monkeypatch.setattr("engine.data.files.lines.MOST_LINES", 15)
    with pytest.raises(DataError, match="too many lines"):
        read(path)
    monkeypatch.setattr("engine.data.files.opening.MOST_BYTES", 1000)
    with pytest.raises(DataError, match="too large"):
        read(path)


def test_the_answers_file_is_named_when_it_is_the_broken_one(tmp_path: Path) -> None:
    path = BROKEN["answer no list"].make(tmp_path)
    (tmp_path / "possible_answer" / path.name).rename(tmp_path / "mine.answers.json")
    with pytest.raises(DataError) as caught:
        read(path)
    assert caught.value.message.startswith("mine.answers.json, row 4")
