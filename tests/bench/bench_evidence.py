"""A study's statistics: 10,000 resamples over 20 seeds, 2,000 items and 4 arms, on one core.

Beside them, one contrast of the many by scipy's own bootstrap, over items alone. `make bench` prints figures and
writes docs/benchmarks.md and docs/benchmarks.json. Nothing here asserts a time.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy is imported: one core

import time

import numpy as np
from scipy import stats

from engine.analysis.account import as_run
from engine.analysis.analysis import analyse
from engine.analysis.figures import metrics_of
from engine.spec.runs import RunResult
from engine.stats.evidence import Evidence
from tests.bench.record import record, spread
from tests.support.planted import CALLS, make_runs, make_trial

SEEDS, ITEMS, REPEATS = 20, 1000, 3  # items of each side
ARMS = ("base", "sft", "sft-dpo", "shuffled")


def _alone(run: RunResult) -> RunResult:
    """Each item is its own cluster: the most that there can be to resample."""
    outcomes = {
        probe: tuple(o.model_copy(update={"cluster": o.item}) for o in found) for probe, found in run.outcomes.items()
    }
    return run.model_copy(update={"outcomes": outcomes})


def test_statistics_of_a_large_study() -> None:
    trial = make_trial("function-calling", SEEDS, arms=ARMS)
    runs = [_alone(run) for run in make_runs(trial, CALLS, items=ITEMS, clusters=2 * ITEMS)]
    intervals, whole, reference = [], [], []
    for _ in range(REPEATS):
        began = time.perf_counter()
        evidence = Evidence((as_run(run, run.record.arm != "base") for run in runs), metrics_of(trial.study))
        for a in ARMS:
            for b in ARMS:
                if a != b:
                    assert evidence.difference(a, b, "calls.accuracy") is not None
        intervals.append(time.perf_counter() - began)
        began = time.perf_counter()
        result = analyse(trial, runs)
        whole.append(time.perf_counter() - began)
        right = {
            arm: np.array([[o.correct for o in run.outcomes["calls"]] for run in runs if run.record.arm == arm], float)
            for arm in ("sft", "sft-dpo")
        }
        began = time.perf_counter()
        stats.bootstrap(
            ((right["sft-dpo"] - right["sft"]).mean(axis=0),), np.mean, n_resamples=10_000, method="BCa", batch=500
        )
        reference.append(time.perf_counter() - began)
    estimates = len(result.contrasts) + len(result.further) + sum(len(arm.summary) for arm in result.arms)
    each = [one / r * estimates for one, r in zip(reference, whole, strict=True)]
    record(
        "Evidence",
        {
            "intervals of all 12 pairs of 4 arms on accuracy": f"{spread(intervals)} s",
            f"a whole result ({estimates} figures with intervals, checks, verdict)": f"{spread(whole)} s",
            "one such interval by scipy.stats.bootstrap (BCa, over items alone)": f"{spread(reference)} s",
            "scipy's time for as many intervals, over the lab's for the whole result": spread(each),
        },
        {"intervals": intervals, "whole": whole, "scipy_one": reference, "estimates": estimates},
        f"{SEEDS} seeds, {2 * ITEMS} sided items and {ITEMS // 4} more, each its own cluster, 10,000 resamples, "
        "one thread, invented outcomes.",
        {"evidence": each},
    )
