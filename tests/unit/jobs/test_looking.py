"""A trial that goes on until it is settled queues the seeds of a look only once the look before was not enough."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from engine.spec.sequential import Ends, LookResult, Sequential
from engine.spec.trial import TrialSpec
from jobs.lab import Lab
from jobs.queue.foresight import Foresight
from tests.unit.jobs import fakes
from tests.unit.jobs.conftest import until

PLAN = (2, 3, 5)


def trial() -> TrialSpec:
    """Of the fake study."""
    return fakes.trial(fakes.study(steps=2, seconds=0.0), seeds=5).model_copy(update={"looks": PLAN})


def ended(lab: Lab) -> bool:
    return lab.snapshot().trials[0].settled != ""


def seeds(lab: Lab) -> set[int]:
    return {run.seed for run in lab.snapshot().runs}


def ends_after(monkeypatch: pytest.MonkeyPatch, at: int, how: Ends = "settled") -> list[int]:
    """Have looks end so after so many seeds; the seeds of the looks that were taken."""
    taken: list[int] = []

    def judged(lab: Lab, name: str) -> tuple[TrialSpec, Sequential]:
        begun = max(run.seed for run in lab.snapshot(name).runs) + 1
        taken.append(begun)
        looks = tuple(LookResult(seeds=n) for n in PLAN if n <= begun)
        primary = {"metric": "calls.accuracy", "contrast": ("sft", "base"), "unit": "share", "margin": 0.03}
        decision = how if begun >= at else "go-on"
        return lab.trial(name), Sequential(
            **primary, max_seeds=PLAN[-1], plan=PLAN, looks=looks, decision=decision, further=(1, 2)
        )  # fmt: skip

    monkeypatch.setattr(Lab, "_judged", judged)
    return taken


def test_an_open_question_goes_on_to_the_most_seeds(
    open_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = ends_after(monkeypatch, 5, "most-seeds")
    lab = open_lab()
    name = lab.enqueue(trial())
    assert seeds(lab) == {0, 1}
    until(lambda: ended(lab))
    record = lab.snapshot(name).trials[0]
    assert taken == list(PLAN)
    assert (record.settled, record.done, record.at_a_look) == ("most-seeds", 10, False)
    assert record.finished is not None
    assert record.looked is not None
    assert record.looked.decision == "most-seeds"


def test_a_look_tells_how_long_the_seeds_take_that_it_foresees(
    open_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_after(monkeypatch, 5)
    lab = open_lab()
    name = lab.enqueue(trial())
    assert lab.snapshot(name).trials[0].further_seconds is None
    assert lab.snapshot(name).trials[0].begun == PLAN[0]
    until(lambda: ended(lab))
    record = lab.snapshot(name).trials[0]
    assert (record.begun, record.seeds) == (5, 5)
    assert record.looked is not None
    assert record.looked.further is not None
    assert record.further_seconds is not None
    low, high = record.further_seconds
    took = [run.seconds or 0.0 for run in lab.snapshot(name).runs]
    assert 0 < low < high
    assert low <= sum(took)


def test_a_check_that_failed_ends_it_at_its_first_look(lab: Lab) -> None:
    """The fake recipe records hardly any check, and no further seed can mend that."""
    name = lab.enqueue(trial())
    until(lambda: ended(lab))
    result = lab.result(name)
    assert result.sequential is not None
    assert result.sequential == lab.snapshot(name).trials[0].looked
    assert [look.seeds for look in result.sequential.looks] == [2]
    assert (result.sequential.decision, result.study.seeds) == ("stopped", 2)
    assert result.study.primary.registered, "its own looks were fixed beforehand"


def test_while_a_look_is_judged_no_other_study_is_foreseen(
    open_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes next is known, and preparing another study would take the processor from the judge."""
    ends_after(monkeypatch, 2)
    ends, events = Lab._judged, []

    def judged(lab: Lab, name: str) -> tuple[TrialSpec, Sequential | None]:
        events.append("begins")
        time.sleep(0.5)
        events.append("ends")
        return ends(lab, name)

    monkeypatch.setattr(Lab, "_judged", judged)
    monkeypatch.setattr(Foresight, "rest", lambda foresight: events.append("rests"))
    lab = open_lab()
    lab.enqueue(trial())
    until(lambda: "ends" in events and "rests" in events[events.index("ends") :])
    assert events[events.index("begins") + 1] == "ends"


def test_a_settled_one_runs_no_more(open_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    taken = ends_after(monkeypatch, 3)
    lab = open_lab()
    lab.enqueue(trial())
    until(lambda: ended(lab))
    assert taken == [2, 3]
    assert seeds(lab) == {0, 1, 2}
    assert lab.snapshot().trials[0].settled == "settled"
    assert lab.enqueue(trial()) == lab.snapshot().trials[0].id
    until(lambda: ended(lab))
    assert seeds(lab) == {0, 1, 2}, "the same command begins nothing anew"


def test_while_runs_are_missing_no_look_is_taken(open_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    taken = ends_after(monkeypatch, 2)
    lab = open_lab()
    study = fakes.study(steps=8, seconds=0.0, trouble="diverged")
    lab.enqueue(fakes.trial(study, seeds=5).model_copy(update={"looks": PLAN}))
    until(lambda: lab.snapshot().trials[0].finished is not None)
    assert lab.snapshot().trials[0].failed == 2
    assert taken == []
    assert not ended(lab)


def test_a_look_that_was_not_finished_is_taken_when_the_lab_is_opened_again(
    open_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = ends_after(monkeypatch, 5)
    lab = open_lab()
    lab.pause()
    lab.enqueue(trial())
    lab.close()
    again = open_lab()
    until(lambda: ended(again))
    assert taken == list(PLAN)
    assert seeds(again) == set(range(5))


def test_a_rebuilt_database_comes_to_the_same_end(
    open_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_after(monkeypatch, 3)
    lab = open_lab()
    lab.enqueue(trial())
    until(lambda: ended(lab))
    lab.close()
    lab.home.database.unlink()
    for extra in lab.home.database.parent.glob(f"{lab.home.database.name}-*"):
        extra.unlink()
    again = open_lab()
    until(lambda: ended(again))
    assert seeds(again) == {0, 1, 2}
    assert again.snapshot().trials[0].done == 6


def test_a_bug_is_told_once_and_other_trials_go_on(
    open_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def judged(lab: Lab, name: str) -> tuple[TrialSpec, Sequential]:
        asked.append(name)
        raise KeyError("a bug")

    monkeypatch.setattr(Lab, "_judged", judged)
    lab = open_lab()
    name = lab.enqueue(trial())
    until(lambda: "a bug" in lab.snapshot().reason)
    other = lab.enqueue(fakes.trial())
    until(lambda: lab.snapshot(other).trials[0].finished is not None)
    assert asked == [name]
    assert not ended(lab)
