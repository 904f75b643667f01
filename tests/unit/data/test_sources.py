"""References to data: cheap for the bundled world, complete for a user's file, and true to what was queued."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine import world
from engine.run import sources
from engine.spec.errors import DataError, SpecError
from engine.spec.reference import DataRef
from engine.spec.study import StudySpec
from jobs.studies import load as study_of
from tests.support.userfiles import BROKEN, write_bfcl, write_chat


@pytest.fixture
def study() -> StudySpec:
    return study_of("function-calling")


def test_bundled_references_are_cheap_and_change_with_the_world(
    study: StudySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "study_data", lambda *_: pytest.fail("the data were made"))
    ref = sources.resolve(study, None)
    assert ref.source == study.data
    assert len(ref.digest) == 64
    monkeypatch.setattr(world, "VERSION", "another")
    assert sources.resolve(study, None).digest != ref.digest
    with pytest.raises(DataError, match="have changed"):
        sources.load(ref)


@pytest.mark.parametrize("name", ["world.tools", "world.entailment"])
def test_bundled_data_load(name: str, study: StudySpec) -> None:
    data = sources.load(sources.resolve(study.model_copy(update={"data": name}), None))
    assert data.train
    assert data.items


def test_a_file_is_split_the_same_wherever_it_lies(study: StudySpec, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one = sources.resolve(study, write_chat(tmp_path / "mine.jsonl"))
    two = sources.resolve(study, str(write_chat(tmp_path / "other" / "mine.jsonl")))
    assert one.digest == two.digest
    assert one.source == two.source == sources.FILE
    assert sources.load(one) == sources.load(two)
    assert sources.load(one).name == "mine.jsonl"


def test_a_file_that_changed_is_refused(study: StudySpec, tmp_path: Path) -> None:
    path = write_bfcl(tmp_path / "mine.json")
    ref = sources.resolve(study, path)
    answers = tmp_path / "possible_answer" / "mine.json"
    answers.write_text(answers.read_text(encoding="utf-8").replace("Rome", "Roma"), encoding="utf-8")
    with pytest.raises(DataError, match="has changed"):
        sources.load(ref)
    path.unlink()
    with pytest.raises(DataError, match="does not exist"):
        sources.load(ref)


def test_what_cannot_be_resolved(study: StudySpec, tmp_path: Path) -> None:
    closed = study.model_copy(update={"accepts_data": False})
    with pytest.raises(SpecError, match="takes no file"):
        sources.resolve(closed, write_chat(tmp_path / "mine.jsonl"))
    with pytest.raises(SpecError, match="names data"):
        sources.resolve(study.model_copy(update={"data": "moon"}), None)
    with pytest.raises(DataError, match="no data named"):
        sources.load(DataRef(source="moon"))
    with pytest.raises(DataError):
        sources.resolve(study, BROKEN["unknown role"].make(tmp_path))
    with pytest.raises(DataError):
        sources.resolve(study, "a\0b")


def test_reading_data_brings_no_torch(root: Path) -> None:
    code = "import sys, engine.run.sources, engine.models; print({'torch', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
