from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from engine.run.planned import runs_of
from engine.spec.errors import StoreError
from engine.spec.study import StudySpec
from jobs.executors.local import start_time
from jobs.lab import Lab
from jobs.paths import read_json
from tests.unit.jobs import fakes
from tests.unit.jobs.conftest import done, one, states, until, workers

LONG = fakes.study(steps=400, seconds=0.02)


def test_a_trial_runs_to_its_end_and_leaves_everything(lab: Lab) -> None:
    trial = lab.enqueue(fakes.trial())
    until(lambda: lab.snapshot().trials[0].finished)
    board = lab.snapshot(trial)
    assert [(r.arm, r.seed, r.state) for r in board.runs] == [
        ("plain", 0, "succeeded"), ("odd", 0, "succeeded"), ("plain", 1, "succeeded"), ("odd", 1, "succeeded"),
    ]  # fmt: skip
    assert board.trials[0].done == 4
    assert board.trials[0].arms == (("plain", "Plain"), ("odd", "Odd"))
    for result in lab.run_results(trial):
        assert set(result.metrics) == {"calls.accuracy", "calls.reliance"}
        assert len(result.outcomes["calls"]) == 20
        assert result.checks == (("greedy", True, "the same twice"),)
        assert result.notes == (("negatives", "none"),)
        assert result.versions == {"fake": "1"}
        assert len(result.adapter) == 64
    curves = lab.curves(trial)
    assert len(curves.points) == 4 * (12 + 3 + 1)  # losses, live accuracies, reliance that had no live curve
    assert lab.curves(trial, curves.cursor).points == ()


def test_what_another_trial_has_computed_is_not_computed_again(lab: Lab) -> None:
    lab.enqueue(fakes.trial())
    until(lambda: done(lab))
    written = {r.run: (lab.home.run(r.run) / "events.ndjson").stat().st_mtime_ns for r in lab.snapshot().runs}
    second = lab.enqueue(fakes.trial(arms=("plain",)))
    runs = lab.snapshot(second).runs
    assert [r.state for r in runs] == ["succeeded", "succeeded"]
    assert {r.reason for r in runs} == {"another trial has computed this run"}
    assert all(len(r.trials) == 2 for r in runs)
    time.sleep(0.5)
    assert {r: (lab.home.run(r) / "events.ndjson").stat().st_mtime_ns for r in written} == written


def test_waiting_runs_say_their_place(lab: Lab) -> None:
    lab.pause()
    lab.enqueue(fakes.trial())
    runs = lab.snapshot().runs
    assert [r.reason.split(";")[0] for r in runs] == ["queued, 1st", "queued, 2nd", "queued, 3rd", "queued, 4th"]
    assert "the queue is paused" in runs[0].reason
    lab.first(runs[3].run)
    assert one(lab, runs[3].run).position == 1
    time.sleep(0.4)
    assert set(states(lab)) == {"queued"}
    lab.resume()
    until(lambda: done(lab))
    assert set(states(lab)) == {"succeeded"}


@pytest.mark.parametrize("state", ["queued", "loading", "running", "paused", "interrupted", "deaf"])
def test_cancel_in_every_state_takes_less_than_five_seconds_and_leaves_no_process(
    open_lab: Callable[..., Lab], state: str
) -> None:
    lab = open_lab(slots=1)
    study = fakes.study(steps=400, seconds=0.02, trouble="deaf") if state == "deaf" else LONG
    if state in ("queued", "interrupted"):
        lab.pause()
    lab.enqueue(fakes.trial(study, seeds=1, arms=("odd",)))
    run = lab.snapshot().runs[0].run
    if state not in ("queued", "loading"):
        lab.resume()
        until(lambda: one(lab, run).step >= (5 if state == "deaf" else 2))
    if state == "deaf":
        time.sleep(0.3)
    if state == "paused":
        lab.stop(run)
        until(lambda: one(lab, run).state == "paused")
    if state == "interrupted":
        lab.close()
        lab = open_lab(slots=1)
    began = time.monotonic()
    lab.cancel(run)
    until(lambda: one(lab, run).state == "cancelled", 5.0)
    assert time.monotonic() - began < 5.0
    until(lambda: not workers(lab), 2.0)
    assert one(lab, run).reason == "cancelled by you"
    time.sleep(0.5)
    assert one(lab, run).state == "cancelled"


def test_what_is_over_cannot_be_cancelled_nor_retried_when_done(lab: Lab) -> None:
    lab.enqueue(fakes.trial(seeds=1))
    until(lambda: done(lab))
    run = lab.snapshot().runs[0].run
    lab.cancel(run)
    assert one(lab, run).state == "succeeded"
    with pytest.raises(StoreError, match="nothing to retry"):
        lab.retry(run)
    with pytest.raises(StoreError, match="no run"):
        lab.cancel("ffff")


