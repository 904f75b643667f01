"""In which order the runs of a trial stand in the queue, and how long each trains."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from engine.analysis.command import provenance
from engine.run.planned import runs_of
from engine.spec.study import ArmSpec
from tests.support.planted import make_trial

TRIAL = make_trial("function-calling", 8)


def test_fixed_seeds_are_complete_one_after_the_other() -> None:
    found = [(run.seed, run.arm) for run in runs_of(TRIAL)]
    assert [seed for seed, _ in found] == sorted(seed for seed, _ in found)
    assert found[:5] == [(0, arm) for arm in ("base", "sft", "sft-dpo", "shuffled", "planted")]


def test_of_what_a_look_adds_those_with_most_phases_come_first() -> None:
    """Two slots that get two short runs each and then one long one would leave one of them idle at every look."""
    found = [(run.seed, run.arm) for run in runs_of(TRIAL.model_copy(update={"looks": (4, 6, 8)}))]
    plain = [(run.seed, run.arm) for run in runs_of(TRIAL)]
    first = [one for one in plain if one[0] < 4]
    assert found[: len(first)] == first
    assert found[len(first) :] == [
        (4, "sft-dpo"), (5, "sft-dpo"), (4, "sft"), (5, "sft"), (6, "sft-dpo"), (7, "sft-dpo"), (6, "sft"), (7, "sft"),
    ]  # fmt: skip


def test_of_what_a_look_adds_a_control_that_trains_longer_comes_first() -> None:
    arms = tuple(arm.model_copy(update={"seeds": None, "longer": 3 if arm.name == "planted" else 1})
                 for arm in TRIAL.study.arms)  # fmt: skip
    trial = TRIAL.model_copy(
        update={
            "study": TRIAL.study.model_copy(update={"arms": arms}),
            "arms": ("sft", "sft-dpo", "planted"),
            "looks": (4, 8),
        }
    )
    assert [run.arm for run in runs_of(trial) if run.seed >= 4] == ["planted"] * 4 + ["sft-dpo"] * 4 + ["sft"] * 4


def test_a_control_that_has_more_to_take_in_trains_longer_and_draws_more() -> None:
    arms = tuple(arm.model_copy(update={"longer": 6 if arm.name == "planted" else 1}) for arm in TRIAL.study.arms)
    trial = TRIAL.model_copy(update={"study": TRIAL.study.model_copy(update={"arms": arms})})
    sizes, usual = {run.arm: run.tune.size for run in runs_of(trial)}, trial.settings
    for arm, times in (("sft", 1), ("planted", 6)):
        assert sizes[arm].steps == times * usual.steps
        assert sizes[arm].train_examples == times * usual.train_examples
    assert provenance(trial, ())["steps.planted"] == 6 * usual.steps
    assert not any(name.startswith("steps.") for name in provenance(TRIAL, ()))


def test_no_arm_but_a_control_trains_longer() -> None:
    plain = {"name": "a", "label": "a", "method": "sft", "longer": 2}
    assert ArmSpec(**plain, role="control").longer == 2
    with pytest.raises(ValidationError, match="a: only a control may train longer"):
        ArmSpec(**plain)


def test_trials_are_named_as_they_were_before_arms_could_train_longer() -> None:
    plain = {"name": "a", "label": "a", "method": "sft"}
    assert "longer" not in ArmSpec(**plain).model_dump(mode="json", exclude={"label"})
    assert ArmSpec(**plain, role="control", longer=2).model_dump()["longer"] == 2
