"""`check`: what was understood is printed, nothing is queued, and no text of a user steers the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.spec.errors import DataError
from engine.spec.trial import TrialSpec
from engine.spec.understanding import Cost, Fit, Inspection, Refused, Understanding
from jobs import console
from jobs.inspecting import kept
from tests.support.consoles import EVIL, main
from tests.support.userfiles import chat_row

FIT = Fit(
    language="as Hermes does", context=512, prompt_tokens=300, answer_tokens=40, limit=72, prompt=f"<user>{EVIL}\nmore",
    answer="call", refused=(Refused(row=3, example="e", reason="no"),), refused_count=1, refused_rows=(3,),
)  # fmt: skip
COST = Cost(method="sft", arms=("sft", "shuffled"), seconds=100, low=80, high=300, memory=12 * 10**8, basis="measured")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "calls.jsonl"
    path.write_text("".join(json.dumps(chat_row(at)) + "\n" for at in range(60)))
    return path


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[TrialSpec]:
    """Trials that were looked at, by what stands for the look."""
    seen: list[TrialSpec] = []

    def inspect(home: Any, trial: TrialSpec, understanding: Understanding | None = None, **_: Any) -> Inspection:
        seen.append(trial)
        if not trial.data.skip_bad_rows:
            return Inspection(
                understanding=understanding, fit=FIT.model_copy(update={"refused_count": 0, "refused_rows": ()}),
                costs=(COST,), seconds=(240.0, 360.0), memory=COST.memory, warnings=(f"Mind {EVIL}.",),
            )  # fmt: skip
        return Inspection(understanding=understanding, fit=FIT)

    monkeypatch.setattr(kept, "inspect", inspect)
    return seen


def test_what_was_understood_is_printed(
    looked: list[TrialSpec], file: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main("check", "function-calling", "--data", str(file), "--scale", "smoke", "--batch", "4") == console.OK
    said = capsys.readouterr().out
    for part in (
        "calls.jsonl", "OpenAI", "as Hermes does",
        "300 tokens", "40 tokens", "sft, shuffled: 1 to 5 minutes and 1.2 GB",
        "4 to 6 minutes", "The first example, as the model sees it", "the answer begins here", "Mind: ",
        "Nothing was queued.", "the verdict will be inconclusive",
    ):  # fmt: skip
        assert part in said, part
    assert "\x1b" not in said
    assert looked[0].settings.batch_size == 4
    assert not list((home / "trials").glob("*"))


def test_as_json(looked: list[TrialSpec], file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main("check", "function-calling", "--data", str(file), "--skip-bad-rows", "--json") == console.OK
    plain = json.loads(capsys.readouterr().out)
    assert plain["inspection"]["fit"]["refused_rows"] == [3]
    without = looked[0].model_copy(update={"data": looked[0].data.model_copy(update={"without": (3,)})})
    assert plain["trial"] == without.id


def test_a_refusal_is_1_with_its_rows(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any, **__: Any) -> Inspection:
        raise DataError("The model cannot say 1 of the right answers:\n- row 3: no", "Nothing was queued.")

    monkeypatch.setattr(kept, "inspect", refuse)
    assert main("check", "function-calling", "--data", str(file)) == console.FAILED
    said = capsys.readouterr()
    assert "- row 3: no" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("argv", [["check"], ["check", "no-such"], ["check", "function-calling", "--grader", "bfcl"]])
def test_what_is_typed_wrong_is_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(*argv) == console.USAGE
    assert capsys.readouterr().err.strip()


@pytest.mark.parametrize("argv", [("nli-frequency", "--model", "/nope"), ("proxy-tuning", "--with", "small=ghost")])
def test_a_model_that_is_not_there_was_typed_wrong(
    argv: tuple[str, ...], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main("check", *argv) == console.USAGE
    assert "There is no model named" in capsys.readouterr().err
