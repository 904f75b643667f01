"""Kinds of trials whose verdicts were once false, each planted anew, judged as a table from elsewhere is."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from random import Random

import pytest

from engine.spec.result import Result
from jobs.elsewhere.judge import analyse_file
from tests.support.planted import Rates

PARTS = {"treated": "new", "reference": "sft", "base": "base", "planted": "planted"}
PLANTED = (0.95, 0.25)
SEEDS = 8
Rows = list[list[str]]


def rows_of(rates: Rates, seeds: int = SEEDS, items: int = 1_200, seed: int = 0) -> Rows:
    """Outcomes of arms that are right so often where the shortcut helps, and where it misleads; the base has one run.

    Half of the items are as hard for every run, as items are.
    """
    rng = Random(seed)
    hard = [rng.random() if rng.random() < 0.5 else None for _ in range(items)]
    rows = []
    for arm, chances in rates.items():
        for run in range(1 if arm == "base" else seeds):
            luck = rng.gauss(0, 0.01)
            for n in range(items):
                own = hard[n]
                right = (rng.random() if own is None else own) < chances[n % 2] + luck
                side = ("congruent", "conflicting")[n % 2]
                rows.append([arm, str(run), f"i{n}", str(int(right)), f"c{n // 8}", side])
    return rows


def judged(folder: Path, rows: Rows, **parts: str) -> Result:
    path = folder / "table.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["arm", "seed", "item", "correct", "cluster", "side"], *rows])
    return analyse_file(path, None, None, **{**PARTS, **parts})


KINDS: dict[str, tuple[Rates, str, tuple[str, ...]]] = {
    "worse than the base": (
        {"base": (0.75, 0.75), "sft": (0.75, 0.75), "new": (0.62, 0.62)},
        "worse",
        (
            r"^new is less accurate than base \(−",
            "it was shown not to lean",
            "accuracy is lower with new than with sft",
        ),
    ),
    "the loss of an opposite lean": (
        {"base": (0.36, 0.78), "sft": (0.40, 0.80), "new": (0.76, 0.75)},
        "debiased",
        (r"^new lost the lean of sft against the shortcut \([+−]", r"sft: −\d", "and is more accurate than sft"),
    ),
    "the loss of a lean without a gain": (
        {"base": (0.82, 0.48), "sft": (0.82, 0.48), "new": (0.65, 0.65)},
        "debiased",
        (r"^new lost the lean of sft on the shortcut", "is not less accurate than sft by 3.0 points or more"),
    ),
    "it gained and leans as all others do": (
        {"base": (0.78, 0.38), "sft": (0.78, 0.38), "new": (0.93, 0.53)},
        "mixed",
        (
            r"^new is more accurate than base \(",
            "also where the shortcut misleads, and leans on the shortcut",
            r"base: \+\d",
        ),
    ),
    "it leans, and gained where that helps alone": (
        {"base": (0.62, 0.38), "sft": (0.92, 0.36), "new": (0.93, 0.36)},
        "shortcut",
        ("not more accurate by 3.0 points or more where|more accurate|leans on it more than base",),
    ),
    "nothing changed": (
        {"base": (0.7, 0.7), "sft": (0.7, 0.7), "new": (0.7, 0.7)},
        "equal",
        ("^new and base differ in accuracy by less than 3.0 points, too little to matter",),
    ),
    "a better reference": (
        {"base": (0.55, 0.55), "sft": (0.82, 0.81), "new": (0.70, 0.70)},
        "learned",
        ("it is more accurate than base", "accuracy is lower with new than with sft"),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_verdict_of_a_kind(kind: str, tmp_path: Path) -> None:
    rates, code, said = KINDS[kind]
    items = 3_200 if kind == "nothing changed" else 1_200
    verdict = judged(tmp_path, rows_of({**rates, "planted": PLANTED}, items=items)).verdict
    assert verdict.code == code, (verdict.text, verdict.reasons)
    for words in said:
        assert re.search(words, verdict.text), verdict.text


def test_a_base_that_can_do_nothing_is_no_measure_of_leaning(tmp_path: Path) -> None:
    """What was said to lean "at most 3.0 points more" leaned by 18, beside a base that answered hardly anything."""
    rates = {"base": (0.02, 0.01), "new": (0.80, 0.61), "planted": PLANTED}
    verdict = judged(tmp_path, rows_of(rates), reference="base").verdict
    assert verdict.code == "mixed"
    assert re.search(r"leans on the shortcut \(\+1\d\.\d points \[", verdict.text)
    assert "at most" not in verdict.text


def shape(result: Result) -> tuple:
    """What is said and what is found, without arms' names."""
    text = " ".join((result.verdict.text, *(check.detail for check in result.checks if "control" in check.name)))
    return result.verdict.code, re.sub(r"[\d.]+", "N", text), [round(c.difference, 12) for c in result.contrasts]


