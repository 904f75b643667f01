"""In which order the runs of a trial stand in the queue."""

from __future__ import annotations

from engine.run.planned import runs_of
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
