"""Results from elsewhere get the verdict, figures and reports that the lab's own runs get."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.spec.errors import SpecError
from jobs.elsewhere.judge import analyse_file, describe_file, judge_table
from jobs.elsewhere.kept import kept
from jobs.elsewhere.roles import PartError, roles, suggest
from jobs.paths import Home
from jobs.report.content.sections import report_of
from jobs.report.formats.files import as_csv
from main import main
from tests.support.planted import Rates


def table(path: Path, rates: Rates, seeds: int = 5, items: int = 300, single: tuple[str, ...] = ("base",)) -> Path:
    """A CSV of outcomes drawn from each arm's chance of being right on congruent and on conflicting items."""
    rng = np.random.default_rng(7)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["arm", "seed", "item", "correct", "side", "cluster"])
        for arm, chances in rates.items():
            for seed in range(1 if arm in single else seeds):
                for n in range(2 * items):
                    side = n % 2
                    right = rng.random() < chances[side] + rng.normal(0, 0.01)
                    writer.writerow([arm, seed, f"i{n}", int(right), ("congruent", "conflicting")[side], f"c{n // 8}"])
    return path


LEARNED: Rates = {
    "base": (0.1, 0.1), "Shuffled!": (0.15, 0.14), "SFT": (0.7, 0.68), "DPO": (0.85, 0.84), "planted": (0.95, 0.2),
}  # fmt: skip
PARTS = {"treated": "DPO", "reference": "SFT", "base": "base", "format": "Shuffled!", "planted": "planted"}


def test_a_task_that_was_learned(tmp_path: Path) -> None:
    result = analyse_file(table(tmp_path / "t.csv", LEARNED), **PARTS)
    assert result.verdict.code == "learned", result.verdict
    assert [arm.label for arm in result.arms] == list(LEARNED)
    assert [arm.name for arm in result.arms] == ["base", "shuffled", "sft", "dpo", "planted"]
    primary = next(c for c in result.contrasts if c.primary)
    assert (primary.a, primary.b, primary.n_seeds) == ("dpo", "sft", 5)
    assert primary.difference == pytest.approx(0.155, abs=0.03)
    assert [step.arm for step in result.decomposition] == ["base", "shuffled", "sft", "dpo"]
    assert result.study.note == ""
    assert not result.study.primary.registered


def test_a_shortcut_that_was_sharpened(tmp_path: Path) -> None:
    rates = {**LEARNED, "DPO": (0.95, 0.45)}
    assert analyse_file(table(tmp_path / "t.csv", rates), **PARTS).verdict.code == "shortcut"


def test_nobody_said_which_direction_was_expected(tmp_path: Path) -> None:
    """What may be a large loss is no answer to whether it is higher, whichever arm is called the treated one."""
    rates = {**LEARNED, "DPO": (0.67, 0.65)}
    for treated, reference in (("DPO", "SFT"), ("SFT", "DPO")):
        parts = {**PARTS, "treated": treated, "reference": reference}
        result = analyse_file(table(tmp_path / f"{treated}.csv", rates), **parts)
        assert result.study.primary.expected == ""
        assert "by 3.0 points or more with" not in result.verdict.text
        assert "no difference in accuracy between" in result.verdict.text


def test_form_alone(tmp_path: Path) -> None:
    rates = {**LEARNED, "Shuffled!": (0.85, 0.83)}
    assert analyse_file(table(tmp_path / "t.csv", rates), **PARTS).verdict.code == "format"


def test_what_the_table_cannot_show_is_said(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rng = np.random.default_rng(1)
    rows = ["arm,seed,item,correct"]
    rows += [
        f"{arm},{seed},{n},{int(rng.random() < chance)}"
        for arm, chance in (("base", 0.3), ("a", 0.5), ("b", 0.8)) for seed in range(4) for n in range(100)
    ]  # fmt: skip
    path.write_text("\n".join(rows), encoding="utf-8")
    result = analyse_file(path)
    assert result.verdict.code == "inconclusive"
    said = " ".join((result.verdict.text, *result.verdict.reasons))
    assert "planted shortcut" in said
    assert "guessed: treated is b, reference is a, base is base" in result.notes[0]
    assert result.study.note == ""
    assert next(c for c in result.contrasts if c.primary).difference == pytest.approx(0.3, abs=0.1)


def test_runs_on_other_items_are_no_comparison(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", LEARNED, items=40)
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line for line in lines if not line.startswith("DPO,3,i7,")), encoding="utf-8")
    result = analyse_file(path, **PARTS)
    assert result.verdict.code == "inconclusive"
    assert any(not check.ok and "DPO, seed 3, lacks 1 item of" in check.detail for check in result.checks)


