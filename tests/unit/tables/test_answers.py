"""Numbers compare as numbers, JSON as values, all else as text; an empty right answer is matched by nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.data.problems import BadRows
from engine.data.tables.answers import alike, holds, same
from engine.data.tables.choices import Choices
from engine.data.tables.reading import read
from tests.support.tables import csv_text, write


@pytest.mark.parametrize(
    ("prediction", "gold"),
    [
        ("4", "4.0"), ("4.0", "4"), ("+4", "4"), ("4e0", "4"), (".5", "0.5"), ("1,000", "1000"),
        ("1,234,567.5", "1234567.5"),
        ("-0", "0"),
        ('{"b": 1, "a": 2}', '{"a":2,"b":1}'), ('{"a": [1, 2.0]}', '{"a": [1.0, 2]}'), ('[1, "x"]', '[1,"x"]'),
        ("true", "True"), ("FALSE", "false"), ("e\u0301", "\u00e9"), ("Paris", "Paris"),
        ("0.30000000000000004", "0.3000000000000000444"),
    ],
)  # fmt: skip
def test_the_same(prediction: str, gold: str) -> None:
    assert same(prediction, gold)
    assert same(gold, prediction)


@pytest.mark.parametrize(
    ("prediction", "gold"),
    [
        ("nan", "nan"), ("", ""), ("NaN", "nan"), ("<NA>", "<NA>"), ("true", "1"), ("[true]", "[1]"), ("false", "0"),
        ("[1, 2]", "[2, 1]"), ('{"a": 1}', '{"a": 1, "b": null}'), ('{"a": "1"}', '{"a": 1}'), ("Yes.", "yes"),
        ("yes", "Yes"), ("007", "7"), ("1,5", "1.5"), ("1,00", "100"), ("9007199254740993", "9007199254740992"),
        ('{"a": 1, "a": 2}', '{"a": 2}'), ("4.", "4"), ("50%", "0.5"), ("x", ""), ("{'a': 1}", '{"a": 1}'),
        ("1e999", "1e998"), ("[null]", "[0]"), ("[null]", "[false]"),
    ],
)  # fmt: skip
def test_not_the_same(prediction: str, gold: str) -> None:
    assert not same(prediction, gold)
    assert not same(gold, prediction)


def test_what_is_spelled_otherwise_is_told_apart_from_what_is_wrong() -> None:
    for prediction, gold in (
        ("Yes.", "yes"), ("**4**", "4"), ("“Paris”", "paris"), ("{'a': 1}", '{"a": 1.0}'), ("a  b", "A b"),
        ("$4", "4.0"),
    ):  # fmt: skip
        assert alike(prediction, gold)
        assert not same(prediction, gold)
    for prediction, gold in (
        ("-4", "4"),
        ("no", "yes"),
        ("f(a=-1)", "f(a=1)"),
        ("", "yes"),
        ("nan", "nan"),
        ("...", "!"),
    ):
        assert not alike(prediction, gold)
    assert holds("The answer is 42.", "42")
    assert not holds("The answer is 142.", "42")
    assert not holds("anything", "")


def test_a_right_answer_that_is_empty_is_a_problem_of_its_row(tmp_path: Path) -> None:
    for gold in ("", "nan", "NaN", "<NA>"):
        rows = [{"arm": "a", "seed": 0, "item": n, "prediction": "x", "gold": "x"} for n in range(3)]
        rows[1]["gold"] = gold
        with pytest.raises(BadRows, match=r"t\.csv, row 2, field gold: is"):
            read(write(tmp_path / "t.csv", csv_text(rows)))


def test_what_was_decided_is_noted(tmp_path: Path) -> None:
    rows = [
        {"arm": "a", "seed": 0, "item": n, "prediction": p, "gold": g}
        for n, (p, g) in enumerate((("1,000", "1000"), ("None", "None"), ("Yes.", "yes"), ("no", "no")))
    ]
    path = write(tmp_path / "t.csv", csv_text(rows))
    table = read(path)
    assert [o.correct for o in table.runs["a", 0]] == [True, True, False, True]
    assert any("In 1 row a comma was read as a separator of thousands" in note for note in table.notes)
    assert any("The right answer is 'None' in 1 row:" in note for note in table.notes)
    assert (table.compared["a"].same, table.compared["a"].alike, table.compared["a"].rows) == (3, 4, 4)
    loose = read(path, Choices(match="loose"))
    assert all(o.correct for o in loose.runs["a", 0])
    assert any("without regard to case" in note for note in loose.notes)
