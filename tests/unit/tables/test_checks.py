"""What must hold in a table before its figures mean anything: copies, names, missing runs, spelling."""

from __future__ import annotations

import json
import lzma
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.data.tables.choices import Choices
from engine.spec.result import Check, Result
from jobs.elsewhere.judge import analyse_file, describe_file
from main import main
from tests.support.planted import CALLS, make_runs, make_trial
from tests.support.tables import csv_text, lm_eval_samples, outcomes, write

CASES = Path(__file__).resolve().parents[2] / "data" / "cases"
RATES = {"base": 0.2, "sft": 0.6, "dpo": 0.8}


def analysed(tmp_path: Path, rows: Sequence[Mapping[str, Any]], choices: Choices | None = None) -> Result:
    return analyse_file(write(tmp_path / "t.csv", csv_text(rows)), choices=choices)


def check(result: Result, name: str) -> Check:
    return next(check for check in result.checks if check.name == name)


def primary(result: Result) -> Any:
    return next(contrast for contrast in result.contrasts if contrast.primary)


def copied(rows: list[dict[str, Any]], arm: str, seeds: Mapping[int, int]) -> list[dict[str, Any]]:
    """The rows, where an arm's seeds have the outcomes of others."""
    right = {(r["arm"], r["seed"], r["item"]): r["correct"] for r in rows}
    return [
        r | {"correct": right[arm, seeds[r["seed"]], r["item"]]} if r["arm"] == arm and r["seed"] in seeds else r
        for r in rows
    ]


def test_seeds_that_are_copies_count_once(tmp_path: Path) -> None:
    rows = outcomes(60, 4, RATES)
    plain = analysed(tmp_path, rows)
    assert check(plain, "copies").ok
    assert primary(plain).n_seeds == 4
    some = analysed(tmp_path, copied(rows, "dpo", {2: 0}))
    assert not check(some, "copies").ok
    assert "dpo: seeds 0 and 2 have the same outcome on each of 60 items" in check(some, "copies").detail
    assert primary(some).n_seeds == 3
    assert [run.seed for arm in some.arms if arm.name == "dpo" for run in arm.runs] == [0, 1, 3]
    assert check(some, "runs").ok  # it is not missing: it is no run
    assert "every run is one of its own" in some.verdict.text
    every = analysed(tmp_path, copied(rows, "dpo", {1: 0, 2: 0, 3: 0}))
    assert primary(every).n_seeds == 1
    assert any("One seed cannot tell" in reason for reason in every.verdict.reasons)


def test_an_arm_that_is_a_copy_of_another_is_said(tmp_path: Path) -> None:
    rows = [row for row in outcomes(60, 3, RATES) if row["arm"] != "dpo"]
    rows += [row | {"arm": "dpo"} for row in rows if row["arm"] == "sft"]
    result = analysed(tmp_path, rows)
    found = check(result, "copies")
    assert not found.ok
    assert "sft (seed 2) and dpo (seed 2) have the same outcome on each of 60 items" in found.detail
    assert result.verdict.code == "inconclusive"


def test_a_base_that_is_asked_again_is_one_run_and_no_copy(tmp_path: Path) -> None:
    rows = outcomes(60, 3, RATES)
    result = analysed(tmp_path, copied(rows, "base", {1: 0, 2: 0}))
    assert check(result, "copies").ok
    assert any(
        "base is the same in seeds 0, 1 and 2. As the base, not yet tuned, it counts as one run." in note
        for note in result.notes
    )
    base = next(arm for arm in result.arms if arm.name == "base")
    assert (base.trains, len(base.runs)) == (False, 1)
    assert primary(result).n_seeds == 3
    half = analysed(tmp_path, copied(rows, "base", {1: 0}))  # a base that varies, and yet is the same twice
    assert not check(half, "copies").ok


