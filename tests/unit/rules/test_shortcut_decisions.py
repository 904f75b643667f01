"""The rule "shortcut" decides as it did when it was the only rule: its verdicts of that time, on invented figures."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.analysis.figures import metrics_of
from engine.rules import Case, Decision, decide, rule_of
from jobs.studies import load
from tests.support.invented import Invented

STORED = json.loads((Path(__file__).parents[2] / "data" / "verdicts" / "shortcut.json").read_text("utf-8"))
REWORDED = ("could not be compared with", "was not measured")
"""How missing figures were called; all rules have one sentence for them now."""
CODES = {"learned": "l", "format": "f", "shortcut": "s", "mixed": "m", "inconclusive": "i"}


@cache
def study_and_metrics(name: str) -> tuple[Any, Any]:
    study = load(name)
    return study, metrics_of(study)


def decided(name: str, seed: int) -> Decision:
    """The verdict of the case of that number; some lack a run, fail a check or were looked at."""
    study, metrics = study_and_metrics(name)
    odd = seed % 10
    case = Case(
        study,
        Invented(metrics, seed),  # type: ignore[arg-type]
        (12, 11 if odd == 0 else 12),
        seed % 20 == 1,
        [("the check", "Its detail.")] if seed % 20 == 2 else [],
        "since it was looked at" if odd == 3 else "",
    )
    return decide(rule_of(study), case)


@pytest.mark.parametrize("name", STORED["codes"])
def test_every_code_is_as_it_was(name: str) -> None:
    codes = STORED["codes"][name]
    found = "".join(CODES[decided(name, seed).code] for seed in range(len(codes)))
    assert found == codes
    assert {code for code in "lsmi" if code in codes} == set("lsmi"), "the cases reach nearly every verdict"


def test_every_word_is_as_it_was() -> None:
    kept = [s for s in STORED["words"] if not any(words in " ".join(s["reasons"]) for words in REWORDED)]
    assert len(kept) > 100
    for stored in kept:
        found = decided(stored["study"], stored["seed"])
        assert (found.code, found.text, list(found.reasons)) == (stored["code"], stored["text"], stored["reasons"])