def test_parts_are_filled_in_and_checked() -> None:
    arms = ("tuned", "BASE", "other")
    assert roles(arms, None, None, None, None, None).base == "BASE"
    found = roles(arms, None, None, None, None, None)
    assert (found.treated, found.reference) == ("other", "tuned")
    assert roles(("a", "b"), None, None, None, None, None).reference == "a"
    with pytest.raises(SpecError, match="no arm 'x'"):
        roles(arms, "x", None, None, None, None)
    with pytest.raises(SpecError, match="two parts"):
        roles(arms, "tuned", None, "tuned", None, None)
    with pytest.raises(SpecError, match="two arms"):
        roles(("a",), None, None, None, None, None)
    with pytest.raises(SpecError, match="itself"):
        roles(arms, "tuned", "tuned", None, None, None)


def test_the_command_writes_what_was_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(tmp_path / "t.csv", LEARNED, seeds=3, items=60)
    words = [f"--{part}={arm}" for part, arm in PARTS.items()]
    home, made = tmp_path / "home", tmp_path / "out" / "r.json"
    assert (
        main(
            [
                "analyze",
                str(path),
                *words,
                "--json",
                str(made),
                "--report",
                str(tmp_path / "r.csv"),
                "--home",
                str(home),
            ]
        )
        == 0
    )
    said = capsys.readouterr().out
    assert "Verdict (" in said
    result: dict[str, Any] = json.loads(made.read_text(encoding="utf-8"))
    assert result["verdict"]["text"] in said
    assert (tmp_path / "r.csv").exists()
    page = (home / "reports" / f"{result['study']['trial']}.html").read_text(encoding="utf-8")
    assert "Shuffled!" in page
    assert list(kept(Home(home))) == [result["study"]["trial"]]
    assert main(["analyze", str(tmp_path / "none.csv"), "--home", str(home)]) == 1
    assert main(["analyze", str(path), "--treated", "nobody", "--home", str(home)]) == 2
    assert main(["analyze", str(path), "--report", "x.docx", "--home", str(home)]) == 2


def test_what_a_table_holds_is_said_before_anything_is_judged(tmp_path: Path) -> None:
    contents = describe_file(table(tmp_path / "t.csv", LEARNED, seeds=3, items=20))
    assert (contents.rows, contents.items, contents.sided) == (13 * 40, 40, True)
    assert contents.seeds == {"base": (0,), "Shuffled!": (0, 1, 2), "SFT": (0, 1, 2), "DPO": (0, 1, 2),
                              "planted": (0, 1, 2)}  # fmt: skip
    assert [(arm, seed, outcome.item) for arm, seed, outcome in contents.preview][:2] == [
        ("base", 0, "i0"), ("Shuffled!", 0, "i0"),
    ]  # fmt: skip
    guess = contents.guess
    assert (guess.treated, guess.base, guess.planted, guess.format) == ("DPO", "base", "planted", "Shuffled!")
    assert set(guess.guessed) == {"treated", "reference", "base", "format", "planted"}