def test_a_reference_that_may_be_trained_is_no_base_that_is_asked_again(tmp_path: Path) -> None:
    rows = copied(outcomes(60, 4, RATES), "sft", {1: 0, 2: 0, 3: 0})
    two = analysed(tmp_path, [row for row in rows if row["arm"] != "base"])  # sft is the base and the reference
    assert not check(two, "copies").ok
    assert "sft: seeds 0, 1, 2 and 3 have the same outcome on each of 60 items" in check(two, "copies").detail
    assert not any("counts as one run" in note for note in two.notes)
    assert next(arm for arm in two.arms if arm.name == "sft").trains
    assert primary(two).n_seeds == 1
    assert not check(analysed(tmp_path, rows), "copies").ok  # the reference beside a base
    rows = copied(outcomes(60, 4, RATES), "base", {1: 0, 2: 0, 3: 0})
    known = analysed(tmp_path, [row for row in rows if row["arm"] != "sft"])  # the reference, and called a base
    assert check(known, "copies").ok
    assert primary(known).n_seeds == 4


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_arms_that_are_never_or_always_right_are_no_copies(tmp_path: Path, rate: float) -> None:
    result = analysed(tmp_path, outcomes(60, 3, {"base": 0.3, "sft": 0.6, "dpo": rate}))
    assert check(result, "copies").ok
    assert "says nothing of copies" in check(result, "copies").detail
    assert primary(result).n_seeds == 3


def test_seeds_of_the_lab_that_answer_alike_are_remarked_on() -> None:
    from engine.analysis.analysis import analyse

    trial = make_trial("function-calling", 3)
    runs = make_runs(trial, CALLS, items=80)
    assert not any("have the same outcome" in threat for threat in analyse(trial, runs).threats)
    first = next(run for run in runs if run.record.arm == "sft" and run.record.seed == 0)
    made = [
        run.model_copy(update={"outcomes": first.outcomes, "metrics": first.metrics, "adapter": "ab" * 32})
        if run.record.arm == "sft"
        else run
        for run in runs
    ]
    said = [threat for threat in analyse(trial, made).threats if "have the same outcome" in threat]
    assert len(said) == 1
    assert said[0].startswith("SFT: seeds 0, 1 and 2 have the same outcome on each of ")
    assert said[0].endswith("they say no more than one run does, and count as one.")
    assert primary(analyse(trial, runs)).n_seeds == 3
    assert primary(analyse(trial, made)).n_seeds == 1
    assert "one seed" in " ".join(analyse(trial, made).threats)
    others = [
        run.model_copy(update={"adapter": f"{n:064x}"}) if run.record.arm == "sft" else run
        for n, run in enumerate(made)
    ]
    assert any("though their weights differ" in threat for threat in analyse(trial, others).threats)
    assert primary(analyse(trial, others)).n_seeds == 3


def test_missing_runs_are_named(tmp_path: Path) -> None:
    rows = [row for row in outcomes(30, 4, RATES) if (row["arm"], row["seed"]) != ("dpo", 3)]
    result = analysed(tmp_path, rows)
    assert check(result, "runs").detail == "1 of 12 runs is missing: dpo seed 3."
    assert result.verdict.text == "No verdict yet: 1 of 12 runs is missing."
    assert "Missing: dpo seed 3. Add the rows that are missing" in result.verdict.reasons[0]


def test_arms_that_no_question_is_about_may_have_fewer_seeds(tmp_path: Path) -> None:
    """As the lab's own controls have: what is not read of an arm is not missing."""
    rows = [row | {"arm": "control"} for row in outcomes(30, 4, RATES) if (row["arm"], row["seed"]) == ("dpo", 3)]
    path = write(tmp_path / "t.csv", csv_text([*outcomes(30, 4, RATES), *rows]))
    result = analyse_file(path, treated="dpo", reference="sft", base="base")
    assert check(result, "runs").ok
    assert "missing" not in result.verdict.text


def test_arms_that_differ_in_case_alone_are_hinted_at(tmp_path: Path) -> None:
    rows = [row | {"arm": "SFT "} if (row["arm"], row["seed"]) == ("sft", 1) else row for row in outcomes(30, 3, RATES)]
    result = analysed(tmp_path, rows)
    found = check(result, "names")
    assert not found.ok
    assert "'sft' (seeds 0 and 2) and 'SFT' (seed 1) differ only in case" in found.detail
    assert "if they are one arm, spell it alike" in found.detail
    assert all(c.name != "names" for c in analysed(tmp_path, outcomes(30, 3, RATES)).checks)


