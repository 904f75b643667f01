"""What a result says of how it came about: its command, its recipe, and weights that were there already."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from engine.analysis.analysis import analyse
from engine.analysis.command import command
from engine.spec.reference import ModelRef
from engine.spec.result import Result
from engine.spec.run import RECIPE_VERSION
from engine.spec.trial import TrialSpec
from tests.support.planted import CALLS, make_runs, make_trial

OLD = Path(__file__).parents[2] / "data" / "verdicts" / "format-2.json"


@pytest.fixture
def trial() -> TrialSpec:
    return make_trial("function-calling", 3)


def test_the_command_names_further_models(trial: TrialSpec) -> None:
    own = ModelRef(name="my expert", path="models/my expert", digest="12" * 32)
    found = trial.model_copy(update={"models": {"expert": own}})
    assert "--with 'expert=models/my expert'" in command(found)
    assert "--with" not in command(trial)
    provenance = analyse(found, make_runs(trial, CALLS, items=60)).provenance
    assert provenance["model.expert"] == "my expert (121212121212)"


def test_a_trial_of_an_older_recipe_says_so(trial: TrialSpec) -> None:
    runs = make_runs(trial, CALLS, items=60)
    now = analyse(trial, runs)
    assert now.provenance["recipe"] == RECIPE_VERSION
    assert not any("recipe" in threat for threat in now.threats)
    plain = trial.model_dump(mode="json") | {"recipe": RECIPE_VERSION - 1}
    old = TrialSpec.stored(plain, "function-calling-quick-0a1b2c3d")
    then = analyse(old, runs)
    assert then.study.trial == "function-calling-quick-0a1b2c3d"
    assert then.provenance["recipe"] == RECIPE_VERSION - 1
    assert then.threats[0].startswith(
        f"Its runs were measured with recipe {RECIPE_VERSION - 1} of the lab; the present is {RECIPE_VERSION}"
    )
    assert then.contrasts == now.contrasts


def test_a_run_on_weights_that_were_there_is_noted_and_no_other_precision(trial: TrialSpec) -> None:
    runs = [
        run.model_copy(update={"notes": (("precision", "in bfloat16"),)}) for run in make_runs(trial, CALLS, items=60)
    ]
    at = next(at for at, run in enumerate(runs) if run.record.arm == "sft")
    runs[at] = runs[at].model_copy(update={"notes": (("weights", "The weights were there already."),)})
    result = analyse(trial, runs)
    assert "SFT, seed 0: The weights were there already." in result.notes
    assert not any("precision" in threat for threat in result.threats)


class TestFormat2:
    """Results that were stored when there was one rule."""

    def test_they_are_read(self) -> None:
        old = json.loads(OLD.read_text("utf-8"))
        result = Result.model_validate(old)
        assert result.format == 3
        assert (result.verdict.code, result.verdict.label, result.verdict.tone) == ("shortcut", "Shortcut", "bad")
        assert result.verdict.text == old["verdict"]["text"]
        assert result.rule is not None
        assert result.rule.name == "shortcut"
        assert result.rule.roles == {"treated": "agree-95", "base": "base", "reference": "balanced"}
        assert next(iter(result.rule.roles)) == "treated"
        assert result.rule.reads == ("entailment.accuracy", "entailment.reliance")
        assert result.rule.thresholds == {"floor": 0.6, "margin": 0.05}
        assert len(result.contrasts) == len(old["contrasts"])
        assert Result.model_validate_json(result.model_dump_json()) == result

    @pytest.mark.parametrize("part", ["study", "verdict", "rules"])
    @pytest.mark.parametrize("value", [[], "nothing", {}])
    def test_what_is_broken_is_refused_and_nothing_else_happens(self, part: str, value: object) -> None:
        old = json.loads(OLD.read_text("utf-8")) | {part: value}
        if part == "rules":
            Result.model_validate(old)
            return
        with pytest.raises(ValidationError):
            Result.model_validate(old)

    def test_a_code_that_nobody_knows_is_open(self) -> None:
        old = json.loads(OLD.read_text("utf-8"))
        old["verdict"]["code"] = "grand"
        assert Result.model_validate(old).verdict.tone == "open"


def test_how_many_items_a_metric_reads_is_counted_where_they_are_fewer(trial: TrialSpec) -> None:
    data = analyse(trial, make_runs(trial, CALLS, items=60, clusters=12)).data
    assert (data["items.calls"], data["clusters.calls"]) == (135, 27)  # 60 of each side, 15 that need no call
    assert (data["items.calls.reliance"], data["clusters.calls.reliance"]) == (120, 12)
    assert "items.calls.accuracy" not in data or data["items.calls.accuracy"] < 135


def test_one_seed_does_not_tell_how_often_an_arm_wins() -> None:
    one, three = (make_trial("function-calling", seeds) for seeds in (1, 3))
    alone, several = (analyse(trial, make_runs(trial, CALLS, items=60)).contrasts for trial in (one, three))
    assert {contrast.cliffs_delta for contrast in alone} == {None}
    assert all((contrast.cliffs_delta is None) == (contrast.n_seeds == 1) for contrast in several)
    assert any(contrast.cliffs_delta is not None for contrast in several)


def test_how_a_run_trains_is_noted_only_where_it_came_to_train(trial: TrialSpec) -> None:
    def noted(**how: object) -> bool:
        first, *rest = [run for run in make_runs(trial, CALLS, items=60) if run.record.arm == "sft"]
        told = (("precision", "Trained in bfloat16."), ("preferences", "Nothing fitted."))
        record = first.record.model_copy(update=how)
        runs = [first.model_copy(update={"record": record, "notes": told}), *rest]
        notes = analyse(trial, runs).notes
        assert "SFT, seed 0: Nothing fitted." in notes
        return "SFT, seed 0: Trained in bfloat16." in notes

    assert noted(state="succeeded")
    assert noted(state="failed", step=3)
    assert not noted(state="failed", step=0)
