from __future__ import annotations

import pytest

from engine.run.planned import runs_of
from engine.spec.understanding import Cost, Fit, Inspection
from jobs.queue import eta
from jobs.queue.eta import KIND, Measured, of_run, of_seeds, of_trial
from tests.unit.jobs import fakes

KNOWN = {"k": Measured((10.0, 12.0), (1.0, 2.0))}


def row(state: str, **given: object) -> dict:
    empty = {"first_step": None, "first_elapsed": None, "last_elapsed": None, "started": 0.0, "step": 0}
    return {"cost": "k", "state": state, "total_steps": 100, **empty, **given}


def test_a_waiting_run_takes_what_others_of_its_kind_took() -> None:
    assert of_run(row("queued"), KNOWN, 0.0) == pytest.approx((8.0, 16.8))
    assert of_run(row("queued", cost="other"), KNOWN, 0.0) is None


def test_a_working_run_is_judged_by_its_own_steps() -> None:
    known = of_run(row("running", step=50, first_step=1, first_elapsed=1.0, last_elapsed=5.9), KNOWN, 6.0)
    assert known is not None
    assert 4.0 < known[0] < 5.5 < known[1] < 10.0


def test_what_resumed_counts_only_its_own_steps() -> None:
    known = of_run(row("running", step=95, first_step=91, first_elapsed=2.0, last_elapsed=6.0), {}, 6.0)
    assert known is not None
    assert known[0] == pytest.approx(5 * 1.0 * 0.85)


def test_no_range_is_below_zero_and_what_is_over_has_none() -> None:
    assert of_run(row("running"), KNOWN, 1000.0) == (0.0, 0.0)
    assert of_run(row("succeeded"), KNOWN, 0.0) is None


def test_a_trial_shares_its_slots() -> None:
    assert of_trial([(10.0, 20.0)] * 4, 2) == (20.0, 60.0)
    assert of_trial([(10.0, 20.0)], 8) == (10.0, 20.0)
    assert of_trial([(10.0, 20.0), None], 2) is None
    assert of_trial([], 2) is None


def test_further_seeds_take_what_seeds_took() -> None:
    one, several = of_seeds((1, 1), [[10.0, 12.0]], 1), of_seeds((1, 3), [[10.0, 12.0], [20.0]], 1)
    assert one == pytest.approx((10.0 * KIND[0], 12.0 * KIND[1]))
    assert several is not None
    assert several[0] == pytest.approx(30.0 * KIND[0]), "one seed of both arms"
    assert several[1] >= 3 * 32.0 * KIND[1], "three of them"
    assert of_seeds((1, 3), [], 1) is None


def test_an_inspection_gives_a_trials_range_before_anything_has_run() -> None:
    trial = fakes.trial(seeds=4)
    fit = Fit(context=1, prompt_tokens=1, answer_tokens=1, limit=1)
    costs = tuple(Cost(method="sft", arms=(arm,), seconds=100.0, low=64.0, high=144.0, memory=1) for arm in trial.arms)
    found = Inspection(fit=fit, costs=costs, once=10.0)
    count = len(runs_of(trial))
    one = eta.of_inspection(trial, found, 1)
    assert one is not None
    assert one[0] == pytest.approx((10 + count * 80) * eta.STEADY[0])
    assert one[1] >= (10 + count * 120) * eta.STEADY[1]
    two = eta.of_inspection(trial, found, 2)
    assert two is not None
    assert two[0] < one[0]
    assert eta.of_inspection(trial, Inspection(fit=fit, costs=costs[:1]), 1) is None, "an arm is not known"


def test_an_inspection_of_a_trial_with_looks_reaches_from_the_first_look_to_the_last() -> None:
    fit = Fit(context=1, prompt_tokens=1, answer_tokens=1, limit=1)
    fixed = {seeds: fakes.trial(seeds=seeds) for seeds in (2, 5)}
    arms = fixed[5].arms
    costs = tuple(Cost(method="sft", arms=(arm,), seconds=100.0, low=64.0, high=144.0, memory=1) for arm in arms)
    found = Inspection(fit=fit, costs=costs, once=10.0)
    looked = eta.of_inspection(fixed[5].model_copy(update={"looks": (2, 3, 5)}), found, 1)
    first, last = (eta.of_inspection(trial, found, 1) for trial in fixed.values())
    assert first is not None
    assert last is not None
    assert looked == pytest.approx((first[0], last[1]))
