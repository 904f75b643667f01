"""Every item's outcome: complete, harmless, and read again by `analyze` with the same figures."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from engine.spec.errors import ReportError, SpecError
from engine.spec.example import ItemText, Outcome
from engine.spec.runs import RunResult
from jobs.elsewhere.judge import analyse_file
from jobs.report.formats import items
from tests.support.hostile import CORPUS, FORMULAS, UNSEEN_CHARACTERS
from tests.support.planted import CALLS, NLI, make_runs, make_trial


@pytest.fixture(scope="module")
def runs() -> list[RunResult]:
    return make_runs(make_trial("nli-frequency", 3), NLI, items=30)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_item_of_every_run_is_there(runs: list[RunResult], tmp_path: Path) -> None:
    count = items.write(runs, tmp_path / "deep" / "items.csv")
    rows = read(tmp_path / "deep" / "items.csv")
    found = {(r["arm"], int(r["seed"]), r["probe"], r["item"]): r for r in rows}
    assert len(found) == len(rows) == count
    for run in runs:
        for probe, outcomes in run.outcomes.items():
            for outcome in outcomes:
                row = found.pop((run.record.arm, run.record.seed, probe, outcome.item))
                assert row["correct"] == ("" if outcome.correct is None else str(int(outcome.correct)))
                assert (row["split"], row["cluster"], row["side"]) == (outcome.split, outcome.cluster, outcome.side)
                assert (float(row["value"]) if row["value"] else None) == outcome.value
                assert (row["failure"] or None, row["output"]) == (outcome.failure, outcome.output)
    assert found == {}


def test_analyze_reads_them_again_with_the_same_figures(runs: list[RunResult], tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    items.write(runs, path, "entailment")
    again = analyse_file(path, treated="agree-95", reference="balanced", base="base", planted="planted")
    read_again = {(arm.label, run.seed): run.metrics for arm in again.arms for run in arm.runs}
    assert len(read_again) == len(runs)
    for run in runs:
        metrics = read_again[run.record.arm, run.record.seed]
        for name in ("accuracy", "reliance", "congruent", "conflicting"):
            assert metrics[f"table.{name}"] == pytest.approx(run.metrics[f"entailment.{name}"], abs=1e-12)


def test_what_was_asked_stands_beside_the_outcome_where_it_was_kept(runs: list[RunResult], tmp_path: Path) -> None:
    known, unknown = (outcome.item for outcome in runs[0].outcomes["entailment"][:2])
    texts = {known: ItemText(item=known, prompt="=is it?", gold="yes"), "other": ItemText(item="o", prompt="", gold="")}
    items.write(runs, tmp_path / "items.csv", "entailment", texts)
    rows = {row["item"]: row for row in read(tmp_path / "items.csv")}
    assert (rows[known]["prompt"], rows[known]["gold"]) == ("'=is it?", "yes")
    assert (rows[unknown]["prompt"], rows[unknown]["gold"]) == ("", "")
    again = analyse_file(tmp_path / "items.csv", treated="agree-95", reference="balanced", base="base")
    assert {run.seed for arm in again.arms for run in arm.runs} == {run.record.seed for run in runs}


def test_one_probe_alone(tmp_path: Path) -> None:
    runs = make_runs(make_trial("function-calling", 2), CALLS, items=20)
    assert len(runs[0].outcomes) > 1
    count = items.write(runs, tmp_path / "calls.csv", "calls")
    rows = read(tmp_path / "calls.csv")
    assert {row["probe"] for row in rows} == {"calls"}
    assert count == len(rows) == sum(len(run.outcomes["calls"]) for run in runs)
    assert items.write(runs, tmp_path / "all.csv") > count


def test_hostile_outputs_stay_in_their_cells(runs: list[RunResult], tmp_path: Path) -> None:
    outcomes = tuple(
        Outcome(item=f"{n}{text}", correct=False, split=text, cluster=text, output=text, failure=text)
        for n, text in enumerate([*CORPUS, *FORMULAS])
    )
    run = runs[0].model_copy(update={"outcomes": {"calls": outcomes}})
    items.write([run], tmp_path / "items.csv")
    with (tmp_path / "items.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert {len(row) for row in rows} == {len(items.HEAD)}
    assert len(rows) == len(outcomes) + 1
    for row in rows[1:]:
        assert not any(cell.lstrip().startswith((*"=+-@＝", "\N{MINUS SIGN}")) for cell in row)
        assert not set("".join(row)) & (UNSEEN_CHARACTERS | {"\n"}) - {"\u200d"}


def test_what_cannot_be_written_is_said(runs: list[RunResult], tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"items\.json"):
        items.write(runs, tmp_path / "items.json")
    with pytest.raises(SpecError, match="nothing") as caught:
        items.write(runs, tmp_path / "items.csv", "nothing")
    assert "entailment" in caught.value.hint
    with pytest.raises(ReportError, match="No run"):
        items.write([runs[0].model_copy(update={"outcomes": {}})], tmp_path / "items.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ReportError, match="cannot be written"):
        items.write(runs, tmp_path / "folder.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]


def test_a_failure_half_way_leaves_the_old_file(runs: list[RunResult], tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("old")
    broken = runs[0].model_copy(update={"outcomes": {"calls": (*runs[0].outcomes["entailment"], None)}})
    with pytest.raises(AttributeError):
        items.write([broken], path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["items.csv"]
