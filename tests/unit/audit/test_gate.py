"""A study whose audit fails is told so before it is queued, and gives no verdict."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from engine.analysis.analysis import analyse
from engine.spec.audit import Audit, Balance, PartAlone, Seen
from engine.spec.trial import TrialSpec
from jobs import auditing, launch
from jobs.commands.audit import Question, audit
from jobs.commands.terminal.screen import Screen
from jobs.paths import Home
from jobs.report.content.sections import report_of
from jobs.studies import load
from tests.support.planted import NLI, make_runs, make_trial

TELLS = PartAlone(
    part="the hypothesis' noun", of="the label", arms=("95 % agreement",), side="congruent", accuracy=0.81, chance=0.5,
    ci=(0.63, 0.98), ok=False,
)  # fmt: skip
EVEN = Balance(
    part="the rest", of="the label", arms=(), values=9, p=0.4, most="paris: yes, right in 3 of 5, by lot 2.5"
)
BOTH = Seen(part="the hypothesis' noun", of="the label", arms=("95 % agreement",), measured=65, trained=65)
FAILS = Audit(within=0.03, alone=(TELLS,), balance=(EVEN,), seen=(BOTH,), even=("balanced",), seeds=5)
PASSES = FAILS.model_copy(update={"alone": (TELLS.model_copy(update={"ok": True, "accuracy": 0.5}),)})
SAID = "From the hypothesis' noun alone a simple model gets the label right in 81 % [63, 98] on congruent items"


@pytest.fixture
def one_audit(monkeypatch: pytest.MonkeyPatch) -> list[TrialSpec]:
    """Every trial fails its audit; what was asked."""
    asked: list[TrialSpec] = []
    monkeypatch.setattr(auditing, "audited", lambda trial: asked.append(trial) or FAILS)
    return asked


def test_a_study_that_fails_is_told_so_and_audited_once(tmp_path: Path, one_audit: list[TrialSpec]) -> None:
    home, told = Home.at(tmp_path).create(), list[str]()
    first = launch.ready(home, load("nli-frequency"), "smoke", tell=told.append)
    again = launch.ready(home, load("nli-frequency"), "smoke", tell=told.append)
    assert first.audit == again.audit == FAILS
    assert len(one_audit) == 1
    assert len(told) == 2
    assert told[0].startswith(f"The design audit fails, so there will be no verdict. {SAID}")
    launch.ready(home, load("nli-frequency"), "smoke", seeds=1)
    assert len(one_audit) == 2, "another number of seeds shows other examples"
    bare = first.model_copy(update={"audit": None})
    assert (bare.id, bare.registration) == (first.id, first.registration)


def test_what_is_kept_and_cannot_be_read_is_audited_anew(tmp_path: Path, one_audit: list[TrialSpec]) -> None:
    home = Home.at(tmp_path).create()
    launch.ready(home, load("nli-frequency"), "smoke")
    (kept,) = home.audits.glob("*.json")
    kept.write_text('{"within": "wide"}', encoding="utf-8")
    assert launch.ready(home, load("nli-frequency"), "smoke").audit == FAILS
    assert len(one_audit) == 2
    assert Audit.model_validate_json(kept.read_text(encoding="utf-8")) == FAILS


def test_a_result_with_a_failed_audit_is_inconclusive_and_says_why() -> None:
    trial = make_trial("nli-frequency", 5)
    runs = make_runs(trial, NLI, items=800, clusters=40)
    found = {name: analyse(trial.model_copy(update={"audit": of}), runs) for name, of in
             (("none", None), ("passes", PASSES), ("fails", FAILS))}  # fmt: skip
    assert found["none"].verdict.code == found["passes"].verdict.code == "shortcut"
    assert found["fails"].verdict.code == "inconclusive"
    assert "no part of the input alone tells the answer" in found["fails"].verdict.text
    assert any(SAID in reason for reason in found["fails"].verdict.reasons)
    assert found["fails"].audit == FAILS
    assert "audit" not in {check.name for check in found["none"].checks}


def test_the_report_shows_the_audit_and_how_hard_the_sides_are() -> None:
    trial = make_trial("nli-frequency", 3).model_copy(update={"audit": FAILS})
    (section,) = (s for s in report_of(analyse(trial, make_runs(trial, NLI))).sections if s.name == "audit")
    words = repr(section)
    assert SAID in words
    assert "81.0 % [63.0, 98.0]" in words
    assert "no, and it does" in words
    assert "base (nothing trained)" in words
    assert "balanced (right as often as wrong)" in words
    assert "agree-95" not in words.partition("Sides that differ")[2]
    plain = make_trial("nli-frequency", 3)
    assert "audit" not in {s.name for s in report_of(analyse(plain, make_runs(plain, NLI))).sections}


def test_the_command_prints_every_figure_and_fails_where_the_audit_does(
    tmp_path: Path, one_audit: list[TrialSpec]
) -> None:
    out = io.StringIO()
    assert audit(Question("nli-frequency", scale="smoke", home=tmp_path), Screen(out, out)) == 1
    assert "the hypothesis' noun\tthe label\t95 % agreement\tcongruent\t81.0 % [63.0, 98.0]" in out.getvalue()
    assert "paris: yes, right in 3 of 5, by lot 2.5" in out.getvalue()
    assert "65 of 65" in out.getvalue()
    assert out.getvalue().splitlines()[-1].startswith(SAID)
    out = io.StringIO()
    assert audit(Question("nli-frequency", scale="smoke", home=tmp_path, as_json=True), Screen(out, out)) == 1
    assert json.loads(out.getvalue())["alone"][0]["accuracy"] == 0.81
