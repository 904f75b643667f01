"""Tables as others write them: each form is read rightly, or refused with what to do."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from engine.data.problems import BadRows
from engine.data.tables.choices import Choices, Source, Unclear
from engine.data.tables.reading import read
from engine.data.tables.table import Table
from engine.spec.errors import DataError
from tests.support.tables import csv_text, inspect_log, lm_eval_samples, outcomes, write


def right(table: Table) -> dict[tuple[str, int], list[bool]]:
    """Right and wrong by arm and seed, in the items' order."""
    return {
        run: [o.correct for o in sorted(found, key=lambda o: (len(o.item), o.item))]
        for run, found in table.runs.items()
    }


def expected(seeds: int = 3) -> dict[tuple[str, int], list[bool]]:
    found: dict[tuple[str, int], list[bool]] = {}
    for row in outcomes(seeds=seeds):
        found.setdefault((row["arm"], row["seed"]), []).append(bool(row["correct"]))
    return found


PLAIN = csv_text(outcomes())


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("t.csv", lambda text: text.encode()),
        ("t.csv", lambda text: b"\xef\xbb\xbf" + text.encode()),
        ("t.csv", lambda text: text.replace("\n", "\r\n").encode()),
        ("t.csv", lambda text: text.replace("\n", "\r").encode()),
        ("t.txt", lambda text: text.replace(",", "\t").encode("utf-16")),
        ("t.csv", lambda text: ("sep=;\r\n" + text.replace(",", ";")).encode()),
        ("t.csv", lambda text: ('"sep=;"\n' + text.replace(",", ";")).encode()),
        ("t.csv", lambda text: text.replace(",", "|").encode()),
        ("t.csv", lambda text: text.replace(",", ";").replace("arm;", '"arm, or model";', 1).encode()),
        ("t.csv", lambda text: text.replace(",", " ,\u00a0").encode()),
        ("t.csv.gz", lambda text: gzip.compress(text.encode())),
        ("t.csv.bz2", lambda text: bz2.compress(text.encode())),
        ("t.csv.xz", lambda text: lzma.compress(text.encode())),
        ("t.csv.xz", lambda text: lzma.compress(text[:200].encode()) + lzma.compress(text[200:].encode())),
    ],
)
def test_a_table_is_the_same_however_it_is_written(tmp_path: Path, name: str, make: Callable[[str], bytes]) -> None:
    path = tmp_path / name
    path.write_bytes(make(PLAIN))
    if "or model" in path.read_bytes().decode("latin-1"):
        assert right(read(path, Choices(columns={"arm": "arm, or model"}))) == expected()
    else:
        assert right(read(path)) == expected()


@pytest.mark.parametrize(
    "cells",
    [
        ("0%", "100%"), ("0 %", "100 %"), ("0,0", "1,0"), ("0.0", "1.0"), ("F", "T"), ("incorrect", "correct"),
        ("I", "C"), ("n", "y"), ("nein", "ja"), ("Non", "Oui"), ("no", "sí"), ("faux", "vrai"), ("FALSCH", "WAHR"),
        ("'0'", '"1"'), ("\u00a00", "1\u00a0"), ("false", "1"), ("нет", "да"), ("否", "是"), ("fail", "pass"),
        ("0,00%", "100,00%"), ("-0", "1e0"), ("✗", "✓"),
    ],
)  # fmt: skip
def test_cells_that_say_right_and_wrong(tmp_path: Path, cells: tuple[str, str]) -> None:
    rows = [row | {"correct": cells[row["correct"]]} for row in outcomes()]
    table = read(write(tmp_path / "t.csv", csv_text(rows, ";")))
    assert right(table) == expected()
    assert {word.right for word in table.words} == {True, False}
    if not set("01") & set("".join(cells)) and cells != ("false", "1"):
        assert any("is right" in note for note in table.notes)  # what the words were taken for is said


