"""`run`: what it prints while it works and at its end, and its exit codes."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path

import pytest

from engine.spec.result import Look
from engine.spec.runs import Detectable
from jobs import console
from jobs.commands import run as run_command
from jobs.commands.terminal.screen import Screen
from jobs.report.content.sequential import COST
from jobs.store.records import Snapshot
from jobs.studies import Until
from tests.support.consoles import TRIAL, FakeLab, main, result, scripted, snapshot
from tests.support.looks import PLAN, seen


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> type[FakeLab]:
    return scripted(monkeypatch)


def test_what_is_fixed_and_what_can_be_found_is_said_before_any_figure(
    lab: type[FakeLab], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lab, "expected", Detectable(difference=0.161, unit="difference", basis="from a guess"))
    assert main("run", "nli-frequency", "--seeds", "2") == console.OK
    out = capsys.readouterr().out
    before = out[: out.index("loading the libraries")]
    assert "reliance on frequency is expected to be higher with 95 % agreement than with balanced" in before
    assert f"registered as {lab.last.trial.registration[:12]}" in before
    assert "finds differences from about 16 points four times in five (from a guess)" in before
    assert "Exploratory" not in out


def test_a_second_look_and_a_single_seed_are_said(
    lab: type[FakeLab], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lab, "before", (Look(trial="nli-quick-1", seeds=3),))
    assert main("run", "nli-frequency", "--seeds", "1") == console.OK
    out = capsys.readouterr().out
    assert "With one seed it finds no difference" in out
    assert "Exploratory, since figures of nli-quick-1 (3 seeds) were there when it was queued" in out


def test_a_run_prints_events_verdict_and_reports(
    lab: type[FakeLab], home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = [tmp_path / "deep" / "r.html", tmp_path / "r.csv", tmp_path / "r.json"]
    argv = ["run", "nli-frequency", "--report", str(more[0]), "--report", str(more[1]), "--json", str(more[2])]
    assert main(*argv) == console.OK
    out = capsys.readouterr().out
    lines = [line.split("s  ", 1)[-1] for line in out.splitlines()]
    wanted = [
        "loading the libraries",
        "balanced (seed 0): running on from step 5",
        "balanced (seed 0): step 5/10: loss 0.750, entailment.reliance 0.250",
        "balanced (seed 0): succeeded in 2 s",
        "Verdict (learned): It learned.",
        "These numbers mean nothing.",
    ]
    assert [line for line in lines if line in wanted] == wanted
    row = next(line for line in out.splitlines() if line.startswith("balanced ") and "\t" in line)
    assert row.split("\t")[1:] == ["71.2 % [65.0, 77.5]", "\N{MINUS SIGN}10.0 points", "1", "2.5"]
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "[bold]\\x1b[31mred" in row  # shown, not obeyed
    assert all(path.exists() for path in [*more, home / "reports" / f"{TRIAL}.html"])
    assert lab.last.calls == ["warm", "enqueue", "first 1", "first 0", "exit"]


def looked(*states: str, **trial: object) -> Snapshot:
    """A trial that goes on until it is settled."""
    plain = snapshot(*states)
    record = plain.trials[0].model_copy(update={"seeds": 12, "looks": PLAN, **trial})
    return plain.model_copy(update={"trials": (record,)})


LOOKS = [
    looked("succeeded", "running", begun=4),
    looked("succeeded", "succeeded", begun=4, at_a_look=True),
    looked("succeeded", "running", begun=6, looked=seen(), further_seconds=(95.0, 290.0)),
    looked("succeeded", "succeeded", begun=6, at_a_look=True, looked=seen(), further_seconds=(95.0, 290.0)),
    looked("succeeded", "succeeded", begun=6, looked=seen(6, "settled"), settled="settled"),
]
SAID = [
    "Look after 4 of at most 12 seeds: judging whether more seeds are needed",
    "Look after 5 of at most 12 seeds: +9.8 points [−1.2, +20.8]; goes on, probably 1 to 3 more seeds "
    "(about 2 to 5 minutes)",
    "Look after 6 of at most 12 seeds: judging whether more seeds are needed",
    "Look after 6 of at most 12 seeds: +9.1 points [+0.4, +17.2]; settled",
]


def test_a_trial_that_goes_on_until_it_is_settled_tells_its_looks(
    lab: type[FakeLab], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(FakeLab, "script", LOOKS)
    monkeypatch.setattr(
        FakeLab, "result", lambda self, trial: result().model_copy(update={"sequential": seen(6, "settled")})
    )
    monkeypatch.setattr(lab, "expected", Detectable(difference=0.161, unit="difference", basis="from a guess"))
    assert main("run", "nli-frequency", "--until-settled", "--max-seeds", "12") == console.OK
    lines = [line.split("s  ", 1)[-1] for line in capsys.readouterr().out.splitlines()]
    fixed = next(line for line in lines if line.startswith("It goes on until"))
    assert "looks after 4, 6, 8, 10 and 12 seeds; 12 seeds are the most." in fixed
    assert "share one error of 5 % (Lan and DeMets’ spending of O’Brien and Fleming’s type)" in fixed
    assert lines.index(fixed) < lines.index(SAID[0])
    assert "It finds differences from about 16 points four times in five, by its last look at the latest" in "".join(
        lines
    )
    assert [line for line in lines if line.startswith("Look after")] == SAID
    assert f"Settled after 6 seeds. {COST}" in lines
    assert lab.last.trial.looks == (4, 6, 8, 10, 12)


def test_what_had_finished_before_is_said(
    lab: type[FakeLab], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(FakeLab, "script", [snapshot("succeeded", "succeeded")])
    assert main("run", "nli-frequency") == console.OK
    out = capsys.readouterr().out
    assert out.count("had finished before") == 2
    assert "entailment.reliance 0.250" not in out  # old measurements are no news


@pytest.mark.parametrize("state", ["failed", "cancelled", "interrupted", "paused"])
def test_a_run_that_does_not_succeed_is_1_and_named(
    lab: type[FakeLab], state: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(FakeLab, "script", [snapshot("queued", "running"), snapshot("succeeded", state)])
    assert main("run", "nli-frequency") == console.FAILED
    said = capsys.readouterr()
    assert f"balanced, seed 0: {state}" in said.err
    assert "1 of 2 runs did not succeed" in said.err
    assert "Verdict" in said.out  # from what there is
    assert "\x1b" not in said.err + said.out


def test_signals_are_as_they_were_after_a_run(lab: type[FakeLab]) -> None:
    before = signal.getsignal(signal.SIGINT)
    assert main("run", "nli-frequency") == console.OK
    assert signal.getsignal(signal.SIGINT) is before


def test_a_queue_that_stands_still_is_said(
    lab: type[FakeLab], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = snapshot("succeeded", "queued", paused=True, reason="The disk is full.")
    monkeypatch.setattr(FakeLab, "script", [full])
    assert main("run", "nli-frequency") == console.FAILED
    assert "The disk is full." in capsys.readouterr().err
    assert "resume" in lab.last.calls  # it was asked to go on, once


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_with_checkpoints(
    lab: type[FakeLab], signum: int, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def strike(look: int) -> None:
        if look == 3:
            os.kill(os.getpid(), signum)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setattr(FakeLab, "script", [snapshot("queued", "running")])
    monkeypatch.setattr(FakeLab, "during", staticmethod(strike))
    try:
        assert main("run", "nli-frequency") == code
        assert signal.getsignal(signum) is signal.SIG_IGN  # a second one must not cut the end short
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert lab.last.calls[-2:] == ["close", "exit"]
    assert "the same command goes on from there" in capsys.readouterr().err


def drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch, request: run_command.Request) -> str:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out, err = Terminal(), Terminal()
    screen = Screen(out, err)
    assert screen.live
    assert run_command.run(request, screen) == 0
    return out.getvalue()


def test_looks_stay_above_what_is_drawn(lab: type[FakeLab], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeLab, "script", LOOKS)
    request = run_command.Request(study="nli-frequency", until=Until())
    drawn = drawn_on_a_terminal(monkeypatch, request)
    for said in (SAID[1], SAID[3]):
        assert drawn.count(said) == 1


def test_progress_is_drawn_on_a_terminal(lab: type[FakeLab], monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = drawn_on_a_terminal(monkeypatch, run_command.Request(study="nli-frequency"))
    assert "1/1 runs" in drawn
    assert "2/2 runs" in drawn
    assert "\\x1b[31mred" in drawn
    assert "\x1b[31mred" not in drawn
