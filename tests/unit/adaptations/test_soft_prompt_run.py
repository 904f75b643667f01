"""A whole run that trains a soft prompt: it learns, it is measured, and it is kept like any other weights."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from engine.run import execute
from engine.spec.events import decode
from engine.spec.stopping import Stopped
from tests.support.tiny import make_spec

SIZES = {"steps": 6, "live_items": 0, "settings": {"tokens": 4}}


def run(root: Path, loaders: Any, name: str, stop: threading.Event | None = None, **more: Any) -> list[Any]:
    spec = make_spec("soft-prompt", **{**SIZES, **more})
    execute.execute(spec, root / name, stop or threading.Event(), loaders, kept=root / f"weights-{name[0]}")
    return [decode(line) for line in (root / name / "events.ndjson").read_bytes().splitlines()]


def losses(events: list[Any]) -> list[float]:
    return [e.loss for e in events if e.kind == "stepped"]


def after(events: list[Any]) -> list[Any]:
    return [(e.metrics, e.outcomes) for e in events if e.kind == "probed" and e.stage == "after"]


def test_it_learns_resumes_to_the_bit_and_is_measured_without_training(tmp_path: Path, loaders: Any) -> None:
    whole = run(tmp_path, loaders, "a-whole")
    assert losses(whole)[-1] < losses(whole)[0]
    checked = {e.name: (e.ok, e.detail) for e in whole if e.kind == "checked"}
    assert all(ok for ok, _ in checked.values()), checked
    assert {"adapter-on", "adapter-off"} <= checked.keys()
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        run(tmp_path, loaders, "b-parts", stop)
    parts = run(tmp_path, loaders, "b-parts")
    assert losses(parts) == losses(whole)
    assert parts[-1].adapter == whole[-1].adapter
    assert after(parts) == after(whole)
    again = run(tmp_path, loaders, "a-again", items=4)
    assert losses(again) == []
    by_item = {outcome.item: outcome for _, outcomes in after(whole) for outcome in outcomes}
    assert all(by_item[outcome.item] == outcome for _, outcomes in after(again) for outcome in outcomes)
    plain = run(tmp_path, loaders, "c-short", steps=1)
    assert after(plain) != after(whole), "what was trained is what is measured"