def answered(spell: Mapping[str, str], rates: Mapping[str, float] = RATES) -> list[dict[str, Any]]:
    """Rows of answers "yes" and "no", each arm's as it spells them."""
    found = []
    for row in outcomes(40, 3, rates):
        gold = ("yes", "no")[int(row["item"][1:]) % 2]
        said = gold if row["correct"] else {"yes": "no", "no": "yes"}[gold]
        arm = row["arm"]
        text = spell.get(arm, "{}").format(said)
        found.append({"arm": arm, "seed": row["seed"], "item": row["item"], "prediction": text, "gold": gold})
    return found


def test_no_match_in_any_arm_is_a_matter_of_spelling(tmp_path: Path) -> None:
    result = analysed(tmp_path, answered(dict.fromkeys(RATES, "**{}**.")))
    found = check(result, "spelling")
    assert not found.ok
    assert found.detail.startswith("Not one of 360 answers, in any arm, equals the right one")
    assert "`--match loose`" in found.detail
    said = " ".join((result.verdict.text, *result.verdict.reasons))
    assert "Train longer" not in said
    assert "as it is spelled" in said
    loose = analysed(tmp_path, answered(dict.fromkeys(RATES, "**{}**.")), Choices(match="loose"))
    assert check(loose, "spelling").ok
    assert primary(loose).difference == pytest.approx(0.2, abs=0.15)
    longer = analysed(tmp_path, answered(dict.fromkeys(RATES, "I would say {} here")))
    assert "360 hold" not in check(longer, "spelling").detail
    assert "hold the right answer in a longer text" in check(longer, "spelling").detail


def test_an_arm_that_spells_otherwise_than_the_rest_is_no_worse_in_silence(tmp_path: Path) -> None:
    rows = answered({"base": "{}."}, {"base": 0.7, "sft": 0.7, "dpo": 0.7})
    result = analysed(tmp_path, rows)
    found = check(result, "spelling")
    assert not found.ok
    assert "base: 0.0 % as spelled" in found.detail
    assert "Say whether they count" in found.detail
    exact = analysed(tmp_path, rows, Choices(match="exact"))
    assert check(exact, "spelling").ok
    assert check(analysed(tmp_path, answered({})), "spelling").ok


def test_a_graded_table_where_nothing_is_right_is_no_case_for_training(tmp_path: Path) -> None:
    result = analysed(tmp_path, outcomes(40, 3, dict.fromkeys(RATES, 0.0)))
    assert "Train longer" not in " ".join(result.verdict.reasons)
    weak = analysed(tmp_path, outcomes(40, 3, dict.fromkeys(RATES, 0.1)))
    assert "Train longer" in " ".join(weak.verdict.reasons)