@pytest.mark.parametrize(
    ("cells", "need", "said"),
    [
        ((0.25, 0.75), "threshold", "holds scores, not right and wrong"),
        (("25%", "100%"), "threshold", "holds scores"),
        (("I", "P"), "threshold", "holds scores"),
        (("0%", "1"), None, ""),
        (("50%", "1"), "threshold", ""),
        (("schlecht", "gut"), "words", "does not say right or wrong in words known here"),
        (("nein", "yes"), "words", "does not say right or wrong"),
        ((2, 5), "words", "does not say right or wrong"),
        ((0, 100), "words", None),
    ],
)
def test_cells_that_say_something_else_are_asked_about(
    tmp_path: Path, cells: tuple[Any, Any], need: str | None, said: str | None
) -> None:
    rows = [row | {"correct": cells[row["correct"]]} for row in outcomes()]
    path = write(tmp_path / "t.csv", csv_text(rows))
    with pytest.raises(DataError) as caught:
        read(path)
    if isinstance(caught.value, Unclear) and need is not None and said:
        assert caught.value.needs == (need,)
        assert said in caught.value.message
        assert "--threshold" in caught.value.hint or "--right" in caught.value.hint
    told = Choices(right=(str(cells[1]),), wrong=(str(cells[0]),))
    assert right(read(path, told)) == expected()


def test_a_threshold_is_applied_and_told(tmp_path: Path) -> None:
    rows = [row | {"correct": (0.2, 0.5)[row["correct"]]} for row in outcomes()]
    table = read(write(tmp_path / "t.csv", csv_text(rows)), Choices(threshold=0.5))
    assert right(table) == expected()
    assert "at least 0.5 counts as right" in table.notes[0]
    with pytest.raises(BadRows, match="field correct"):
        read(
            write(tmp_path / "u.csv", csv_text([r | {"correct": 3 * r["correct"]} for r in rows])), Choices(threshold=1)
        )


def test_one_odd_cell_is_a_problem_of_its_row(tmp_path: Path) -> None:
    for odd, said in (
        ("0.5", "must be 1 or 0"),
        ("maybe", "must be 1 or 0"),
        ("", "is missing"),
        ("nan", "is missing"),
    ):
        rows = outcomes()
        rows[6] |= {"correct": odd}
        with pytest.raises(BadRows, match=f"t.csv, row 7, field correct: {said}"):
            read(write(tmp_path / "t.csv", csv_text(rows)))


def test_sample_files_of_lm_eval(tmp_path: Path) -> None:
    base, sft = (
        lm_eval_samples(tmp_path / f"samples_{arm}.jsonl", rate) for arm, rate in (("base", 0.3), ("sft", 1.0))
    )
    with pytest.raises(Unclear) as caught:
        read(base)
    assert caught.value.needs[0] == "arm"
    assert "--arm base=FILE --arm sft=FILE" in caught.value.hint
    table = read([Source(base, "base"), Source(sft, "sft")])
    assert table.form == "samples of lm-evaluation-harness"
    assert list(table.runs) == [("base", 0), ("sft", 0)]
    assert all(o.correct for o in table.runs["sft", 0])
    assert table.runs["sft", 0][3].item == "3"
    assert table.runs["sft", 0][3].output == "3"  # the target is "#### 3": the harness grades, not the lab
    assert not table.contradicted
    assert table.columns["correct"] == "exact_match"


def test_filters_and_metrics_of_lm_eval_are_chosen(tmp_path: Path) -> None:
    path = lm_eval_samples(tmp_path / "s.jsonl", 0.0, filters=("strict-match", "flexible-extract"))
    with pytest.raises(
        Unclear, match="holds 2 filters in its column 'filter': 'strict-match', 'flexible-extract'"
    ) as caught:
        read([Source(path, "base")])
    assert caught.value.needs == ("only",)
    assert "--only filter=strict-match" in caught.value.hint
    for name, correct in (("strict-match", False), ("flexible-extract", True)):
        table = read([Source(path, "base")], Choices(only={"filter": name}))
        assert {o.correct for o in table.runs["base", 0]} == {correct}
        assert any(name in note for note in table.notes)
    with pytest.raises(DataError, match="has no row with filter = 'none'") as refused:
        read([Source(path, "base")], Choices(only={"filter": "none"}))
    assert "'strict-match'" in refused.value.hint
    two = lm_eval_samples(tmp_path / "two.jsonl", 0.5, metrics=("acc", "acc_norm"))
    with pytest.raises(Unclear) as caught:
        read([Source(two, "base")])
    assert caught.value.needs == ("correct",)
    assert "--correct-column acc_norm" in caught.value.hint
    assert len(read([Source(two, "base")], Choices(columns={"correct": "acc_norm"})).runs["base", 0]) == 40


