"""Calls longer than 48 tokens, end to end on a tiny model: what reached the limit is counted and named."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from engine.run import execute, sources
from engine.run.execute import Loaders
from engine.spec.events import decode
from engine.spec.run import Use
from jobs import studies
from tests.support import long_calls
from tests.support.tiny import make_model, make_spec


@pytest.fixture(scope="module")
def long_loaders(loaders: Any, tmp_path_factory: pytest.TempPathFactory) -> Loaders:
    file = long_calls.write(tmp_path_factory.mktemp("long") / "long.jsonl")
    data = sources.load(sources.resolve(studies.load("function-calling"), file))

    def load(ref: Any, device: str) -> tuple[Any, Any]:
        _, tokenizer = loaders.model(ref, device)
        return make_model(len(tokenizer), context=1024), tokenizer

    return Loaders(model=load, data=lambda ref: data)


def run(folder: Path, loaders: Loaders, method: str, settings: dict[str, Any], probe: dict[str, Any]) -> list[Any]:
    probes = (Use(name="calls", settings=probe),)
    spec = make_spec(method, settings=settings, steps=30, batch_size=8, probes=probes)
    execute.execute(spec, folder, threading.Event(), loaders)
    return [decode(line) for line in (folder / "events.ndjson").read_bytes().splitlines()]


@pytest.mark.parametrize(("method", "probe"), [("base", {}), ("sft", {}), ("base", {"max_new_tokens": 12})])
def test_none_is_cut_unseen(tmp_path: Path, long_loaders: Loaders, method: str, probe: dict[str, Any]) -> None:
    events = run(tmp_path, long_loaders, method, {}, probe)
    (after,) = [event for event in events if event.kind == "probed" and event.stage == "after"]
    notes = {event.name: event.detail for event in events if event.kind == "noted"}
    cut = [outcome for outcome in after.outcomes if outcome.features["cut"] == 1.0]
    assert after.metrics["cut"] == pytest.approx(len(cut) / len(after.outcomes))
    assert all(outcome.failure == "cut off" for outcome in cut if not outcome.correct)
    assert all(outcome.failure != "cut off" for outcome in after.outcomes if outcome not in cut)
    if cut:
        assert f"{len(cut)} of {len(after.outcomes)} answers reached the limit" in notes["cut-answers"]
    else:
        assert "cut-answers" not in notes
    if not probe:
        assert "the longest right answer takes" in notes["limit"]
    if method == "base":
        assert cut, "a random model goes on to the limit"
