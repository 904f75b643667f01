"""A study's further models and the arms that need each other's weights, from the command line to the trial."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import models
from engine.models import bundled
from engine.run import sources
from engine.run.planned import runs_of
from engine.spec.errors import ModelError, SpecError
from engine.spec.reference import DataRef, ModelRef
from engine.spec.study import ArmSpec, StudySpec
from jobs import console, launch, studies
from jobs.paths import Home
from tests.unit.jobs import fakes


@pytest.fixture(autouse=True)
def _stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(name: str | None, downloads: Path | None = None) -> ModelRef:
        if name == "gone":
            raise ModelError("There is no model named 'gone'.", "Name another.")
        return ModelRef(name=name or bundled.names()[0], path="p", digest=f"d-{name or 'base'}")

    def prepare(study: StudySpec, path: Path | None, **how: object) -> sources.Prepared:
        return sources.Prepared(DataRef(source=study.data), None)  # type: ignore[arg-type]

    monkeypatch.setattr(models, "resolve", resolve)
    monkeypatch.setattr(sources, "prepare", prepare)


def study() -> StudySpec:
    """Arms: `plain` needs `odd`; `small` is run on the further model."""
    made = fakes.study(needs="odd")
    small = ArmSpec(name="small", label="Small", method="fake", settings={"n": 3}, model="little")
    return made.model_copy(update={"arms": (*made.arms, small), "models": {"little": "fork-s"}})


def test_each_role_is_the_studys_own_unless_another_is_chosen() -> None:
    usual, other = studies.plan(study(), "smoke"), studies.plan(study(), "smoke", models={"little": "mine"})
    assert usual.models["little"].digest == "d-fork-s"
    assert other.models["little"].digest == "d-mine"
    assert usual.id != other.id
    runs = [{run.arm: run.hash for run in runs_of(trial)} for trial in (usual, other)]
    assert runs[0]["plain"] == runs[1]["plain"]
    assert runs[0]["small"] != runs[1]["small"]
    assert studies.prepare(study(), "smoke", models={"little": "mine"}).own


def test_a_role_that_is_not_there_and_a_model_that_is_not_there_are_refused() -> None:
    with pytest.raises(SpecError, match="no further model 'larger'") as caught:
        studies.plan(study(), "smoke", models={"larger": "mine"})
    assert "little" in caught.value.hint
    with pytest.raises(ModelError, match="The model for 'little': There is no model named 'gone'"):
        studies.plan(study(), "smoke", models={"little": "gone"})


def test_choosing_an_arm_adds_what_it_needs_and_says_so(home: Path) -> None:
    made = studies.prepare(study(), "smoke", 1, ["plain"])
    assert made.trial.arms == ("plain", "odd")
    assert made.added == ("odd",)
    assert [run.arm for run in runs_of(made.trial)] == ["odd", "plain"]
    assert launch.added(made) == "Odd is run as well: a chosen arm needs its weights."
    told: list[str] = []
    launch.ready(Home.at(home), fakes.study(needs="odd"), "smoke", 1, ["odd"], tell=told.append)
    assert told == []


@pytest.mark.parametrize(("base", "little", "warned"), [("fork-m", "fork-s", 0), ("fork-s", "fork-s", 1),
                                                        ("fork-s", "fork-m", 1), ("big", "fork-m", 0)])  # fmt: skip
def test_models_that_are_not_of_the_sizes_that_the_study_means_are_said(
    home: Path, monkeypatch: pytest.MonkeyPatch, base: str, little: str, warned: int
) -> None:
    large = {"fork-s": 3_000_000, "fork-m": 9_000_000, "big": 90_000_000}

    def resolve(name: str | None, downloads: Path | None = None) -> ModelRef:
        return ModelRef(name=str(name), path="p", digest=f"d-{name}", parameters=large[str(name)])

    monkeypatch.setattr(models, "resolve", resolve)
    monkeypatch.setattr(bundled, "names", lambda: list(large))
    told: list[str] = []
    asked = study().model_copy(update={"model": "fork-m"})
    launch.ready(Home.at(home), asked, "smoke", 1, model=base, models={"little": little}, tell=told.append)
    assert len(told) == warned
    assert all(f"The model for 'little' ({little}, " in said and "not smaller than the base" in said for said in told)


def test_arms_that_need_each_other_are_refused() -> None:
    made = study()
    odd = made.arm("odd").model_copy(update={"settings": {"arm": "plain", "n": 1}})
    circle = made.model_copy(update={"arms": (made.arm("plain"), odd)})
    with pytest.raises(SpecError, match="in a circle"):
        studies.plan(circle, "smoke")


@pytest.mark.parametrize("text", ["little", "=mine", "little="])
def test_the_command_line_wants_a_role_and_a_model(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert console.main(["run", "nli-frequency", "--with", text], lambda _: 1) == console.USAGE
    assert "is no ROLE=MODEL" in capsys.readouterr().err


def test_a_role_is_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["run", "nli-frequency", "--with", "little=a", "--with", "little=b"]
    assert console.main(asked, lambda _: 1) == console.USAGE
    assert "names 'little' twice" in capsys.readouterr().err
