"""Rows that cannot be used: left out when that is asked for, counted, listed; never more than can be seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.data import kept
from engine.data.formats import read_source
from engine.data.problems import MOST_SHOWN, BadRows
from engine.run import sources
from engine.spec.errors import DataError
from engine.spec.reference import DataRef
from engine.spec.study import StudySpec
from jobs.studies import load as study_of
from tests.support.dataforms import chat, structured
from tests.support.userfiles import write_lines

BAD = chat(0, content='<tool_call>{"name": "tell_weather", "arguments": {"city": </tool_call>')


@pytest.fixture
def study() -> StudySpec:
    return study_of("function-calling")


def mixed(folder: Path, count: int, bad: set[int]) -> Path:
    rows: list[Any] = [BAD if at + 1 in bad else structured(at) for at in range(count)]
    return write_lines(folder / "mine.jsonl", rows)


def test_one_bad_row_in_three_hundred(tmp_path: Path, study: StudySpec) -> None:
    path = mixed(tmp_path, 300, {77})
    with pytest.raises(BadRows, match=r"row 77, field messages\[1\].content") as caught:
        sources.prepare(study, path)
    assert "--skip-bad-rows" in caught.value.hint
    prepared = sources.prepare(study, path, skip_bad_rows=True)
    understanding = prepared.understanding
    assert understanding is not None
    assert (understanding.rows, understanding.examples, understanding.left_out_count) == (300, 299, 1)
    assert understanding.left_out == (
        "row 77, field messages[1].content: holds what looks like a call that cannot be read",
    )
    assert prepared.ref.skip_bad_rows
    assert sources.load(prepared.ref) == prepared.data
    assert 77 not in {e.row for e in prepared.examples}


def test_lines_that_are_no_json_or_no_utf_8_are_rows_too(tmp_path: Path) -> None:
    path = mixed(tmp_path, 30, set())
    lines = path.read_bytes().splitlines()
    lines[3], lines[9], lines[12] = lines[3][:40], lines[9].replace(b"case", b"c\xe5se"), b"[1, 2]"
    path.write_bytes(b"\n".join(lines))
    source = read_source(path, skip_bad_rows=True)
    assert source.left_out_count == 3
    assert [p.row for p in source.left_out] == [4, 10, 13]
    assert [p.text.split()[1] for p in source.left_out] == ["not", "not", "be"]


def test_the_first_fifty_are_listed_and_all_are_counted(tmp_path: Path) -> None:
    bad = set(range(1, 121))
    source = read_source(mixed(tmp_path, 150, bad), skip_bad_rows=True)
    assert (len(source.left_out), source.left_out_count, len(source.examples)) == (MOST_SHOWN, 120, 30)
    assert "More than half of the rows that were read cannot be used and were left out: 120." in source.notes


def test_too_few_that_are_left_refuse_the_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds 6 usable examples, fewer than 10; 24 rows were left out") as caught:
        read_source(mixed(tmp_path, 30, set(range(7, 31))), skip_bad_rows=True)
    assert "The first row left out: row 7, field messages[1].content" in caught.value.hint
    with pytest.raises(DataError, match="are preference pairs"):
        read_source(write_lines(tmp_path / "pairs.jsonl", [{"chosen": 1, "rejected": 2}] * 30), skip_bad_rows=True)


def test_notes_of_rows_that_are_left_out_do_not_count(tmp_path: Path) -> None:
    rows = [structured(at) for at in range(20)]
    for at in (3, 4):
        rows[at]["messages"][1]["reasoning_content"] = "hm"
    rows[4]["messages"].append({"role": "boss", "content": "x"})
    source = read_source(write_lines(tmp_path / "mine.jsonl", rows), skip_bad_rows=True)
    assert next(note for note in source.notes if "thoughts" in note).endswith(": 1.")


def test_rows_that_the_template_refuses_are_left_out_by_number(tmp_path: Path, study: StudySpec) -> None:
    prepared = sources.prepare(study, mixed(tmp_path, 60, set()))
    fewer = sources.leave_out(prepared, [5, 9])
    assert fewer.ref.without == (5, 9)
    assert {e.row for e in prepared.examples} - {e.row for e in fewer.examples} == {5, 9}
    assert sources.load(fewer.ref) == fewer.data
    assert fewer.ref.digest == prepared.ref.digest
    assert sources.leave_out(fewer, [7]).ref.without == (5, 7, 9)
    with pytest.raises(DataError, match="fewer than 10") as caught:
        sources.leave_out(prepared, range(1, 55))
    assert "chat template" in caught.value.hint


def test_what_was_understood_is_counted(tmp_path: Path, study: StudySpec) -> None:
    rows = [structured(at) for at in range(40)]
    rows += [chat(at, content="None of them.") for at in range(40, 50)]
    two = structured(50)
    two["messages"][1]["tool_calls"] *= 2
    prepared = sources.prepare(study, write_lines(tmp_path / "mine.jsonl", [*rows, two]), grader="bfcl")
    found = prepared.understanding
    assert found is not None
    assert (found.file, found.form, found.rows) == ("mine.jsonl", "chat messages (OpenAI)", 51)
    assert (found.examples, found.calls, found.several, found.declined, found.texts) == (51, 41, 1, 10, 0)
    assert (found.tools, found.grader, found.train) == (7, "bfcl", len(prepared.data.train))
    assert sum(found.items.values()) == len(prepared.data.items)
    assert set(found.items) == {"tools", "wording", "no_tool"}
    assert prepared.ref == DataRef(
        source="file", path=str(tmp_path / "mine.jsonl"), digest=prepared.ref.digest, grader="bfcl"
    )
    assert {item.gold.grader for item in sources.load(prepared.ref).items} == {"bfcl"}


def test_a_studys_own_data_are_prepared_without_a_file(study: StudySpec) -> None:
    prepared = sources.prepare(study, None)
    assert prepared.understanding is None
    assert prepared.data == sources.load(prepared.ref)
    assert prepared.ref == sources.resolve(study, None)


def test_no_row_that_was_let_go_takes_the_place_of_one_that_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would have checked it: the rows that are left out were found among those that were kept."""
    monkeypatch.setattr(kept, "MOST_EXAMPLES", 40)
    monkeypatch.setattr(kept, "_SLACK", 4)
    path = mixed(tmp_path, 80, set())
    whole = read_source(path)
    gone = sorted(example.row for example in whole.examples)[:6]
    rest = read_source(path, without=gone)
    assert len(whole.examples) == 40
    assert rest.examples == tuple(example for example in whole.examples if example.row not in gone)
    assert rest.notes == whole.notes


def test_rows_that_are_left_out_are_left_out_whatever_they_hold(tmp_path: Path) -> None:
    rows: list[Any] = [
        BAD if at in (3, 7) else structured(at) | {"id": "one" if at in (5, 6) else at} for at in range(30)
    ]
    path = write_lines(tmp_path / "mine.jsonl", rows)
    source = read_source(path, without=(4, 6, 8))
    assert {example.row for example in source.examples} == set(range(1, 31)) - {4, 6, 8}
    assert source.left_out_count == 0
    again = read_source(path, without=(4, 8))
    names = {example.row: example.id for example in again.examples}
    assert all(names[example.row] == example.id for example in source.examples), (
        "names do not depend on what is left out"
    )
