"""Weights are made once; a run that needs another's waits for them, says so, and never for ever."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from engine.run.planned import runs_of
from engine.spec.errors import StoreError
from engine.spec.study import ProbeSpec
from engine.spec.training import Training
from engine.spec.trial import TrialSpec
from jobs.lab import Lab
from jobs.queue import waiting
from tests.unit.jobs import fakes
from tests.unit.jobs.conftest import done, one, states, until

SLOW = fakes.study(steps=60, seconds=0.02, needs="odd")


def with_probe(trial: TrialSpec) -> TrialSpec:
    study = trial.study.model_copy(update={"probes": (*trial.study.probes, ProbeSpec(probe="forgetting"))})
    return trial.model_copy(update={"study": study})


def steps(lab: Lab, trial: str) -> list[int]:
    """How many steps each run of a trial has counted."""
    return [sum(point.name == "loss" and point.run == run.run for point in lab.curves(trial).points)
            for run in lab.snapshot(trial).runs]  # fmt: skip


def test_a_probe_that_is_added_measures_and_trains_nothing(lab: Lab) -> None:
    first = lab.enqueue(fakes.trial())
    until(lambda: done(lab))
    more = lab.enqueue(with_probe(fakes.trial()))
    until(lambda: done(lab))
    assert set(states(lab)) == {"succeeded"}
    old, new = lab.snapshot(first).runs, lab.snapshot(more).runs
    assert {run.run for run in old}.isdisjoint(run.run for run in new)
    assert steps(lab, first) == [12, 12, 12, 12]
    assert steps(lab, more) == [0, 0, 0, 0]
    assert [run.total_steps for run in new] == [0, 0, 0, 0]
    before, after = lab.run_results(first), lab.run_results(more)
    assert [run.adapter for run in before] == [run.adapter for run in after]
    assert [run.metrics["calls.accuracy"] for run in before] == [run.metrics["calls.accuracy"] for run in after]


def test_another_name_of_study_and_arms_computes_nothing_and_each_trial_keeps_its_own(lab: Lab) -> None:
    first = lab.enqueue(fakes.trial())
    until(lambda: done(lab))
    study = fakes.study(name="renamed")
    names = {"plain": "simple", "odd": "strange"}
    text = study.model_dump_json()
    for old, new in names.items():
        text = text.replace(f'"{old}"', f'"{new}"')
    other = fakes.trial(type(study).model_validate_json(text), arms=("simple", "strange"))
    second = lab.enqueue(other)
    assert set(states(lab)) == {"succeeded"}
    assert [(run.arm, run.seed) for run in lab.snapshot(second).runs] == [
        ("simple", 0), ("strange", 0), ("simple", 1), ("strange", 1),
    ]  # fmt: skip
    assert [(run.arm, run.seed) for run in lab.snapshot(first).runs][:2] == [("plain", 0), ("odd", 0)]
    assert [run.record.arm for run in lab.run_results(second)] == ["simple", "strange", "simple", "strange"]
    assert {run.arm for run in lab.snapshot().runs} == {"plain", "odd"}


def test_two_arms_that_are_the_same_are_one_run(lab: Lab) -> None:
    study = fakes.study()
    twin = study.arm("plain").model_copy(update={"name": "twin", "label": "Twin"})
    both = study.model_copy(update={"arms": (*study.arms, twin)})
    trial = lab.enqueue(fakes.trial(both, seeds=1, arms=("plain", "odd", "twin")))
    until(lambda: done(lab))
    runs = lab.snapshot(trial).runs
    assert [run.arm for run in runs] == ["plain", "odd", "twin"]
    assert runs[0].run == runs[2].run != runs[1].run
    assert len(lab.snapshot().runs) == 2


def test_the_same_weights_are_not_trained_twice_at_once(lab: Lab) -> None:
    study = fakes.study(steps=60, seconds=0.02)
    lab.enqueue(fakes.trial(study, seeds=1, arms=("plain",)))
    until(lambda: states(lab) == ["running"])
    more = lab.enqueue(with_probe(fakes.trial(study, seeds=1, arms=("plain",))))
    until(lambda: "Plain, seed 0 is making" in lab.snapshot(more).runs[0].reason)
    assert lab.snapshot(more).runs[0].reason == "queued, 1st; waits for the weights that Plain, seed 0 is making"
    until(lambda: done(lab))
    assert set(states(lab)) == {"succeeded"}
    assert steps(lab, more) == [0]


def test_the_second_trains_where_the_first_was_cancelled(lab: Lab) -> None:
    study = fakes.study(steps=60, seconds=0.02)
    first = lab.enqueue(fakes.trial(study, seeds=1, arms=("plain",)))
    more = lab.enqueue(with_probe(fakes.trial(study, seeds=1, arms=("plain",))))
    until(lambda: "is making" in lab.snapshot(more).runs[0].reason)
    lab.cancel_trial(first)
    until(lambda: done(lab))
    assert lab.snapshot(more).runs[0].state == "succeeded"
    assert steps(lab, more) == [60]


@pytest.mark.parametrize("slots", [1, 2])
def test_what_is_needed_comes_first_and_the_other_says_for_what_it_waits(
    open_lab: Callable[..., Lab], slots: int
) -> None:
    lab = open_lab(slots)
    trial = lab.enqueue(fakes.trial(SLOW))
    assert [run.arm for run in lab.snapshot(trial).runs] == ["odd", "plain"] * 2
    if slots == 2:
        until(lambda: lab.snapshot(trial).runs[1].reason.endswith("waits for the weights that Odd, seed 0 is making"))
        assert "will make" in lab.snapshot(trial).runs[3].reason or lab.snapshot(trial).runs[2].state == "running"
    until(lambda: done(lab))
    assert states(lab) == ["succeeded"] * 4


def test_a_run_moved_to_the_front_takes_what_it_needs_with_it(open_lab: Callable[..., Lab]) -> None:
    lab = open_lab(1)
    lab.pause()
    lab.enqueue(fakes.trial(seeds=1))
    trial = lab.enqueue(fakes.trial(SLOW, seeds=1))
    lab.first(lab.snapshot(trial).runs[1].run)
    assert [run.position for run in lab.snapshot(trial).runs] == [1, 2]


@pytest.mark.parametrize(
    ("end", "state", "words"),
    [("cancel", "failed", "which was cancelled"), ("stop", "paused", "which was stopped")],
)
def test_what_needs_a_run_that_ended_ends_with_a_reason_and_goes_on_with_it(
    lab: Lab, end: str, state: str, words: str
) -> None:
    trial = lab.enqueue(fakes.trial(SLOW, seeds=1))
    maker, user = lab.snapshot(trial).runs
    until(lambda: one(lab, maker.run).step >= 2)
    getattr(lab, end)(maker.run)
    until(lambda: one(lab, user.run).state == state)
    assert one(lab, user.run).reason == f"It needs the weights of Odd, seed 0, {words}."
    assert one(lab, user.run).hint == "Retry Odd, seed 0, and this run follows."
    lab.retry(maker.run)
    until(lambda: done(lab))
    assert set(states(lab)) == {"succeeded"}


def test_what_needs_a_run_that_failed_fails_and_retrying_it_retries_both(lab: Lab) -> None:
    trial = lab.enqueue(fakes.trial(fakes.study(trouble="kill-once", needs="odd"), seeds=1))
    until(lambda: states(lab) == ["failed", "failed"])
    _, user = lab.snapshot(trial).runs
    assert "which has failed" in user.reason
    lab.retry(user.run)
    until(lambda: done(lab))
    assert states(lab) == ["succeeded", "succeeded"]


def test_after_a_restart_what_waited_waits_on(open_lab: Callable[..., Lab]) -> None:
    lab = open_lab()
    trial = lab.enqueue(fakes.trial(SLOW, seeds=1))
    until(lambda: lab.snapshot(trial).runs[0].step >= 2)
    lab.close()
    lab = open_lab()
    until(lambda: done(lab))
    assert states(lab) == ["succeeded", "succeeded"]


def test_weights_that_are_gone_are_kept_again_from_the_runs_own_folder(lab: Lab) -> None:
    lab.enqueue(fakes.trial(fakes.study(), seeds=1, arms=("odd",)))
    until(lambda: done(lab))
    run = lab.snapshot().runs[0]
    saved = lab.home.run(run.run) / "adapter" / "weights.txt"
    digest = lab.run_results(lab.snapshot().trials[0].id)[0].adapter
    shutil.rmtree(lab.home.weights)
    assert fakes.digest_of(saved) == digest
    trial = lab.enqueue(fakes.trial(fakes.study(needs="odd"), seeds=1))
    until(lambda: done(lab))
    assert [run.state for run in lab.snapshot(trial).runs] == ["succeeded", "succeeded"]
    assert one(lab, run.run).attempt == 1


def test_weights_that_are_lost_are_said_to_be_and_made_again_when_asked(lab: Lab) -> None:
    lab.enqueue(fakes.trial(fakes.study(), seeds=1, arms=("odd",)))
    until(lambda: done(lab))
    maker = lab.snapshot().runs[0]
    with pytest.raises(StoreError, match="nothing to retry"):
        lab.retry(maker.run)
    figures = fakes.figures(lab.run_results(maker.trials[0]))
    shutil.rmtree(lab.home.weights)
    shutil.rmtree(lab.home.run(maker.run) / "adapter")
    trial = lab.enqueue(fakes.trial(fakes.study(needs="odd"), seeds=1))
    until(lambda: done(lab))
    user = lab.snapshot(trial).runs[1]
    assert (user.state, user.reason) == (
        "failed", "It needs the weights that Odd, seed 0 made, and they are gone from the data folder.",
    )  # fmt: skip
    lab.retry(maker.run)
    until(lambda: done(lab))
    assert set(states(lab)) == {"succeeded"}
    assert fakes.figures(lab.run_results(maker.trials[0])) == figures


def test_runs_that_wait_for_each_other_are_ended(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """No study can ask for it: what a run needs is part of its name. A damaged database can."""
    lab.pause()
    trial = fakes.trial(seeds=1)
    lab.enqueue(trial)
    plain, odd = runs_of(trial)
    store = lab._supervisor._store

    def cross() -> None:
        with store.batch():
            store.set(plain.hash, needs=f'["{odd.tune.hash}"]')
            store.set(odd.hash, needs=f'["{plain.tune.hash}"]')

    lab._supervisor.ask(cross)
    lab.resume()
    until(lambda: states(lab) == ["failed", "failed"])
    assert "wait for it" in lab.snapshot().runs[0].reason
    assert waiting.NEEDS


def test_a_curve_of_a_run_that_only_measured_is_that_of_the_run_that_trained(lab: Lab) -> None:
    first = lab.enqueue(fakes.trial())
    until(lambda: done(lab))
    more = lab.enqueue(with_probe(fakes.trial()))
    until(lambda: done(lab))

    def learning(trial: str) -> list[tuple[str, float]]:
        from jobs.store import read

        named = {run.run: f"{run.arm}-{run.seed}" for run in lab.snapshot(trial).runs}
        points = read.context(lab._db(), lab.home, trial, lab.trial(trial)).learning
        return sorted((named[point.run], point.value) for point in points if point.name == "loss")

    assert learning(first) == learning(more)
    assert len(learning(first)) == 4 * 12

    def trained(trial: str) -> list[tuple[str, int, Training | None]]:
        return sorted((run.record.arm, run.record.seed, run.training) for run in lab.run_results(trial))

    assert trained(first) == trained(more)
    assert all(training and len(training.phases[0].losses) == 12 for _, _, training in trained(more))
