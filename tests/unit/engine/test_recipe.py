"""The recipe, on a tiny random model."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from engine import recipe
from engine.events import decode
from tests.support.tiny import make_spec


def run(folder: Path, loaders: Any, method: str = "sft", **more: Any) -> list[Any]:
    recipe.execute(make_spec(method, **more), folder, threading.Event(), loaders)
    return read(folder)


def read(folder: Path) -> list[Any]:
    return [decode(line) for line in (folder / "events.ndjson").read_bytes().splitlines()]


def of(events: list[Any], kind: str) -> list[Any]:
    return [event for event in events if event.kind == kind]


def test_a_run_tells_its_whole_story(tmp_path: Path, loaders: Any) -> None:
    events = run(tmp_path, loaders)
    assert [e.seq for e in events] == list(range(len(events)))
    assert events[0].kind == "started"
    assert events[0].total_steps == 12
    assert [e.step for e in of(events, "stepped")] == list(range(1, 13))
    assert [e.step for e in of(events, "probed") if e.stage == "after"] == [12]
    assert {e.name for e in of(events, "checked")} == {"greedy", "adapter-on", "adapter-off", "template", "overlap"}
    assert all(e.ok for e in of(events, "checked")), of(events, "checked")
    assert events[-1].kind == "finished"
    assert len(events[-1].adapter) == 64
    assert (tmp_path / "adapter" / "adapter_model.safetensors").exists()
    assert of(events, "stepped")[-1].loss < of(events, "stepped")[0].loss
