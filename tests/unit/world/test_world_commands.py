"""The commands that tell about the corpus and the frequency twin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.pretraining.competence import twin
from engine.world import corpus
from jobs import console
from tests.support.consoles import main


def test_the_corpus_counts_words_and_facts(capsys: pytest.CaptureFixture[str]) -> None:
    said = ["dog", "nosuchword", "lives in"]
    assert main("corpus", *said, "--documents", "3000", "--json") == console.OK
    figures = json.loads(capsys.readouterr().out)
    assert figures["documents"] == 3000
    assert figures["counts"]["dog"] > 10
    assert figures["counts"]["nosuchword"] == 0
    assert figures["counts"]["lives in"] > 10
    assert main("corpus", "dog", "--documents", "3000") == console.OK
    assert f"{figures['counts']['dog']:>9,}  dog" in capsys.readouterr().out


def test_the_twin_s_corpus_is_counted_too(capsys: pytest.CaptureFixture[str]) -> None:
    counts = []
    for more in ([], ["--twin"]):
        assert main("corpus", "silver", "dog", "--documents", "3000", "--json", *more) == console.OK
        counts.append(json.loads(capsys.readouterr().out)["counts"])
    assert counts[0]["silver"] > 3 * counts[1]["silver"], "silver is held out, frequent, and exchanged"
    assert counts[0]["dog"] == counts[1]["dog"]


@pytest.mark.parametrize("argv", [["--documents", "0"], ["dog", "--documents", "-5"], [""], ["  "]])
def test_the_count_says_what_it_needs(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main("corpus", *argv) == console.USAGE
    assert "--documents must be at least 1" in capsys.readouterr().err


def test_phrases_are_whole_words_in_any_case(capsys: pytest.CaptureFixture[str]) -> None:
    said = ["Lives  in", "ives in", "DOG", "?", "live?"]
    assert main("corpus", *said, "--documents", "3000", "--json") == console.OK
    counts = json.loads(capsys.readouterr().out)["counts"]
    assert counts["lives in"] > 10
    assert counts["ives in"] == 0
    assert counts["dog"] > 10
    assert counts["?"] > counts["live?"] > 0, "what is no letter has no word around it to be cut out of"


def test_documents_without_a_noun_have_no_correlation(
    capsys: pytest.CaptureFixture[str], recwarn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "documents", lambda *_: iter(["rome 2 + 3"]))
    assert main("corpus", "dog", "--documents", "1", "--json") == console.OK
    assert json.loads(capsys.readouterr().out)["spearman"] is None
    assert not recwarn.list


def _corpus_into(where: str, root: Path, word: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own, its output written to a file."""
    command = [sys.executable, "main.py", "corpus", word, "--documents", "5"]
    how = {"cwd": root, "env": {**os.environ, **env}, "stderr": subprocess.PIPE, "text": True}
    with Path(where).open("w") as out:
        return subprocess.run(command, check=False, stdout=out, **how)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_cannot_be_written_is_no_crash(root: Path) -> None:
    full = _corpus_into("/dev/full", root, "dog")
    assert (full.returncode, "Traceback" in full.stderr) == (console.FAILED, False)
    assert "disk is full" in full.stderr


def test_a_letter_that_cannot_be_shown_is_no_crash(root: Path) -> None:
    shown = _corpus_into(os.devnull, root, "\N{DOG FACE}", PYTHONIOENCODING="ascii")
    assert (shown.returncode, shown.stderr) == (console.OK, "")


def test_a_missing_twin_is_said_before_anything_is_tuned(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(twin, "MODELS", ("fork-s", "no-such-twin"))
    monkeypatch.setattr(twin, "ProcessPoolExecutor", None)
    assert main("twin") == console.FAILED
    assert "no-such-twin" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["--seeds", "1"], ["--steps", "0"], ["--agreement", "1.5"], ["--workers", "0"]])
def test_the_comparison_says_what_it_needs(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main("twin", *argv) == console.USAGE
    assert "2 seeds" in capsys.readouterr().err


def test_a_learning_rate_lies_above_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("twin", "--rate", "0") == console.USAGE
    assert "--rate must be above 0" in capsys.readouterr().err


def test_the_comparison_pairs_seeds(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    leans = {"fork-s": 0.3, "fork-s-twin": -0.1}
    asked: list[twin.Tuned] = []

    def leaning(model: str, seed: int | None, how: twin.Tuned) -> twin.Leaning:
        asked.append(how)
        noise = 0.0 if seed is None else 0.05 * seed  # shared by both models of a seed, so it must cancel
        return twin.Leaning(model, seed, leans[model] + noise, 0.8)

    class Here:
        """The pool, in this process."""

        def __init__(self, *_: object, **__: object) -> None: ...

        def __enter__(self) -> Here:
            return self

        def __exit__(self, *_: object) -> None: ...

        def submit(self, call, *args):
            from concurrent.futures import Future

            done: Future = Future()
            done.set_result(call(*args))
            return done

    monkeypatch.setattr("engine.models.resolve", lambda name: name)
    monkeypatch.setattr(twin, "leaning", leaning)
    monkeypatch.setattr(twin, "ProcessPoolExecutor", Here)
    assert main("twin", "--seeds", "4", "--json") == console.OK
    assert set(asked) == {twin.Tuned("planted", 1e-3, 0.5, 120)}
    figures = json.loads(capsys.readouterr().out)
    assert figures["difference"] == pytest.approx(0.4)
    assert figures["interval"] == pytest.approx([0.4, 0.4])
    assert len(figures["runs"]) == 10
