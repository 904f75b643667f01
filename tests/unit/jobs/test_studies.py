from __future__ import annotations

from pathlib import Path

import pytest

from engine.run.planned import runs_of
from engine.spec.errors import SpecError
from engine.spec.reference import DataRef, ModelRef
from jobs import studies

FIRST = studies.BUNDLED / "nli-frequency.toml"


def edited(folder: Path, before: str, after: str, name: str = "mine") -> Path:
    text = FIRST.read_text(encoding="utf-8").replace('id = "nli-frequency"', f'id = "{name}"', 1)
    assert before in text
    path = folder / f"{name}.toml"
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    return path


def test_every_bundled_study_loads() -> None:
    found = studies.all_studies()
    assert found.broken == ()
    assert [s.id for s in found.found][:2] == ["nli-frequency", "function-calling"]


def test_a_larger_scale_measures_no_less() -> None:
    for study in studies.all_studies().found:
        smoke, quick, full = (study.scales[name] for name in ("smoke", "quick", "full"))
        for size in ("seeds", "steps", "train_examples", "items"):
            assert getattr(smoke, size) <= getattr(quick, size) <= getattr(full, size), (study.id, size)


def test_a_users_study_stands_beside_the_bundled(tmp_path: Path) -> None:
    edited(tmp_path, "order = 1", "order = 0")
    assert studies.load("mine", [tmp_path]).order == 0


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('method = "sft"', 'method = "sfft"', "arms.1.method"),
        (
            "settings = { learning_rate = 3e-5 }",
            "settings = { rank = 0 }",
            "settings of the arm 'balanced': rank: Input",
        ),
        (
            "settings = { learning_rate = 3e-5 }",
            "settings = { lerning_rate = 4 }",
            "settings of the arm 'balanced': lerning_rate: there is no such field. There are: learning_rate, rank,",
        ),
        ('method = "sft"', 'method = "sft"\ndata = { no_such = 1 }', "arms.1.data: The options"),
        ('data = "world.entailment"', 'data = "world.nosuch"', "data: It names data 'world.nosuch'. There are: world."),
        ('method = "sft"', 'method = "sft"\nseeds = 0', "arms.1.seeds"),
        ("question =", "questoin =", "question: Field required"),
        ('probe = "forgetting"', 'probe = "forgettin"', "probes.1.probe"),
        ('metric = "reliance"', 'metric = "relying"', "no metric 'relying'"),
        ("order = 1", "order = ", "line 2"),
        ('contrast = ["agree-95", "balanced"]', 'contrast = ["agree-95", "none"]', "no arm is named none"),
    ],
)
def test_a_broken_study_is_listed_with_file_and_field(tmp_path: Path, before: str, after: str, words: str) -> None:
    path = edited(tmp_path, before, after)
    found = studies.all_studies([tmp_path])
    assert [b.name for b in found.broken] == ["mine"]
    assert str(path) in found.broken[0].traceback
    assert words in found.broken[0].traceback
    with pytest.raises(SpecError, match="cannot be used"):
        found.get("mine")


def test_files_that_are_no_text_or_have_a_taken_or_wrong_name_are_listed(tmp_path: Path) -> None:
    (tmp_path / "noise.toml").write_bytes(b"\xff\xfe\x00")
    edited(tmp_path, "order = 1", "order = 1", name="other").rename(tmp_path / "renamed.toml")
    (tmp_path / "nli-frequency.toml").write_bytes(FIRST.read_bytes())
    broken = {b.name: b.traceback for b in studies.all_studies([tmp_path]).broken}
    assert "UTF-8" in broken["noise"]
    assert "the file is named 'renamed'" in broken["renamed"]
    assert "named 'nli-frequency' already" in broken["nli-frequency"]


def test_an_unknown_study_is_answered_with_those_there_are() -> None:
    with pytest.raises(SpecError, match="There is no study named 'nothing'") as caught:
        studies.load("nothing")
    assert "nli-frequency" in caught.value.hint


class TestPlan:
    @pytest.fixture(autouse=True)
    def _stand_ins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from engine import models
        from engine.run import sources

        monkeypatch.setattr(models, "resolve", lambda name: ModelRef(name=name or "bundled", path="p", digest="d"))
        monkeypatch.setattr(sources, "resolve", lambda study, path: DataRef(source=study.data, path=str(path or "")))

    def test_the_same_command_is_the_same_trial(self) -> None:
        study = studies.load("nli-frequency")
        assert studies.plan(study).id == studies.plan(study, "quick", until=studies.Until()).id
        assert studies.plan(study).looks == study.scales["quick"].looks
        assert studies.plan(study).id != studies.plan(study, "quick", 12).id, "so many seeds, and looked at once"
        assert studies.plan(study).id != studies.plan(study, "smoke").id
        assert studies.plan(study, arms=["balanced", "base"]).arms == ("base", "balanced")

    def test_runs_come_seed_by_seed_and_the_base_once(self) -> None:
        runs = runs_of(studies.plan(studies.load("nli-frequency"), "smoke", seeds=2))
        assert [(r.seed, r.arm) for r in runs] == [
            (0, "base"), (0, "balanced"), (0, "agree-95"), (0, "agree-95-dpo"), (0, "planted"),
            (0, "hypothesis-only"), (1, "balanced"), (1, "agree-95"), (1, "agree-95-dpo"),
        ]  # fmt: skip
        assert len({r.hash for r in runs}) == len(runs)

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"scale": "huge"}, "no scale 'huge'"),
            ({"seeds": 0}, "0 is no number of seeds"),
            ({"seeds": 1001}, "1001 is no number"),
            ({"arms": ["balanced", "blanaced"]}, "no arm 'blanaced'"),
            ({"arms": []}, "No arm is chosen"),
            ({"data": "mine.jsonl"}, "takes no data of yours"),
        ],
    )
    def test_what_cannot_be_run_is_refused(self, given: dict, words: str) -> None:
        with pytest.raises(SpecError, match=words):
            studies.plan(studies.load("nli-frequency"), **given)


def test_runs_that_may_come_next_are_of_every_study_that_can_be_run_on_the_model() -> None:
    every = list(studies.all_studies([]).found)
    last = runs_of(studies.plan(every[0], seeds=2))[-1]
    model = last.model.model_copy(update={"digest": "another"})
    other = last.model_copy(update={"tune": last.tune.model_copy(update={"model": model})})
    found = studies.likely(every, other)
    assert [run.study for run in found] == [study.id for study in every]
    assert {run.model.digest for run in found} == {"another"}
    broken = every[0].model_copy(update={"data": "no such data"})
    assert [run.study for run in studies.likely([broken, every[1]], last)] == [every[1].id]
