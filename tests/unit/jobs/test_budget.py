"""A run waits for memory, with its reason shown, while others are at work; alone it never waits."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.run.planned import runs_of
from engine.spec.reference import ModelRef
from engine.spec.run import Need, RunSpec
from engine.spec.understanding import Cost, Fit, Inspection
from jobs.lab import Lab
from jobs.queue import budget
from jobs.queue.budget import Budget, Worker
from jobs.store.write import cost
from tests.unit.jobs import fakes
from tests.unit.jobs.conftest import done, states, until

GB = 10**9


@pytest.fixture
def spec(tmp_path: Path) -> RunSpec:
    shape = {"hidden_size": 192, "num_hidden_layers": 6, "intermediate_size": 512, "vocab_size": 3000}
    (tmp_path / "config.json").write_text(json.dumps({**shape, "max_position_embeddings": 256}))
    model = ModelRef(name="m", path=str(tmp_path), digest="d", parameters=3_000_000)
    return runs_of(fakes.trial(seeds=1).model_copy(update={"model": model}))[0]


def test_a_larger_model_and_a_larger_batch_need_more(spec: RunSpec, tmp_path: Path) -> None:
    small = budget.needed(spec)
    assert budget.LEAST < small < 2 * GB
    size = spec.tune.size.model_copy(update={"batch_size": 64 * spec.tune.size.batch_size})
    large = spec.model_copy(update={"tune": spec.tune.model_copy(update={"size": size})})
    assert budget.needed(large) > small
    (tmp_path / "config.json").write_text("no json")
    assert budget.needed(spec) > budget.LEAST


def test_what_an_inspection_measured_stands_above_the_estimate(spec: RunSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Budget()
    cost_of_arm = Cost(
        method=spec.tune.method.name, arms=(spec.arm,), seconds=1, memory=9 * GB, own=6 * GB, batches={2: 3 * GB}
    )
    fit = Fit(context=1, prompt_tokens=1, answer_tokens=1, limit=1)
    held.expect([spec], Inspection(fit=fit, costs=(cost_of_arm,)))
    assert held.needs(spec) == 6 * GB
    held.expect([spec], None)
    assert held.needs(spec) == 6 * GB, "a trial that was not inspected changes nothing"
    monkeypatch.setattr(budget, "machine", lambda: (16 * GB, 5 * GB))
    assert held.hold(spec, [Worker(1, cost(spec))]).startswith("waiting for memory: the next run needs about 6.0 GB")
    said = held.advice(spec)
    assert "needs about 9.0 GB of memory, and 4.2 GB is free" in said
    assert "--batch 2" in said


def test_want_of_memory_is_advised_on_without_an_inspection(spec: RunSpec) -> None:
    said = Budget().advice(spec)
    assert f"--batch {max(1, spec.tune.size.batch_size // 2)}" in said
    assert "GB" in said


def test_the_next_run_waits_where_it_does_not_fit_beside_the_others(
    spec: RunSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Budget()
    at_work = [Worker(1, cost(spec))]
    monkeypatch.setattr(budget, "machine", lambda: (16 * GB, 8 * GB))
    assert held.hold(spec, at_work) == ""
    monkeypatch.setattr(budget, "machine", lambda: (16 * GB, 1 * GB))
    said = held.hold(spec, at_work)
    assert said.startswith("waiting for memory: the next run needs about 0.")
    assert said.endswith("beside 1 run at work")
    assert held.hold(spec, []) == "", "nothing would end its waiting"


def test_every_model_that_a_run_needs_is_counted_once(spec: RunSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Budget()
    at_work = [Worker(1, cost(spec))]
    other = ModelRef(name="large", path="nowhere", digest="o", parameters=2 * GB)
    both = {"expert": Need(model=other), "twin": Need(model=other)}
    needy = spec.model_copy(update={"tune": spec.tune.model_copy(update={"needs": both})})
    sizes = held.models(needy)
    assert sizes.keys() == {"d", "o"}
    assert sizes["o"] == pytest.approx(8 * GB, rel=0.5)
    assert budget.needed(needy) > budget.needed(spec), "it answers as well"
    monkeypatch.setattr(budget, "machine", lambda: (64 * GB, int(sizes["o"])))
    assert held.hold(needy, at_work, {"d", "o"}).startswith("waiting for memory")
    monkeypatch.setattr(budget, "machine", lambda: (64 * GB, int(2 * sizes["o"]) + 5 * GB))
    assert held.hold(needy, at_work, {"d", "o"}) == "", "the same model twice is loaded once"
    monkeypatch.setattr(budget, "machine", lambda: (64 * GB, int(sizes["o"])))
    assert held.hold(needy, at_work) == "", "what lies in memory already needs none"
    assert held.hold(needy, [], {"d", "o"}) == "", "nothing would end its waiting"


def test_what_was_measured_stands_above_the_estimate(spec: RunSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Budget()
    at_work = [Worker(1, cost(spec))]
    monkeypatch.setattr(budget, "machine", lambda: (16 * GB, 6 * GB))
    assert held.hold(spec, at_work) == ""
    monkeypatch.setattr(budget, "own_memory", lambda pid: 5 * GB)
    held.watch(at_work, 10.0)
    assert held.hold(spec, at_work) == "", "5 GB of 5.2 are enough, the run at work holds all it will"
    monkeypatch.setattr(budget, "own_memory", lambda pid: GB)
    held.watch(at_work, 20.0)
    assert held.hold(spec, at_work).startswith("waiting for memory: the next run needs about 5.0 GB")


def test_a_container_s_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "CGROUP", tmp_path)
    whole = budget.machine()
    (tmp_path / "memory.max").write_text("max\n")
    assert budget.machine()[0] == whole[0]
    (tmp_path / "memory.max").write_text(f"{1 << 29}\n")
    (tmp_path / "memory.current").write_text(f"{1 << 28}\n")
    (tmp_path / "memory.stat").write_text(f"anon 5\ninactive_file {1 << 27}\n")
    assert budget.machine() == (1 << 29, (1 << 29) - (1 << 28) + (1 << 27))


def test_a_process_s_own_memory_is_seen() -> None:
    assert budget.own_memory(os.getpid()) > 1 << 20
    assert budget.own_memory(2**22 + 7) == 0


def test_the_queue_says_why_a_run_waits_and_goes_on_by_itself(
    open_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "machine", lambda: (16 * GB, 0))
    lab = open_lab()
    lab.enqueue(fakes.trial(fakes.study(steps=40, seconds=0.02), seeds=2))
    until(lambda: "waiting for memory" in lab.snapshot().reason)
    assert states(lab).count("running") == 1
    monkeypatch.setattr(budget, "machine", lambda: (16 * GB, 15 * GB))
    until(lambda: states(lab).count("running") == 2)
    assert lab.snapshot().reason == ""
    until(lambda: done(lab), 60)
    assert set(states(lab)) == {"succeeded"}