def test_a_run_that_was_cancelled_goes_on_when_retried_and_ends_the_same(
    open_lab: Callable[..., Lab], lab: Lab
) -> None:
    study = fakes.study(steps=40, seconds=0.02)
    trial = lab.enqueue(fakes.trial(study, seeds=1))
    run = lab.snapshot().runs[0].run
    until(lambda: one(lab, run).step >= 10)
    lab.cancel(run)
    until(lambda: one(lab, run).state == "cancelled")
    assert one(lab, run).step < 40
    lab.retry(run)
    until(lambda: done(lab))
    assert one(lab, run).attempt == 2
    assert fakes.figures(lab.run_results(trial)) == undisturbed(lab, study)


def test_closing_stops_with_a_checkpoint_and_opening_goes_on(open_lab: Callable[..., Lab]) -> None:
    lab = open_lab()
    study = fakes.study(steps=60, seconds=0.02)
    trial = lab.enqueue(fakes.trial(study, seeds=1))
    until(lambda: all(r.step >= 6 for r in lab.snapshot().runs))
    lab.close()
    with pytest.raises(StoreError, match="closed"):
        lab.snapshot()
    reader = Lab.reader(lab.home)
    assert set(states(reader)) == {"interrupted"}
    assert not workers(lab)
    steps = [r.step for r in reader.snapshot().runs]
    reader.close()
    lab = open_lab()
    until(lambda: done(lab))
    assert all(step < 60 for step in steps)
    assert {r.attempt for r in lab.snapshot().runs} == {2}
    assert fakes.figures(lab.run_results(trial)) == undisturbed(lab, study)


@pytest.mark.parametrize(
    ("trouble", "words", "hint"),
    [
        ("diverged", "The loss is not a number at step 6.", "Lower the learning rate."),
        ("bug", "A bug stopped this run: KeyError: 'a bug <b>&</b>'", "run.log"),
        ("memory", "The run needed more memory than there is: no room", "smaller batch"),
        ("kill-once", "The run's process was ended by SIGKILL.", "Retry"),
        ("segfault", "The run's process was ended by SIGSEGV.", "Retry"),
    ],
)
def test_a_failure_takes_one_run_and_says_why(lab: Lab, trouble: str, words: str, hint: str) -> None:
    lab.enqueue(fakes.trial(fakes.study(trouble=trouble), seeds=1))
    until(lambda: done(lab))
    good, bad = lab.snapshot().runs
    assert good.state == "succeeded"
    assert (bad.state, bad.reason) == ("failed", words)
    assert hint in bad.hint
    assert lab.snapshot().trials[0].failed == 1


def test_a_failed_run_is_retried_by_the_same_command(lab: Lab) -> None:
    study = fakes.study(trouble="kill-once")
    trial = lab.enqueue(fakes.trial(study, seeds=1))
    until(lambda: done(lab))
    assert states(lab) == ["succeeded", "failed"]
    assert lab.enqueue(fakes.trial(study, seeds=1)) == trial
    until(lambda: done(lab))
    assert states(lab) == ["succeeded", "succeeded"]
    assert fakes.figures(lab.run_results(trial)) == undisturbed(lab, study)


def test_lines_that_are_no_events_are_left_out_and_do_no_harm(lab: Lab) -> None:
    study = fakes.study(trouble="garbage")
    lab.enqueue(fakes.trial(study, seeds=1))
    until(lambda: done(lab))
    assert states(lab) == ["succeeded", "succeeded"]


def test_a_run_with_a_lost_event_is_no_result_and_begins_anew_when_retried(lab: Lab) -> None:
    study = fakes.study(trouble="gap")
    trial = lab.enqueue(fakes.trial(study, seeds=1))
    run = lab.snapshot().runs[1].run
    until(lambda: done(lab))
    assert one(lab, run).state == "failed"
    assert "damaged" in one(lab, run).reason
    lab.retry(run)
    until(lambda: done(lab))
    assert one(lab, run).state == "succeeded"
    assert fakes.figures(lab.run_results(trial)) == undisturbed(lab, study)


def test_a_shared_run_goes_on_while_another_trial_waits_for_it(lab: Lab) -> None:
    first = lab.enqueue(fakes.trial(LONG, seeds=1))
    second = lab.enqueue(fakes.trial(LONG, seeds=1, arms=("plain",)))
    until(lambda: all(r.state == "running" for r in lab.snapshot().runs))
    lab.cancel_trial(first)
    until(lambda: states(lab) == ["running", "cancelled"], 5.0)
    assert [t.cancelled for t in lab.snapshot().trials] == [True, False]
    lab.cancel_trial(second)
    until(lambda: states(lab) == ["cancelled", "cancelled"], 5.0)


