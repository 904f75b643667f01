"""Weights that a run made are measured by other runs, and nothing is trained anew; damaged ones are never measured."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from engine.methods.base import Base
from engine.probes import Measuring
from engine.probes.forgetting import Forgetting
from engine.run import execute, needs, weights
from engine.spec.errors import RunError
from engine.spec.events import decode
from engine.spec.run import Need, RunSpec, Use, Wanted
from tests.support.tiny import make_spec, make_tune

STEPS = 3


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, loaders: Any) -> Path:
    """A finished run, "run", and the weights it kept, "weights"."""
    root = tmp_path_factory.mktemp("made")
    run(root, make_spec(steps=STEPS), loaders)
    return root


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """A copy of the same."""
    return Path(shutil.copytree(made, tmp_path / "home"))


def run(root: Path, spec: RunSpec, loaders: Any, name: str = "run") -> list[Any]:
    execute.execute(spec, root / name, threading.Event(), loaders, kept=root / "weights")
    return [decode(line) for line in (root / name / "events.ndjson").read_bytes().splitlines()]


def events_of(root: Path) -> list[Any]:
    return [decode(line) for line in (root / "run" / "events.ndjson").read_bytes().splitlines()]


def after(events: list[Any], probe: str = "forgetting") -> list[Any]:
    return [(e.metrics, e.outcomes) for e in events if e.kind == "probed" and e.stage == "after" and e.probe == probe]


def steps(events: list[Any]) -> int:
    return sum(e.kind == "stepped" for e in events)


def kept(root: Path) -> Path:
    return weights.folder_of(root / "weights", make_tune(steps=STEPS).hash)


def test_one_more_probe_measures_and_trains_nothing(home: Path, loaders: Any) -> None:
    first = events_of(home)
    more = run(home, make_spec(steps=STEPS, probes=("forgetting", "calls")), loaders, "more")
    assert (steps(first), steps(more)) == (STEPS, 0)
    assert after(more) == after(first), "to the last digit"
    assert after(more, "calls")
    assert more[-1].adapter == first[-1].adapter
    assert more[0].total_steps == 0
    assert "nothing was trained" in next(e.detail for e in more if e.kind == "noted" and e.name == "weights")
    checked = {e.name: e.ok for e in more if e.kind == "checked"}
    assert {"greedy", "adapter-on", "adapter-off", "template", "overlap"} <= checked.keys()
    assert all(checked.values())


def test_another_study_and_another_name_of_the_arm_train_nothing(home: Path, loaders: Any) -> None:
    other = make_spec(steps=STEPS, items=4).model_copy(update={"study": "other", "arm": "renamed"})
    assert steps(run(home, other, loaders, "other")) == 0


@pytest.mark.parametrize("changed", [{"seed": 1}, {"settings": {"rank": 2}}, {"steps": 2}])
def test_whatever_changes_a_figure_trains_anew(home: Path, loaders: Any, changed: dict[str, Any]) -> None:
    events = run(home, make_spec(**{"steps": STEPS, "live_items": 0, **changed}), loaders, "other")
    assert steps(events) == changed.get("steps", STEPS)
    assert events[-1].adapter != events_of(home)[-1].adapter


@pytest.mark.parametrize("damage", ["weights", "missing", "manifest", "no object", "other"])
def test_damaged_weights_are_made_anew_and_the_same(home: Path, loaders: Any, damage: str) -> None:
    folder = kept(home)
    if damage == "weights":
        path = folder / "adapter_model.safetensors"
        path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    elif damage == "missing":
        (folder / "adapter_config.json").unlink()
    elif damage == "manifest":
        (folder / weights.MANIFEST).write_text('{"tune": ')
    elif damage == "no object":
        (folder / weights.MANIFEST).write_text(json.dumps({"tune": {}, "files": []}))
    else:  # another run's folder under this name
        plain = json.loads((folder / weights.MANIFEST).read_text())
        plain["tune"]["seed"] = 7
        (folder / weights.MANIFEST).write_text(json.dumps(plain))
    assert weights.found(home / "weights", folder.name) is None
    again = run(home, make_spec(steps=STEPS, items=4), loaders, "again")
    assert steps(again) == STEPS
    assert again[-1].adapter == events_of(home)[-1].adapter
    assert weights.found(home / "weights", folder.name) is not None


def test_a_run_that_was_ended_while_it_measured_goes_on_with_its_own_story(
    home: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its weights are kept already; what it has told of its training must not be told otherwise."""
    spec = make_spec(steps=STEPS, items=5, seed=2)
    with monkeypatch.context() as patched:
        patched.setattr(execute._Measurer, "full", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(home, spec, loaders, "ended")
    assert weights.found(home / "weights", spec.tune.hash) is not None
    events = run(home, spec, loaders, "ended")
    assert events[0].total_steps == STEPS
    assert [e.step for e in events if e.kind == "stepped"] == list(range(1, STEPS + 1))
    assert [e.kind for e in events].count("started") == 1
    assert [e.step for e in events if e.kind == "probed" and e.stage == "after"] == [STEPS]


def test_two_processes_may_keep_the_same_weights(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tune, folder = make_tune(steps=STEPS), kept(home)
    digest = json.loads((folder / weights.MANIFEST).read_text())["digest"]
    seen = [None, (tune, digest)]  # not there when it looks first, there once it is ready
    monkeypatch.setattr(weights, "found", lambda *_: seen.pop(0))
    monkeypatch.setattr(weights.os, "replace", lambda *_: (_ for _ in ()).throw(OSError("not empty")))
    weights.keep(home / "weights", tune, home / "run" / "adapter", digest)
    assert seen == []
    assert not list((home / "weights").glob("*.part"))


def test_a_full_disk_is_no_silent_loss(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tune = make_tune(steps=STEPS, seed=5)
    monkeypatch.setattr(weights.os, "replace", lambda *_: (_ for _ in ()).throw(OSError("no space left")))
    with pytest.raises(OSError, match="no space"):
        weights.keep(home / "weights", tune, home / "run" / "adapter", "0")


def needing(tune: str) -> dict[str, Any]:
    return {"forgetting:expert": Need(weights=tune, of="SFT, seed 0")}


@pytest.fixture
def asks_the_expert(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe that measures another arm's weights instead of the run's own model."""
    plain = Forgetting.measure
    monkeypatch.setattr(Forgetting, "needs", lambda self: {"expert": Wanted(arm="sft")})
    monkeypatch.setattr(
        Forgetting, "measure", lambda self, kit, items: plain(self, Measuring(kit.needs["expert"]), items)
    )


def test_another_arms_weights_answer_as_they_did_in_its_own_run(
    home: Path, loaders: Any, asks_the_expert: None
) -> None:
    spec = make_spec("base", needs=needing(make_tune(steps=STEPS).hash))
    assert after(run(home, spec, loaders, "base")) == after(events_of(home)), "to the last digit"


def test_weights_that_are_needed_and_not_there_are_named(home: Path, loaders: Any, asks_the_expert: None) -> None:
    with pytest.raises(RunError, match="SFT, seed 0 are not there") as caught:
        run(home, make_spec("base", needs=needing("0" * 16)), loaders, "base")
    assert "Run that arm again" in caught.value.hint
    (kept(home) / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(RunError, match="or damaged"):
        run(home, make_spec("base", needs=needing(make_tune(steps=STEPS).hash)), loaders, "again")


def test_needed_weights_count_for_what_a_run_is_by_content() -> None:
    named = make_spec("base", needs=needing("0" * 16))
    renamed = make_spec("base", needs={"forgetting:expert": Need(weights="0" * 16, of="another name")})
    other = make_spec("base", needs=needing("1" * 16))
    assert named.hash == renamed.hash != other.hash
    assert Base.name == "base"


@pytest.mark.parametrize("use", [Use(name="lora", settings={"rank": 16, "alpha": 32})])
def test_needed_weights_are_folded_in_as_in_their_run_and_given_back(home: Path, loaders: Any, use: Use) -> None:
    tune = make_tune(steps=STEPS)
    assert tune.adaptation == use
    found = needs.load(Need(weights=tune.hash), loaders, home / "weights", "cpu")
    model = found.subject.model
    folded = {name: weight.clone() for name, weight in model.named_parameters()}
    found.measured.close()
    assert any(not (weight == folded[name]).all() for name, weight in model.named_parameters())