def test_files_of_one_arm_are_seeds_and_tasks_are_not(tmp_path: Path) -> None:
    gsm = [lm_eval_samples(tmp_path / f"gsm{n}.jsonl", 0.5, seed=n) for n in range(2)]
    arc = [lm_eval_samples(tmp_path / f"arc{n}.jsonl", 0.5, seed=n, task="arc") for n in range(2)]
    table = read([Source(path, "sft") for path in (*gsm, *arc)])
    assert sorted(table.runs) == [("sft", 0), ("sft", 1)]
    assert all(len(found) == 80 for found in table.runs.values())  # documents of both tasks, though numbered alike
    assert any("gsm1.jsonl is sft, seed 1" in note for note in table.notes)
    assert any("40 numbers stand for several documents" in note for note in table.notes)


@pytest.mark.parametrize("ending", ["json", "eval"])
def test_logs_of_inspect(tmp_path: Path, ending: str) -> None:
    base, sft = (inspect_log(tmp_path / f"{m}.{ending}", f"hf/{m}", rate) for m, rate in (("base", 0.3), ("sft", 1.0)))
    table = read([Source(base), Source(sft)])
    assert sorted(table.runs) == [("hf/base", 1), ("hf/base", 2), ("hf/sft", 1), ("hf/sft", 2)]
    assert all(o.correct for o in table.runs["hf/sft", 1])
    assert not all(o.correct for o in table.runs["hf/base", 1])
    assert any("Epochs" in note for note in table.notes)
    assert not table.contradicted
    named = read([Source(base, "base"), Source(sft, "sft")])
    assert named.arms == ("base", "sft")


def test_wide_tables(tmp_path: Path) -> None:
    cells: dict[str, dict[str, Any]] = {}
    for row in outcomes():
        cells.setdefault(row["item"], {"question_id": row["item"]})[f"{row['arm']}_{row['seed']}"] = row["correct"]
    table = read(write(tmp_path / "wide.csv", csv_text(list(cells.values()))))
    assert right(table) == expected()
    assert "sft_1 is sft, seed 1" in table.notes[0]
    spoken = csv_text(list(cells.values()))
    for arm in ("base", "sft", "dpo"):
        for seed in range(3):
            spoken = spoken.replace(f"{arm}_{seed}", f"{arm} (seed {seed})", 1)
    assert right(read(write(tmp_path / "spoken.csv", spoken))) == expected()
    one = [{"Unnamed: 0": n, "base": n % 2, "sft": n % 3 > 0} for n in range(30)]
    path = write(tmp_path / "index.csv", csv_text(one))
    with pytest.raises(Unclear) as caught:
        read(path)
    assert caught.value.needs == ("seed",)
    assert "--seed-column none" in caught.value.hint
    table = read(path, Choices(columns={"seed": "none"}))
    assert list(table.runs) == [("base", 0), ("sft", 0)]
    assert table.columns == {"item": "Unnamed: 0"}


