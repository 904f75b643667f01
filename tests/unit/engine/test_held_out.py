"""What a run records of its own training, and that recording it changes nothing."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from engine.run import execute, held_out
from engine.run.execute import Loaders
from engine.spec.errors import Diverged
from engine.spec.events import decode
from engine.spec.example import StudyData
from engine.spec.training import training_of
from tests.support.tiny import make_data, make_spec


def run(folder: Path, loaders: Any, **more: Any) -> list[Any]:
    execute.execute(make_spec("sft", **more), folder, threading.Event(), loaders)
    return [decode(line) for line in (folder / "events.ndjson").read_bytes().splitlines()]


def with_data(loaders: Any, data: StudyData) -> Loaders:
    return Loaders(model=loaders.model, data=lambda ref: data)


def test_the_same_examples_are_scored_before_and_after(tmp_path: Path, loaders: Any) -> None:
    events = run(tmp_path, loaders, steps=24, train_examples=40)
    first, last = [event for event in events if event.kind == "scored"]
    assert (first.step, last.step) == (0, 24)
    assert len(first.losses) == len(last.losses) == 20, "all that a pool of 60 leaves"
    assert sum(last.losses) < sum(first.losses)
    found = training_of(events)
    assert found is not None
    (phase,) = found.phases
    assert len(phase.norms) == 24
    assert min(phase.norms) > 0
    assert phase.max_grad_norm == 1.0
    assert phase.comparable
    assert 0 <= (phase.clipped or 0.0) <= 1


def test_scoring_changes_nothing_of_the_training(tmp_path: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scored = run(tmp_path / "a", loaders)
    monkeypatch.setattr(held_out, "left", lambda *_: [])
    plain = run(tmp_path / "b", loaders)
    assert [e.loss for e in scored if e.kind == "stepped"] == [e.loss for e in plain if e.kind == "stepped"]
    assert scored[-1].adapter == plain[-1].adapter
    assert not any(e.kind == "scored" for e in plain)


def test_nothing_that_is_trained_on_is_scored() -> None:
    from engine.methods import method_class

    method = method_class("sft")(method_class("sft").Config())
    data, tune = make_data(200), make_spec("sft", train_examples=100).tune
    drawn = [*data.train[:90], *(e.model_copy(update={"id": f"{e.id}-again"}) for e in data.train[90:100])]
    found = held_out.left(data, drawn, tune, method)
    prompts = {repr(example.prompt) for example in drawn}
    assert len(found) == 100
    assert not any(repr(example.prompt) in prompts for example in found), "neither by name nor by what it asks"
    assert held_out.left(data, data.train, tune, method) == [], "a pool that is used up leaves nothing"
    aside = data.model_copy(update={"train": data.train[:150], "aside": data.train[150:]})
    assert {e.id for e in held_out.left(aside, drawn, tune, method)} <= {e.id for e in aside.aside}


def test_weights_that_give_no_number_are_a_divergence(
    tmp_path: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = iter([(1.0, 2.0), (1.0, float("nan"))])
    monkeypatch.setattr(held_out, "losses", lambda *_: next(given))
    with pytest.raises(Diverged, match="no number"):
        run(tmp_path, loaders, train_examples=30)
