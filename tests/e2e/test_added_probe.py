"""One more probe on a finished study measures the weights that are there; nothing is trained anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.spec.runs import RunResult
from engine.spec.study import StudySpec
from jobs import studies
from jobs.lab import Lab
from tests.support.tiny import make_model
from tests.unit.jobs.conftest import done, until

pytestmark = pytest.mark.slow


@pytest.fixture
def model(tokenizer_folder: Path, tmp_path: Path) -> Path:
    """A folder with a tiny random model, as a user would bring one."""
    from transformers import AutoTokenizer

    folder = tmp_path / "model"
    shutil.copytree(tokenizer_folder, folder)
    make_model(len(AutoTokenizer.from_pretrained(folder))).save_pretrained(folder)
    return folder


def results(lab: Lab, study: StudySpec, model: Path) -> tuple[str, dict[str, RunResult]]:
    trial = lab.enqueue(studies.plan(study, "smoke", 1, ["base", "balanced"], str(model)))
    until(lambda: done(lab), 300)
    return trial, {run.record.arm: run for run in lab.run_results(trial)}


def test_a_probe_is_added(home: Path, model: Path) -> None:
    study = studies.load("nli-frequency")
    less = study.model_copy(update={"probes": study.probes[:1]})
    with Lab(home, slots=1) as lab:
        first, before = results(lab, less, model)
        second, after = results(lab, study, model)
        losses = {trial: sum(p.name == "loss" for p in lab.curves(trial).points) for trial in (first, second)}
    assert {run.record.state for run in (*before.values(), *after.values())} == {"succeeded"}, after
    assert first != second
    assert losses[first] == study.scales["smoke"].steps
    assert losses[second] == 0
    assert after["balanced"].record.total_steps == 0
    assert after["balanced"].adapter == before["balanced"].adapter != ""
    assert ("weights", True) in [(name, "nothing was trained" in detail) for name, detail in after["balanced"].notes]
    for arm, run in before.items():
        assert run.metrics.items() <= after[arm].metrics.items(), "the same weights answer the same"
        assert len(after[arm].metrics) > len(run.metrics)
    assert [name for name, ok, _ in after["balanced"].checks if not ok] == []