@pytest.mark.parametrize("seeds", [("seed0", "seed1"), ("0", "1")])
def test_a_column_without_a_seed_is_no_arm_unless_somebody_says_so(tmp_path: Path, seeds: tuple[str, ...]) -> None:
    arms = [f"{arm}_{seed}" for arm in ("first", "sft") for seed in seeds]

    def table_of(*more: str) -> Path:
        rows = [{"item": n} | {name: (n + at) % 2 for at, name in enumerate((*arms, *more))} for n in range(20)]
        return write(tmp_path / f"{len(more)}.csv", csv_text(rows))

    for more in (("is_hard",), ("base", "is_hard")):
        path = table_of(*more)
        with pytest.raises(Unclear) as caught:
            read(path)
        assert caught.value.needs == ("arms",)
        assert caught.value.sketch.arm_columns == tuple(arms)
        assert set(more) <= set(caught.value.sketch.likely["arms"])
        assert f"--arm-columns {','.join(arms)}" in caught.value.hint
        assert "which columns are arms" in caught.value.message
        assert read(path, Choices(arm_columns=tuple(arms))).arms == ("first", "sft")
        assert read(path, Choices(arm_columns=(*arms, more[0]))).arms == ("first", "sft", more[0])
    assert read(table_of("base")).arms == ("first", "sft", "base")


@pytest.mark.parametrize("names", [("llama-2", "llama-3", "llama-4"), ("gpt_3", "gpt_4", "qwen_3"), ("m_1", "m_2")])
def test_numbers_in_names_of_arms_are_not_taken_for_seeds(tmp_path: Path, names: tuple[str, ...]) -> None:
    rows = [{"item": n} | {name: (n + at) % 2 for at, name in enumerate(names)} for n in range(20)]
    path = write(tmp_path / "t.csv", csv_text(rows))
    with pytest.raises(Unclear) as caught:
        read(path)
    assert caught.value.needs == ("seed",)
    assert read(path, Choices(columns={"seed": "none"})).arms == names
    assert len(read(path, Choices(columns={"seed": "names"})).arms) < len(names)


def test_a_wide_table_of_answers_needs_to_be_called_one(tmp_path: Path) -> None:
    """Labels of 0 and 1 look like right and wrong."""
    rows = [{"item": n, "label": n % 2, "base": 0, "sft": n % 2} for n in range(20)]
    path = write(tmp_path / "t.csv", csv_text(rows))
    with pytest.raises(Unclear) as caught:
        read(path)
    assert caught.value.needs[0] == "gold"
    seeds = {"seed": "none"}
    table = read(path, Choices(columns=seeds | {"gold": "label"}, arm_columns=("base", "sft")))
    assert [sum(o.correct for o in found) for found in table.runs.values()] == [10, 20]
    table = read(path, Choices(columns=seeds | {"gold": "none"}, arm_columns=("base", "sft")))
    assert [sum(o.correct for o in found) for found in table.runs.values()] == [0, 10]


def test_the_index_that_pandas_writes_is_no_other_column(tmp_path: Path) -> None:
    rows = [{"": n} | row for n, row in enumerate(outcomes())]
    table = read(write(tmp_path / "t.csv", csv_text(rows)))
    assert right(table) == expected()
    assert table.unused == ("",)
    assert {o.cluster for o in table.runs["sft", 0]} == {f"q{n}" for n in range(40)}
    frame = pa.Table.from_pylist([{k or "__index_level_0__": v for k, v in row.items()} for row in rows])
    parquet.write_table(frame, tmp_path / "t.parquet")
    assert right(read(tmp_path / "t.parquet")) == expected()


def test_what_is_missing_is_asked_for_and_named(tmp_path: Path) -> None:
    rows = [{"model": r["arm"], "run": r["seed"], "qid": r["item"], "ok": r["correct"]} for r in outcomes()]
    path = write(tmp_path / "t.csv", csv_text(rows))
    with pytest.raises(Unclear) as caught:
        read(path)
    assert caught.value.needs == ("seed", "correct")
    assert "--seed-column run" in caught.value.hint
    table = read(path, Choices(columns={"seed": "run", "correct": "ok"}))
    assert right(table) == expected()
    with pytest.raises(DataError, match="has no column 'nope'"):
        read(path, Choices(columns={"seed": "nope", "correct": "ok"}))
    with pytest.raises(BadRows, match="if a column tells repeats apart, name it as that of the seed"):
        read(path, Choices(columns={"seed": "none", "correct": "ok"}))
    with pytest.raises(DataError, match="for two roles"):
        read(path, Choices(columns={"seed": "run", "correct": "run"}))


