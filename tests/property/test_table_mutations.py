"""Tables of results that are damaged in any way give a typed error or a table: never a bug, never a long wait."""

from __future__ import annotations

import json
import lzma
import math
import random
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from engine.data.tables.answers import alike, equal, holds, same, value_of
from engine.data.tables.cells import number_of, scoring, seed_of, text_of, word_of
from engine.data.tables.choices import Choices, Source
from engine.data.tables.reading import read
from engine.spec.errors import LabError
from jobs.elsewhere.judge import describe, judge_table
from tests.support.tables import csv_text, inspect_log, lm_eval_samples, outcomes

EACH = 150
"""Mutations of each form."""
HOSTILE = (
    "", " ", "nan", "NaN", "1e999", "-1", "0.5", "50%", "1,0", "'", '"', '""', "\u202e", "\ud7ff", "=1+1", "[1", "{}",
    "[[[[", "null", "None", "true", "9" * 400, "x" * 5000, "sep=;", "\u00a0", "\ufeff", ",", ";", "\t", "\r", "\n",
    "arm", "seed 3",
    '{"a": NaN}', "Infinity", "1e-999", "\x1b[31m", "<script>", "{'a': 1}", "१",
)  # fmt: skip


def _forms(folder: Path) -> dict[str, bytes]:
    rows = outcomes(20, 2)
    answers = [
        {"arm": r["arm"], "seed": r["seed"], "item": r["item"], "prediction": json.dumps({"a": r["correct"]}),
         "gold": '{"a": 1.0}', "side": ("congruent", "conflicting")[int(r["item"][1:]) % 2], "logprob": -0.5}
        for r in rows
    ]  # fmt: skip
    wide = [{"item": n, "sft_0": n % 2, "sft_1": 1, "dpo_0": n % 3 > 0, "dpo_1": 0} for n in range(20)]
    parquet.write_table(pa.Table.from_pylist(rows), folder / "t.parquet")
    return {
        "t.csv": csv_text(rows).encode(),
        "a.csv": csv_text(answers, ";").encode(),
        "w.csv": csv_text(wide, "\t").encode("utf-16"),
        "t.jsonl": "\n".join(json.dumps(row) for row in answers).encode(),
        "l.jsonl": lm_eval_samples(folder / "l.jsonl", 0.5, 20).read_bytes(),
        "i.json": inspect_log(folder / "i.json", "m", 0.5, 10).read_bytes(),
        "i.eval": inspect_log(folder / "i.eval", "m", 0.5, 5).read_bytes(),
        "t.parquet": (folder / "t.parquet").read_bytes(),
        "t.csv.xz": lzma.compress(csv_text(rows).encode()),
    }


def _damaged(data: bytes, rng: random.Random) -> bytes:
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        at = rng.randrange(len(made) or 1)
        kind = rng.randrange(6)
        if kind == 0 and made:
            made[at % len(made)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del made[at : at + rng.choice((1, 3, 50))]
        elif kind == 2:
            made[at:at] = rng.choice(HOSTILE).encode("utf-8", "surrogatepass")
        elif kind == 3:
            made = made[:at]
        elif kind == 4:  # a cell is another
            end = next((n for n in range(at, len(made)) if made[n : n + 1] in (b",", b";", b"\n", b"}")), len(made))
            made[at:end] = rng.choice(HOSTILE).encode("utf-8", "surrogatepass")
        else:
            made += made[at : at + 200]
    return bytes(made)


@pytest.mark.parametrize(
    "name", ["t.csv", "a.csv", "w.csv", "t.jsonl", "l.jsonl", "i.json", "i.eval", "t.parquet", "t.csv.xz"]
)
def test_damaged_tables_give_typed_errors_only(tmp_path: Path, name: str) -> None:
    """Some of those that can still be read are judged as well."""
    data, rng, path = _forms(tmp_path)[name], random.Random(name), tmp_path / name
    endings: dict[str, int] = {"read": 0, "refused": 0}
    for number in range(EACH):
        path.write_bytes(_damaged(data, rng))
        choices = rng.choice(
            (Choices(), Choices(threshold=0.5), Choices(columns={"seed": "none"}), Choices(match="loose"))
        )
        start = time.monotonic()
        try:
            table = read([Source(path, rng.choice(("", "", "sft")))], choices)
            endings["read"] += 1
            if number % 10 == 0:
                contents = describe(table)
                judge_table(table, contents.guess)
        except LabError as error:
            endings["refused" if 0 < len(error.message) < 20_000 else "badly said"] += 1
        assert time.monotonic() - start < 10
    assert endings["refused"] > 0


CELLS = st.one_of(st.text(max_size=40), st.sampled_from(HOSTILE), st.integers(), st.floats(), st.booleans(), st.none())


@given(CELLS, CELLS)
@settings(max_examples=400, deadline=None)
def test_comparing_answers_never_fails_and_is_symmetric(a: Any, b: Any) -> None:
    one, other = text_of(a), text_of(b)
    if same(one, other):
        assert alike(one, other)
        assert same(other, one) or one.casefold() in ("", "nan", "<na>", "nat", "#n/a")
    assert isinstance(holds(one, other), bool)
    assert not same(one, "")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_a_value_equals_itself_in_any_spelling(value: Any) -> None:
    plain, spaced = json.dumps(value), json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True)
    if isinstance(value, dict | list):
        assert same(plain, spaced.strip())
        assert equal(value_of(plain), value_of(spaced))
        assert not same(plain, json.dumps([value]))


@given(st.dictionaries(CELLS.map(word_of), st.integers(1, 10**6), max_size=15))
@settings(max_examples=300, deadline=None)
def test_what_cells_mean_never_fails(counts: dict[str, int]) -> None:
    found = scoring(counts, Choices())
    assert set(found.meaning) <= set(counts)
    assert len(found.words(counts)) <= 12
    for word, right in found.meaning.items():
        number = number_of(word)
        assert number is None or number == float(right)


@given(CELLS)
@settings(max_examples=300, deadline=None)
def test_numbers_and_seeds_are_finite(cell: Any) -> None:
    number = number_of(word_of(cell))
    assert number is None or math.isfinite(number)
    seed = seed_of(cell)
    assert seed is None or 0 <= seed < 10**15
    made = value_of(text_of(cell))
    assert not isinstance(made, Decimal) or made.is_finite()
