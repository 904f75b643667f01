"""Log-probabilities with commas: what a comma sets off is decided for the whole column, or said to be open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.data.problems import BadRows
from engine.data.tables.choices import Source
from engine.data.tables.reading import read
from tests.unit.tables.test_reading import as_csv


def rows(base: str, tuned: str) -> list[dict[str, Any]]:
    return [
        {"arm": arm, "seed": 0, "item": f"i{n}", "correct": 1, "logprob": cell}
        for arm, cell in (("base", base), ("tuned", tuned))
        for n in range(4)
    ]


@pytest.mark.parametrize(
    ("base", "tuned", "values", "noted"),
    [
        ("-1,234", "-987.5", (-1234.0, -987.5), True),
        ("-987.5", "-1,234", (-987.5, -1234.0), True),
        ("-1,234,567", "-1,234", (-1234567.0, -1234.0), True),
        ("-1,234.5", "-0.25", (-1234.5, -0.25), True),
        ("-1,234", "-0,5", (-1.234, -0.5), False),
        ("-0,123", "-2,345", (-0.123, -2.345), False),
        ("-1.234", "-0.5", (-1.234, -0.5), False),
        ("-1e-3", "-2", (-0.001, -2.0), False),
    ],
)
def test_a_comma_means_the_same_in_all_rows(
    tmp_path: Path, base: str, tuned: str, values: tuple[float, float], noted: bool
) -> None:
    table = read(as_csv(tmp_path / "t.csv", rows(base, tuned)))
    assert tuple(table.runs[arm, 0][0].value for arm in ("base", "tuned")) == values
    assert any("'logprob' have commas" in note and "thousands" in note for note in table.notes) == noted


@pytest.mark.parametrize(
    ("base", "tuned", "said"),
    [
        ("-1,234", "-987", "row 1, field logprob: is '-1,234': no row tells whether a comma sets off"),
        ("-1.234", "-987,5", "row 5, field logprob: is '-987,5', and row 1 has '-1.234': one manner"),
        ("-0,5", "-1,234.5", "row 5, field logprob: is '-1,234.5', and row 1 has '-0,5'"),
        ("-0,5", "-1,234,567", "row 5, field logprob"),
    ],
)
def test_what_no_row_tells_is_not_guessed(tmp_path: Path, base: str, tuned: str, said: str) -> None:
    with pytest.raises(BadRows) as caught:
        read(as_csv(tmp_path / "t.csv", rows(base, tuned)))
    assert said in caught.value.message
    assert "--logprob-column none" in caught.value.message


def test_files_of_one_table_are_of_one_manner(tmp_path: Path) -> None:
    files = []
    for arm, cell in (("base", "-1,234"), ("tuned", "-987.5")):
        own = [{k: v for k, v in row.items() if k != "arm"} for row in rows(cell, cell)[:4]]
        files.append(Source(as_csv(tmp_path / f"{arm}.csv", own), arm))
    table = read(files)
    assert [table.runs[arm, 0][0].value for arm in ("base", "tuned")] == [-1234.0, -987.5]


@pytest.mark.parametrize("cell", ["-inf", "nan", "x", "1,2,3", "-12,34,567"])
def test_what_is_no_number_is_said_of_its_row(tmp_path: Path, cell: str) -> None:
    with pytest.raises(BadRows, match="row 5, field logprob: must be a finite number"):
        read(as_csv(tmp_path / "t.csv", rows("-0.5", cell)))