def test_parts_that_were_named_need_no_note(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", LEARNED, seeds=3, items=60)
    contents = describe_file(path)
    result = judge_table(contents.table, roles(contents.seeds, **PARTS))
    assert result == analyse_file(path, **PARTS)
    assert result.notes == ()


def test_a_wrong_part_is_named() -> None:
    arms = ("base", "shuffled", "sft", "planted")
    found = suggest(arms)
    assert (found.treated, found.reference, found.format, found.planted) == ("sft", "base", "shuffled", "planted")
    assert suggest(("base", "planted")).treated == "planted"
    for part, named in (
        ("format", ("sft", "base", "base", "sft", None)),
        ("planted", ("sft", "base", "base", None, "base")),
        ("reference", ("sft", "planted", "base", None, "planted")),
        ("reference", ("sft", "sft", "base", None, None)),
        ("treated", ("nobody", None, None, None, None)),
    ):
        with pytest.raises(PartError) as caught:
            roles(arms, *named)
        assert caught.value.part == part


def test_controls_are_known_by_a_part_of_their_name() -> None:
    found = suggest(("base", "llama_shuffled_control", "sft", "dpo", "planted overlap"))
    assert (found.format, found.planted) == ("llama_shuffled_control", "planted overlap")
    assert (found.reference, found.treated) == ("sft", "dpo")
    assert suggest(("base", "my planted one", "Planted Control", "sft")).planted == "Planted Control"
    found = suggest(("base", "unplanted", "json_format", "sft"))  # neither says that it withholds something
    assert (found.format, found.planted) == (None, None)


def test_what_is_named_is_not_guessed() -> None:
    arms = ("base", "sft_shuffled", "sft", "planted")
    found = suggest(arms, treated="sft_shuffled", planted="none")
    assert (found.treated, found.format, found.planted) == ("sft_shuffled", None, None)
    assert set(found.guessed) == {"reference", "base"}
    assert suggest((*arms, "none"), planted="none").planted == "none"


def test_the_command_and_the_dialog_judge_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rates = {
        {"planted": "planted overlap", "Shuffled!": "sft_shuffled_control"}.get(a, a): r for a, r in LEARNED.items()
    }
    path = table(tmp_path / "t.csv", rates, items=100)
    contents = describe_file(path)
    dialog = judge_table(contents.table, contents.guess)
    assert analyse_file(path) == dialog
    assert main(["analyze", str(path), "--home", str(tmp_path / "home")]) == 0
    said = capsys.readouterr().out
    assert f"Verdict ({dialog.verdict.code}, exploratory): " in said
    assert said.count("so they were guessed") == 1
    assert "planted is planted overlap" in said


def test_the_command_that_repeats_it_names_every_part(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", LEARNED, seeds=2, items=20)
    contents = describe_file(path)
    result = judge_table(contents.table, roles(contents.seeds, "DPO", "SFT", "base", None, None))
    assert "--format none --planted none" in str(result.provenance["command"])
    again = analyse_file(path, treated="DPO", reference="SFT", base="base", format="none", planted="none")
    assert again.study.trial == result.study.trial


def test_a_guess_is_told_once_in_a_report(tmp_path: Path) -> None:
    report = report_of(analyse_file(table(tmp_path / "t.csv", LEARNED, seeds=2, items=20)))
    assert report.note == ""
    assert repr(report).count("Nobody named these parts") == 1


def test_a_table_that_contradicts_itself_is_noted(tmp_path: Path) -> None:
    rows = ["arm,seed,item,correct,prediction,gold"]
    rows += [
        f"{arm},{seed},{n},{int(n < 20)},{'a' if n < 20 else 'b'},a"
        for arm in ("base", "sft") for seed in (0, 1) for n in range(40)
    ]  # fmt: skip
    path = tmp_path / "t.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    assert not any("correct" in note for note in analyse_file(path).notes)
    rows[3], rows[9] = "base,0,2,0,a,a", "base,0,8,1,b,a"
    path.write_text("\n".join(rows), encoding="utf-8")
    result = analyse_file(path)
    assert "not what `prediction` and `gold` say in 2 rows, first in row 3" in result.notes[-1]
    base = next(run for arm in result.arms if arm.name == "base" for run in arm.runs)
    assert base.metrics["table.accuracy"] == pytest.approx(19 / 40 + 0 / 40)


def test_wrong_answers_have_no_type(tmp_path: Path) -> None:
    result = analyse_file(table(tmp_path / "t.csv", LEARNED, seeds=3, items=60), **PARTS)
    assert not any(result.failures.values())
    assert {flip.failure for flip in result.flips} == {""}
    assert "failures" not in {section.name for section in report_of(result).sections}


def test_an_arms_label_is_on_one_line_and_names_it_in_the_csv(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", {"base": (0.1, 0.1), "lora\n(r = 16)": (0.5, 0.5)}, seeds=2, items=20)
    result = analyse_file(path)
    assert [arm.label for arm in result.arms] == ["base", "lora (r = 16)"]
    assert "lora (r = 16) learn" in result.study.question
    figures = list(csv.DictReader(as_csv(result).splitlines()))
    assert {row["arm"] for row in figures} == {"base", "lora (r = 16)"}
    assert {row["note"] for row in figures} == {"exploratory"}


@pytest.mark.parametrize("option", ["--report", "--json"])
def test_no_report_takes_the_place_of_what_is_read(tmp_path: Path, option: str) -> None:
    path = table(tmp_path / "t.json", LEARNED, seeds=2, items=20)
    before = path.read_bytes()
    (tmp_path / "sub").mkdir()
    home = ["--home", str(tmp_path / "home")]
    assert main(["analyze", str(path), option, str(tmp_path / "sub" / ".." / "t.json"), *home]) == 2
    assert path.read_bytes() == before


def test_a_name_that_is_too_long_is_an_error_not_a_bug(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(tmp_path / "t.csv", LEARNED, seeds=2, items=20)
    made = tmp_path / f"{'x' * 260}.html"
    assert main(["analyze", str(path), "--report", str(made), "--home", str(tmp_path / "home")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_a_judged_table_is_reported_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, home = table(tmp_path / "t.csv", LEARNED, seeds=2, items=20), ["--home", str(tmp_path / "home")]
    for treated in ("DPO", "SFT"):
        assert main(["analyze", str(path), "--treated", treated, *home]) == 0
    one, two = kept(Home(tmp_path / "home"))
    assert main(["report", one, "--to", str(tmp_path / "again.md"), *home]) == 0
    assert "# Did DPO learn the task" in (tmp_path / "again.md").read_text(encoding="utf-8")
    capsys.readouterr()
    assert main(["report", "table-", "--to", str(tmp_path / "again.md"), *home]) == 2
    said = capsys.readouterr().err
    assert "More than one trial is named 'table-'" in said
    assert said.index(two) < said.index(one)  # the newest first
    assert main(["report", one, "--to", str(tmp_path / "items.csv"), "--items", *home]) == 2
