"""Copies among the lab's own runs: each group of runs is told apart from copies by its own weights."""

from __future__ import annotations

from engine.analysis.analysis import analyse
from engine.spec.runs import RunResult
from tests.support.planted import CALLS, make_runs, make_trial


def alike(runs: list[RunResult], arm: str, adapters: tuple[str, ...]) -> list[RunResult]:
    """The arm's runs with the outcomes of its first, and with these weights."""
    first = next(run for run in runs if run.record.arm == arm)
    return [
        run.model_copy(
            update={"outcomes": first.outcomes, "metrics": first.metrics, "adapter": adapters[run.record.seed]}
        )
        if run.record.arm == arm
        else run
        for run in runs
    ]


def test_a_copy_in_one_arm_says_nothing_of_another() -> None:
    trial = make_trial("function-calling", 3)
    runs = make_runs(trial, CALLS, items=80)
    runs = alike(runs, "sft", ("a" * 64, "b" * 64, "c" * 64))
    runs = alike(runs, "sft-dpo", ("d" * 64, "d" * 64, "e" * 64))
    said = [threat for threat in analyse(trial, runs).threats if "have the same outcome" in threat]
    (sft,) = [threat for threat in said if threat.startswith("SFT:")]
    (dpo,) = [threat for threat in said if threat.startswith("SFT → DPO:")]
    assert sft.endswith("though their weights differ: training with another seed changed no answer.")
    assert dpo.endswith("they say no more than one run does.")