def test_a_term_signal_from_outside_leaves_a_checkpoint(lab: Lab) -> None:
    lab.enqueue(fakes.trial(LONG, seeds=1, arms=("odd",)))
    run = lab.snapshot().runs[0].run
    until(lambda: one(lab, run).step >= 3)
    pid = (read_json(lab.home.run(run) / "worker.json") or {})["pid"]
    os.kill(pid, signal.SIGTERM)
    until(lambda: one(lab, run).state == "interrupted", 5.0)
    assert (read_json(lab.home.run(run) / "checkpoint.json") or {})["step"] >= 3


def test_a_full_disk_pauses_the_queue_and_the_thread_lives(lab: Lab) -> None:
    store = lab._supervisor._store

    def pages(n: int) -> None:
        lab._supervisor.ask(lambda: store.db.execute(f"PRAGMA max_page_count = {n}"))

    used = lab._supervisor.ask(lambda: store.db.execute("PRAGMA page_count").fetchone()[0])
    pages(used)
    with pytest.raises(StoreError, match="disk is full"):
        lab.enqueue(fakes.trial(seeds=50))
    pages(used + 60)
    trial = lab.enqueue(fakes.trial(fakes.study(steps=300, seconds=0.0), seeds=4))
    until(lambda: lab.snapshot().paused)
    board = lab.snapshot()
    assert "disk is full" in board.reason
    assert "Free some space" in board.hint
    pages(1 << 30)
    lab.resume()
    until(lambda: done(lab))
    assert lab.snapshot().trials[-1].done == 8
    assert lab.snapshot().reason == ""
    assert store.check() == "ok"
    assert len(lab.run_results(trial)) == 8


def test_a_bug_in_the_background_is_shown_and_the_queue_goes_on(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    store = lab._supervisor._store
    ingest, failed = store.ingest, []

    def broken(*args: object) -> list[str]:
        if len(failed) < 2:
            failed.append(1)
            raise RuntimeError("a bug of ours")
        return ingest(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "ingest", broken)
    lab.enqueue(fakes.trial(seeds=1))
    until(lambda: "a bug of ours" in lab.snapshot().reason)
    until(lambda: done(lab))
    assert set(states(lab)) == {"succeeded"}
    until(lambda: lab.snapshot().reason == "")
    assert "a bug of ours" in lab.home.log.read_text()


def test_a_run_that_cannot_be_started_fails_alone(lab: Lab) -> None:
    trial = fakes.trial(seeds=1)
    lab.home.run(runs_of(trial)[0].hash).write_text("a file where the folder should be")
    lab.enqueue(trial)
    until(lambda: done(lab))
    bad, good = lab.snapshot().runs
    assert (bad.state, good.state) == ("failed", "succeeded")
    assert "could not be started" in bad.reason


def test_measured_seconds_give_an_expectation(open_lab: Callable[..., Lab]) -> None:
    lab = open_lab(slots=1)
    lab.enqueue(fakes.trial(fakes.study(steps=40), seeds=3, arms=("plain",)))
    assert one(lab, lab.snapshot().runs[2].run).eta_seconds is None
    until(lambda: states(lab)[0] == "succeeded")
    low, high = one(lab, lab.snapshot().runs[2].run).eta_seconds or (0.0, 0.0)
    assert 0 < low < high
    assert lab.snapshot().trials[0].eta_seconds is not None


def test_children_see_the_right_world_and_not_our_main(lab: Lab) -> None:
    lab.enqueue(fakes.trial(LONG, seeds=1, arms=("odd",)))
    run = lab.snapshot().runs[0].run
    until(lambda: one(lab, run).step >= 1)
    process = workers(lab)[0]
    world = process.environ()  # of the process it was forked from
    assert world["OMP_WAIT_POLICY"] == "PASSIVE"
    assert world["HF_HUB_OFFLINE"] == "1"
    assert process.nice() == 10
    assert abs(start_time(process.pid) - process.create_time()) < 1
    lab.cancel(run)


def undisturbed(lab: Lab, study: StudySpec) -> str:
    """The same trial, in a folder of its own, from beginning to end."""
    with Lab(lab.home.folder / "other", slots=2, launcher=fakes.launcher()) as other:
        trial = other.enqueue(fakes.trial(study, seeds=1))
        until(lambda: done(other))
        for run in other.snapshot().runs:
            if run.state == "failed":  # killed once, on purpose
                other.retry(run.run)
        until(lambda: done(other))
        return fakes.figures(other.run_results(trial))