def test_what_was_understood_is_said_before_any_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row | {"correct": ("nein", "ja")[row["correct"]], "note": "x"} for row in outcomes(40, 3, RATES)]
    path = write(tmp_path / "t.csv", csv_text(rows))
    understood = describe_file(path).understood
    assert understood[0] == "t.csv: read as a row for each arm, seed and item."
    assert understood[1] == "360 outcomes of 40 items in 3 arms: base (3 seeds), sft (3 seeds), dpo (3 seeds)."
    assert understood[2] == "Columns used: arm, seed, item, correct. Not used: note."
    assert "ja is right, nein is wrong" in understood[3]
    home = ["--home", str(tmp_path / "home")]
    assert main(["analyze", str(path), "--show", *home]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines() == list(understood)
    assert not (tmp_path / "home").exists()
    assert main(["analyze", str(path), *home]) == 0
    said = capsys.readouterr().out
    assert said.index(understood[3]) < said.index("Verdict (")


def test_the_command_takes_what_a_table_lacks_and_says_how_to_repeat_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [
        (arm, lm_eval_samples(tmp_path / f"{arm}-{n}.jsonl", rate, seed=n, filters=("strict", "loose")))
        for arm, rate in RATES.items() for n in range(2)
    ]  # fmt: skip
    home, made = ["--home", str(tmp_path / "home")], tmp_path / "r.json"
    words = [word for arm, path in files for word in ("--arm", f"{arm}={path}")]
    assert main(["analyze", *words, *home]) == 1
    assert "--only filter=strict" in capsys.readouterr().err
    assert main(["analyze", *words, "--only", "filter=strict", "--json", str(made), *home]) == 0
    result = json.loads(made.read_text(encoding="utf-8"))
    command = result["provenance"]["command"]
    assert command.count("--arm ") == 6
    assert "--only filter=strict" in command
    assert result["provenance"]["form"] == "samples of lm-evaluation-harness"
    again = tmp_path / "again.json"
    assert main([*shlex.split(command)[2:], "--json", str(again), *home]) == 0
    repeated = json.loads(again.read_text(encoding="utf-8"))
    assert repeated | {"notes": result["notes"][1:]} == repeated  # the first note said that parts were guessed
    assert repeated | {"notes": result["notes"]} == result
    assert main(["analyze", *home]) == 2
    assert main(["analyze", "--arm", "base", *home]) == 2
    assert main(["analyze", *words, "--threshold", "2", *home]) == 2


class TestPublicCases:
    """Inputs after public bug reports, with what they should give."""

    @pytest.mark.parametrize(
        ("case", "code", "said"),
        [
            ("12-lm-eval-samples/samples_gsm_sft.jsonl", 1, "--arm base=FILE"),
            ("13-wide-and-no-seed/no_seed.csv", 1, "--seed-column none"),
            ("13-wide-and-no-seed/no_seed.csv --seed-column none", 0, "40 items in 3 arms"),
            ("13-wide-and-no-seed/wide.csv", 1, "--seed-column none"),
            ("13-wide-and-no-seed/wide.csv --seed-column none", 0, "40 items in 3 arms"),
            ("14-scores-not-0-or-1/fraction.csv", 1, "holds scores, not right and wrong"),
            ("14-scores-not-0-or-1/fraction.csv --threshold 0.5", 0, "at least 0.5 counts as right"),
            ("14-scores-not-0-or-1/percent.csv", 0, "'100%' is right (153 rows)"),
            ("14-scores-not-0-or-1/sep_line.csv", 0, "270 outcomes of 30 items"),
            ("15-prediction-and-gold-as-text/float_vs_int.csv", 0, "Accuracy of dpo: 72.2 %"),
            ("15-prediction-and-gold-as-text/json_calls.csv", 0, "Accuracy of dpo: 100.0 %"),
            ("15-prediction-and-gold-as-text/nan_text.csv", 1, "row 2, field gold: is 'nan'"),
            ("16-pairing-of-arms-seeds-items/case_arms.csv", 0, "differ only in case"),
            ("16-pairing-of-arms-seeds-items/label_col.csv", 0, "Not used: label."),
            ("16-pairing-of-arms-seeds-items/missing_seed.csv", 0, "Missing: dpo seed 2."),
            ("verdicts/u22_onecopy.csv.xz", 0, "new: seeds 0, 1, 2, 3, 4, 5, 6, 7, 8 and 9 have the same outcome"),
        ],
    )
    def test_it_gives_what_is_right(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str, code: int, said: str
    ) -> None:
        name, *options = case.split()
        assert main(["analyze", str(CASES / name), *options, "--home", str(tmp_path)]) == code
        out, err = capsys.readouterr()
        assert said in out + err
        assert "Train longer" not in out

    @pytest.mark.parametrize("path", sorted((CASES / "verdicts").glob("*.xz")), ids=lambda path: path.name)
    def test_tables_of_verdicts_are_read(self, path: Path) -> None:
        contents = describe_file(path)
        assert contents.rows == lzma.decompress(path.read_bytes()).count(b"\n") - 1
        assert contents.sided