def test_a_label_is_no_right_answer_beside_a_column_that_says_what_is_correct(tmp_path: Path) -> None:
    rows = [{"label": f"run {row['arm']} {row['seed']}"} | row for row in outcomes()]
    table = read(write(tmp_path / "t.csv", csv_text(rows)))
    assert right(table) == expected()
    assert table.unused == ("label",)


def test_a_file_that_was_named_for_an_arm_holds_one(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", PLAIN)
    with pytest.raises(DataError, match="was named for arm 'x' and holds several arms"):
        read([Source(path, "x")])
    with pytest.raises(DataError, match=r"is the same as t\.csv, byte by byte"):
        read([Source(path), Source(path)])
    parts = [write(tmp_path / f"{n}.csv", csv_text([r for r in outcomes() if r["seed"] == n])) for n in range(3)]
    assert right(read([Source(part) for part in parts])) == expected()
    again = write(tmp_path / "again.csv", csv_text([r for r in outcomes() if r["seed"] == 1][:5]))
    with pytest.raises(BadRows, match=r"again\.csv .*\n.*repeats row 1 of 1\.csv"):
        read([Source(part) for part in (*parts, again)])


def test_compressed_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv.xz"
    path.write_bytes(lzma.compress(PLAIN.encode())[:-20])
    with pytest.raises(DataError, match="an xz archive that is cut off"):
        read(path)
    path.write_bytes(b"\xfd7zXZ\0 and nothing more")
    with pytest.raises(DataError, match="an xz archive that cannot be read"):
        read(path)
    monkeypatch.setattr("engine.data.tables.rows.unpacking.MOST_BYTES", 1000)
    for squeeze in (lzma.compress, gzip.compress, bz2.compress):
        path.write_bytes(squeeze(b"arm,seed,item,correct\n" + b"0" * 5000))
        with pytest.raises(DataError, match="too large once unpacked"):
            read(path)


def test_of_two_scores_one_is_named_and_not_left_aside_in_silence(tmp_path: Path) -> None:
    rows = [row | {"acc": row["correct"], "exact_match": 0, "prediction": "x", "gold": "y"} for row in outcomes()]
    for row in rows:
        del row["correct"]
    path = write(tmp_path / "t.csv", csv_text(rows))
    with pytest.raises(Unclear) as caught:
        read(path)
    assert caught.value.needs == ("correct",)
    assert "--correct-column acc, --correct-column exact_match" in caught.value.hint
    assert right(read(path, Choices(columns={"correct": "acc"}))) == expected()


def test_several_tasks_are_read_one_at_a_time(tmp_path: Path) -> None:
    rows = [row | {"task": task} for task in ("sums", "words") for row in outcomes()]
    path = write(tmp_path / "t.csv", csv_text(rows))
    with pytest.raises(BadRows, match="one part at a time: read only the rows of one 'task'"):
        read(path)
    table = read(path, Choices(only={"task": "words"}))
    assert right(table) == expected()
    assert "Only rows with task = words were read." in table.notes


def test_a_damaged_log_of_inspect_is_called_one(tmp_path: Path) -> None:
    path = inspect_log(tmp_path / "log.json", "m", 0.5)
    path.write_text(path.read_text(encoding="utf-8")[:2000], encoding="utf-8")
    with pytest.raises(DataError, match="is a log of inspect_ai that is cut off or damaged"):
        read(path)
    whole = inspect_log(tmp_path / "log.json", "m", 0.5).read_text(encoding="utf-8")
    path.write_text(whole.replace('"success"', '"cancelled"'), encoding="utf-8")
    assert any("whose status is cancelled" in note for note in read(path).notes)
    path.write_text(whole.replace('"completion": "', '"completion": "\\ud800'), encoding="utf-8")
    with pytest.raises(BadRows, match="half of a surrogate pair"):
        read(path)
