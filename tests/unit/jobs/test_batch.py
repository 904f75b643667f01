"""Runs outside the queue: each is run once, divergence is an answer, and every other failure ends all."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.run.planned import runs_of
from engine.spec.errors import Diverged, RunError
from engine.spec.run import RunSpec
from engine.tuning.journal import finished
from jobs.executors import batch
from jobs.executors.batch import run_all
from tests.unit.jobs import fakes
from tests.unit.jobs.fakes import launcher


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine import methods

    monkeypatch.setattr(methods, "found", fakes.known)


def run(specs: list[RunSpec], root: Path) -> tuple[dict[str, object], list[str]]:
    ended: list[str] = []
    return dict(run_all(specs, root, launcher(), 2, lambda spec: ended.append(spec.hash))), ended


def test_every_run_ends_and_none_is_run_again(tmp_path: Path) -> None:
    specs, root = runs_of(fakes.trial()), tmp_path / "recipes"
    diverged, ended = run([*specs, specs[0]], root)
    assert diverged == {}
    assert sorted(ended) == sorted(spec.hash for spec in specs)
    assert all(finished(root / spec.hash) for spec in specs)
    before = {path: path.stat().st_mtime_ns for path in root.glob("*/events.ndjson")}
    assert run(specs, root)[1] == [spec.hash for spec in specs]
    assert {path: path.stat().st_mtime_ns for path in root.glob("*/events.ndjson")} == before


def test_a_run_that_diverged_is_told_and_not_tried_again(tmp_path: Path) -> None:
    specs, root = runs_of(fakes.trial(fakes.study(trouble="diverged"), seeds=1)), tmp_path / "recipes"
    plain, odd = specs
    for _ in range(2):
        diverged, ended = run(specs, root)
        assert list(diverged) == [odd.hash]
        assert isinstance(diverged[odd.hash], Diverged)
        assert sorted(ended) == sorted([plain.hash, odd.hash])
    assert (root / odd.hash / "run.log").read_text(encoding="utf-8").count("--- attempt") == 1


def test_another_failure_ends_all_and_says_what_happened(tmp_path: Path) -> None:
    specs = runs_of(fakes.trial(fakes.study(trouble="bug"), seeds=1))
    with pytest.raises(RunError, match="A bug stopped this run: KeyError"):
        run(specs, tmp_path / "recipes")


def test_an_interrupted_command_leaves_checkpoints_and_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs, root = runs_of(fakes.trial(fakes.study(seconds=0.2), seeds=1)), tmp_path / "recipes"

    def interrupted(seconds: float) -> None:
        if any(path.stat().st_size for path in root.glob("*/events.ndjson")):
            raise KeyboardInterrupt

    monkeypatch.setattr(batch.time, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(specs, root)
    monkeypatch.undo()
    monkeypatch.setattr("engine.methods.found", fakes.known)
    assert not any(finished(root / spec.hash) for spec in specs)
    assert list(root.glob("*/checkpoint.json"))
    run(specs, root)
    assert all(finished(root / spec.hash) for spec in specs)