def test_names_and_order_change_nothing_but_names(tmp_path: Path) -> None:
    rows = rows_of({"base": (0.55, 0.55), "sft": (0.82, 0.81), "new": (0.70, 0.70), "planted": PLANTED}, seeds=5)
    plain = judged(tmp_path, rows)
    rng = Random(5)
    names = {f"i{n}": f"{rng.random():.9f}" for n in range(1_200)}
    items = judged(tmp_path, [[arm, run, names[item], *rest] for arm, run, item, *rest in rows])
    assert items.verdict == plain.verdict, "renaming items"
    assert [c.detail for c in items.checks] == [c.detail for c in plain.checks]
    order = {arm: at for at, arm in enumerate(("base", "sft", "new", "planted"))}
    turned = judged(tmp_path, sorted(rng.sample(rows, len(rows)), key=lambda row: order[row[0]]))
    assert (turned.verdict, turned.contrasts) == (plain.verdict, plain.contrasts), "the order of rows"
    seeds = judged(tmp_path, [[arm, str((int(run) * 3 + 1) % 5), *rest] for arm, run, *rest in rows if arm != "base"]
                   + [["base", "7", *rest] for arm, _, *rest in rows if arm == "base"])  # fmt: skip
    assert shape(seeds) == shape(plain), "relabelling seeds"
    other = {"new": "sft", "sft": "new", "base": "base", "planted": "planted"}
    arms = judged(
        tmp_path, [[other[row[0]], *row[1:]] for row in rows], treated="sft", reference="new"
    )  # the same arms, under each other's name
    swapped = re.sub(r"\b(new|sft)\b", lambda found: other[found[0]], arms.verdict.text)
    assert re.sub(r"[\d.]+", "N", swapped) == re.sub(r"[\d.]+", "N", plain.verdict.text), "relabelling arms"


def copied(rows: Rows, arm: str, seed: str, of: tuple[str, str]) -> Rows:
    """The rows with a run's outcomes in the place of another's."""
    right = {item: correct for one, run, item, correct, *_ in rows if (one, run) == of}
    return [
        [one, run, item, right[item] if (one, run) == (arm, seed) else correct, *rest]
        for one, run, item, correct, *rest in rows
    ]


def test_copies_are_told_wherever_they_are(tmp_path: Path) -> None:
    """One run of an arm under another arm's name, and an arm of which some seeds are one run."""
    rows = rows_of({"base": (0.55, 0.55), "sft": (0.75, 0.75), "new": (0.70, 0.70), "planted": PLANTED}, seeds=4)
    across = judged(tmp_path, copied(rows, "new", "2", ("sft", "2")))
    told = next(check for check in across.checks if check.name == "copies")
    assert not told.ok
    assert "sft (seed 2) and new (seed 2) have the same outcome on each of 1200 items" in told.detail
    assert across.verdict.code == "inconclusive"
    some = judged(tmp_path, copied(copied(rows, "new", "1", ("new", "0")), "new", "3", ("new", "0")))
    told = next(check for check in some.checks if check.name == "copies")
    assert not told.ok
    assert "new: seeds 0, 1 and 3 have the same outcome" in told.detail
    assert "Seeds that are the same count as one" in told.detail
    assert next(c for c in some.contrasts if c.primary).n_seeds == 2
    assert some.verdict.code == "inconclusive"
