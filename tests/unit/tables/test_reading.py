"""Tables of results in three formats say the same; what is wrong with one is said with file, row and field."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from engine.data.problems import BadRows
from engine.data.tables.reading import read
from engine.data.tables.table import Table
from engine.spec.errors import DataError
from engine.spec.example import Side

ROWS: list[dict[str, Any]] = [
    {"arm": arm, "seed": seed, "item": f"i{n}", "correct": int((n + seed) % 3 > 0), "cluster": f"c{n % 2}",
     "side": ("congruent", "conflicting", "")[n % 3], "logprob": -0.5 - n}
    for arm in ("base", "tuned") for seed in (0, 1) for n in range(6)
]  # fmt: skip


def as_csv(path: Path, rows: list[dict[str, Any]], delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def as_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def as_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    parquet.write_table(pa.Table.from_pylist(rows), path)
    return path


def content(table: Table) -> Any:
    return [(run, [outcome.model_dump() for outcome in outcomes]) for run, outcomes in table.runs.items()]


def test_three_formats_say_the_same(tmp_path: Path) -> None:
    tables = [
        read(as_csv(tmp_path / "a.csv", ROWS)),
        read(as_csv(tmp_path / "b.csv", ROWS, ";")),
        read(as_lines(tmp_path / "a.jsonl", ROWS)),
        read(as_parquet(tmp_path / "a.parquet", ROWS)),
    ]
    assert all(content(table) == content(tables[0]) for table in tables)
    first = tables[0]
    assert first.arms == ("base", "tuned")
    assert first.seeds("tuned") == [0, 1]
    assert first.sided
    assert first.valued
    outcome = first.runs["base", 0][1]
    assert (outcome.item, outcome.correct, outcome.cluster, outcome.side) == ("i1", True, "c1", Side.CONFLICTING)
    assert outcome.value == -1.5


def test_predictions_are_compared_with_gold(tmp_path: Path) -> None:
    rows = [
        {"ARM": "a", "Seed": 0, "Item": 1, "Prediction": " yes ", "Gold": "yes"},
        {"ARM": "a", "Seed": 0, "Item": 2, "Prediction": "", "Gold": "no"},
    ]
    table = read(as_csv(tmp_path / "t.csv", rows))
    assert [(o.item, o.correct, o.output, o.cluster) for o in table.runs["a", 0]] == [
        ("1", True, "yes", "1"),
        ("2", False, "", "2"),
    ]
    assert not table.sided
    assert not table.valued


def test_whole_numbers_that_became_fractions_stay_names(tmp_path: Path) -> None:
    rows = [{"arm": "a", "seed": 0.0, "item": 7.0, "correct": 1.0}]
    assert read(as_parquet(tmp_path / "t.parquet", rows)).runs["a", 0][0].item == "7"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"correct": "maybe"}, "row 3, field correct: must be 1 or 0"),
        ({"seed": "x"}, "row 3, field seed: must be a whole number"),
        ({"seed": ""}, "row 3, field seed: is missing"),
        ({"seed": -1}, "row 3, field seed: must be a whole number"),
        ({"arm": "  "}, "row 3, field arm: is missing"),
        ({"item": "i" * 300}, "row 3, field item: is too long"),
        ({"side": "left"}, "row 3, field side: must be one of"),
        ({"logprob": "nan"}, "row 3, field logprob: must be a finite number"),
        ({"item": "i0"}, "row 3, field item: repeats row 1"),
        ({"arm": "tuned", "item": "i9"}, None),
    ],
)
def test_what_is_wrong_with_a_row_is_said(tmp_path: Path, change: dict[str, Any], said: str | None) -> None:
    rows = [{**row} for row in ROWS]
    rows[2] |= change
    path = as_csv(tmp_path / "t.csv", rows)
    if said is None:
        assert len(read(path).runs["tuned", 0]) == 7
        return
    with pytest.raises(BadRows) as caught:
        read(path)
    assert f"t.csv, {said}" in caught.value.message


def test_an_item_is_the_same_in_every_run(tmp_path: Path) -> None:
    rows = [{**row} for row in ROWS]
    rows[7]["side"] = "congruent"
    with pytest.raises(BadRows, match="row 8, field side: differs from row 2"):
        read(as_csv(tmp_path / "t.csv", rows))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"arm,seed,item\na,0,1\n", "has no column for correct"),
        (b"arm,seed,item,correct\n", "has no rows"),
        (b"arm,seed,item,correct,arm\na,0,1,1,b\n", "two columns named 'arm'"),
        (b"arm,seed,item,correct\na,0,1\n", "row 1: has 3 cells where the header has 4"),
        (b'arm,seed,item,correct\na,0,"1,1\n', "is no CSV from row 1 on"),
        (b"[1, 2]", "must be an object"),
        (b'{"arm": "a"', "is not JSON"),
        (b"\xff\xfea", "begins as UTF-16 and is not"),
        (b"arm,seed\0", "is binary, not a table"),
        (b"PK\x03\x04zip", "is a zip archive, not a table"),
        (b"PAR1 and nothing more", "is a Parquet file that cannot be read"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(path)
    assert said in caught.value.message
    assert "bad.csv" in caught.value.message


def test_rows_of_several_probes_are_no_table(tmp_path: Path) -> None:
    rows = [{**row, "Probe": probe} for probe in ("calls", "forgetting") for row in ROWS]
    with pytest.raises(DataError) as caught:
        read(as_csv(tmp_path / "t.csv", rows))
    assert "holds 2 probes in its column 'Probe': 'calls', 'forgetting'" in caught.value.message
    assert "--items --probe NAME" in caught.value.hint
    assert content(read(as_csv(tmp_path / "t.csv", rows[: len(ROWS)]))) == content(
        read(as_csv(tmp_path / "u.csv", ROWS))
    )


def test_whole_numbers_that_became_fractions_are_read_in_text_too(tmp_path: Path) -> None:
    rows = [{"arm": "a", "seed": "3.0", "item": n, "correct": right} for n, right in enumerate(("1.0", "0.0"))]
    table = read(as_csv(tmp_path / "t.csv", rows))
    assert [outcome.correct for outcome in table.runs["a", 3]] == [True, False]


def test_advice_on_too_many_rows_keeps_pairs_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.tables.rows.grid.MOST_ROWS", 5)
    for path in (as_csv(tmp_path / "t.csv", ROWS), as_lines(tmp_path / "t.jsonl", ROWS),
                 as_parquet(tmp_path / "t.parquet", ROWS)):  # fmt: skip
        with pytest.raises(DataError, match="too many rows") as caught:
            read(path)
        assert "same ones in every run" in caught.value.hint


def test_an_empty_list_says_which_columns_there_should_be(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(DataError, match="list without rows") as caught:
        read(path)
    assert "`arm`, `seed`, `item`" in caught.value.hint
