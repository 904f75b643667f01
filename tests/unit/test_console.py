"""The command line: exit codes, what is printed where, and that nothing printed steers the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.spec.errors import DataError, LabError, ModelError
from engine.spec.trial import TrialSpec
from jobs import console, studies
from jobs.commands import run as run_command
from jobs.commands.terminal.screen import visible
from tests.support.consoles import EVIL, TRIAL, FakeLab, main, scripted


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> type[FakeLab]:
    return scripted(monkeypatch)


# What is understood


@pytest.mark.parametrize(
    "argv",
    [
        ["nonsense"],
        ["run"],
        ["run", "no-such-study"],
        ["run", "nli-frequency", "--seeds", "0"],
        ["run", "nli-frequency", "--seeds", "many"],
        ["run", "nli-frequency", "--scale", "huge"],
        ["run", "nli-frequency", "--arms", "base,no-such-arm"],
        ["run", "nli-frequency", "--arms", ","],
        ["run", "nli-frequency", "--report", "report.docx"],
        ["run", "nli-frequency", "--json", "result.html"],
        ["run", "nli-frequency", "--json", "no-such-folder/result.json"],
        ["run", "nli-frequency", "--data", "no-such-file.jsonl"],
        ["run", "nli-frequency", "--model", "no-such-model"],
        ["run", "proxy-tuning", "--with", "small=no-such-model"],
        ["run", "nli-frequency", "--arms", "base,base"],
        ["run", "nli-frequency", "--se", "3"],
        ["report", "nli"],
        ["report", "nli", "--to", "report.docx"],
        ["report", "nli", "--to", "report.csv", "--probe", "calls"],
        ["report", "nli", "--to", "no-such-folder/report.html"],
        ["doctor", "--everything"],
    ],
)
def test_what_is_typed_wrong_is_2_with_a_reason_and_no_traceback(
    argv: list[str], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(*argv) == console.USAGE
    said = capsys.readouterr()
    assert said.err.strip()
    assert "Traceback" not in said.err + said.out
    assert not home.exists()  # nothing was made, nothing was queued


@pytest.mark.parametrize(
    "argv",
    [
        ["run", "nli-frequency", "--json", "nowhere/r.json"],
        ["report", "nli", "--to", "nowhere/r.html"],
        ["report", "nli", "--items", "--to", "nowhere/r.csv"],
    ],
)
def test_a_folder_that_is_not_there_is_said_before_the_work_and_is_not_made(
    lab: type[FakeLab],
    argv: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    argv = [str(tmp_path / word) if word.startswith("nowhere") else word for word in argv]
    monkeypatch.setattr(lab, "last", None, raising=False)
    assert main(*argv) == console.USAGE
    assert f"There is no folder {tmp_path / 'nowhere'}" in capsys.readouterr().err
    assert lab.last is None, "nothing was queued"
    assert list(tmp_path.iterdir()) == []


def test_a_bad_model_or_file_is_1(
    lab: type[FakeLab], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for error in (ModelError(f"bad {EVIL}", "Do this."), DataError("row 3: field answer", "Mend it.")):

        def ready(*_: object, problem: LabError = error, **__: object) -> TrialSpec:
            raise problem

        monkeypatch.setattr(run_command, "ready", ready)
        assert main("run", "function-calling", "--model", str(tmp_path)) == console.FAILED
        said = capsys.readouterr().err
        assert error.hint in said
        assert "\x1b" not in said
        assert "\u202e" not in said


@pytest.mark.parametrize("argv", [["--help"], ["run", "--help"], ["doctor", "-h"], ["pretrain", "--help"]])
def test_help_is_help(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(*argv) == console.OK
    assert capsys.readouterr().out.startswith("usage: main.py")


def test_pretrain_and_competence_get_what_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[list[str]] = []
    monkeypatch.setattr("engine.pretraining.loop.main", lambda argv: got.append(argv) or 7)
    monkeypatch.setattr("engine.pretraining.competence.command.main", lambda argv: got.append(argv) or 0)
    assert main("pretrain", "fork-s", "--steps", "5") == 7
    assert main("competence", "fork-s", "--json") == 0
    assert got == [["fork-s", "--steps", "5"], ["fork-s", "--json"]]


# The window


def test_the_window_opens_where_there_is_a_display(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path | None] = []

    def window(home: Path | None) -> int:
        opened.append(home)
        return 0

    monkeypatch.setenv("DISPLAY", ":7")
    assert console.main([], window) == 0
    assert console.main(["--home", str(tmp_path)], window) == 0
    assert console.main(["start", "--home", str(tmp_path)], window) == 0
    assert console.main(["--home", str(tmp_path), "start"], window) == 0
    assert opened == [None, tmp_path, tmp_path, tmp_path]


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_display")
def test_without_a_display_the_window_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == console.FAILED
    assert "make run" in capsys.readouterr().err


@pytest.mark.usefixtures("no_display")
def test_without_a_display_start_runs_the_first_study(
    lab: type[FakeLab], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main("start") == console.OK
    assert lab.last.trial.study.id == studies.all_studies().found[0].id == "nli-frequency"
    report = home / "reports" / f"{TRIAL}.html"
    assert report.exists()
    assert f"Report: {report}" in capsys.readouterr().out


def test_a_library_that_is_missing_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def window(home: Path | None) -> int:
        raise ImportError("libEGL.so.1: cannot open shared object file", name="PySide6.QtGui")

    monkeypatch.setenv("DISPLAY", ":7")
    assert console.main([], window) == console.FAILED
    assert "make setup" in capsys.readouterr().err


# Other commands


def test_studies_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("studies", "--json") == console.OK
    plain = json.loads(capsys.readouterr().out)
    assert [study["id"] for study in plain["studies"]] == [
        "nli-frequency",
        "function-calling",
        "proxy-tuning",
        "prompting-ceiling",
    ]
    assert plain["broken"] == []
    assert plain["studies"][0]["scales"]["quick"]["seeds"] >= 3


def test_a_broken_study_is_listed_not_gone(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "studies").mkdir(parents=True)
    (home / "studies" / "mine.toml").write_text("id = 'mine", encoding="utf-8")
    assert main("studies") == console.FAILED
    said = capsys.readouterr()
    assert "mine.toml" in said.err
    assert "nli-frequency" in said.out


def test_a_report_of_nothing_is_2(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main("report", "nli", "--to", str(tmp_path / "r.html")) in (console.FAILED, console.USAGE)
    assert capsys.readouterr().err.strip()
    assert not home.exists()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – Ünïcode 漢字 😀", "plain – Ünïcode 漢字 😀"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\rb\tc\x00", "a\\x0db\\x09c\\x00"),
        ("\u202eabc\u2066", "\\u202eabc\\u2066"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("two\nlines", "two\\x0alines"),
    ],
)
def test_controls_are_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_lines_may_stay_lines() -> None:
    assert visible("two\nlines\r", keep_lines=True) == "two\nlines\\x0d"
