"""What was understood of a file, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.run import sources
from engine.spec.understanding import Fit, Inspection
from jobs.inspecting.words import GRADERS, brief, facts, grader_words
from jobs.studies import load as study_of
from tests.support.userfiles import bfcl_row, chat_row, write_lines


def test_a_file_of_two_kinds_of_rows_is_described(tmp_path: Path) -> None:
    rows = [chat_row(at) for at in range(20)]
    for at in range(20, 40):
        question, answer = bfcl_row(at)
        rows.append({**question, "ground_truth": answer["ground_truth"]})
    found = sources.prepare(study_of("function-calling"), write_lines(tmp_path / "mine.jsonl", rows)).understanding
    assert found is not None
    assert found.grader == "strict and bfcl"
    said = dict(facts(found))["Calls are compared"]
    assert all(words in said for words in GRADERS.values())
    lines = brief(Inspection(understanding=found, fit=Fit(context=1, prompt_tokens=1, answer_tokens=1, limit=1)))
    assert said in lines[0]


@pytest.mark.parametrize("grader", GRADERS)
def test_one_grader_is_said_in_its_own_words(grader: str) -> None:
    assert grader_words(grader) == GRADERS[grader]


def test_two_graders_are_said_with_the_rows_they_are_for() -> None:
    assert grader_words("bfcl and strict") == (
        f"the leaderboard's rows {GRADERS['bfcl']}; rows of other forms {GRADERS['strict']}"
    )
