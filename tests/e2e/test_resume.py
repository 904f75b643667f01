"""A run that is stopped or killed anywhere ends as if nothing had happened, to the bit."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import threading
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine.run import execute
from engine.spec.events import decode
from engine.spec.stopping import Stopped
from tests.support.tiny import make_spec

DPO = {
    "pairs": 12,
    "samples": 4,
    "temperature": 1.5,
    "unreadable": True,
    "max_new_tokens": 40,
    "dpo_learning_rate": 1e-3,
}
VARYING = {"elapsed", "seconds"}  # times, which differ between repeats


class StopAt(threading.Event):
    """Asks to stop once the stream holds so many lines."""

    def __init__(self, folder: Path, lines: int) -> None:
        super().__init__()
        self.path, self.lines = folder / "events.ndjson", lines

    def is_set(self) -> bool:
        return self.path.exists() and self.path.read_bytes().count(b"\n") >= self.lines


def spec(method: str) -> Any:
    settings = {**DPO, "dpo_share": 0.5} if method == "sft-dpo" else {}
    return make_spec(method, settings=settings)


def story(folder: Path) -> list[dict[str, Any]]:
    """The stream as a reader sees it: the first event of every number."""
    seen: dict[int, dict[str, Any]] = {}
    for line in (folder / "events.ndjson").read_bytes().splitlines():
        event = decode(line).model_dump(mode="json", exclude=VARYING)
        first = seen.setdefault(event["seq"], event)
        assert first == event, "a repeated number must carry the same content"
    return [seen[at] for at in sorted(seen)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, loaders: Any) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for method in ("sft", "sft-dpo"):
        folder = tmp_path_factory.mktemp(method)
        execute.execute(spec(method), folder, threading.Event(), loaders)
        found[method] = story(folder)
    return found


@pytest.mark.parametrize("method", ["sft", "sft-dpo"])
@pytest.mark.parametrize("seed", range(3))
def test_stopped_again_and_again(tmp_path: Path, loaders: Any, undisturbed: Any, method: str, seed: int) -> None:
    whole = undisturbed[method]
    rng = Random(f"{method}{seed}")
    for _ in range(40):
        lines = (
            len((tmp_path / "events.ndjson").read_bytes().splitlines()) if (tmp_path / "events.ndjson").exists() else 0
        )
        try:
            execute.execute(spec(method), tmp_path, StopAt(tmp_path, lines + rng.randint(2, 9)), loaders)
            break
        except Stopped:
            continue
    assert story(tmp_path) == whole
    assert whole[-1]["kind"] == "finished"
    assert [e["step"] for e in whole if e["kind"] == "stepped"] == list(range(1, 13))
    kinds = {e["phase"] for e in whole if e["kind"] == "stepped"}
    assert kinds == ({"sft", "dpo"} if method == "sft-dpo" else {"sft"})


def test_a_torn_line_and_a_torn_checkpoint_do_no_harm(tmp_path: Path, loaders: Any, undisturbed: Any) -> None:
    with pytest.raises(Stopped):
        execute.execute(spec("sft-dpo"), tmp_path, StopAt(tmp_path, 14), loaders)
    with (tmp_path / "events.ndjson").open("ab") as file:
        file.write(b'{"kind":"stepped","seq":14,"st')
    points = sorted(tmp_path.glob("checkpoints/*/*"), key=lambda p: (p.parent.name, int(p.name.split("-")[1])))
    assert len(points) == 2
    with (points[-1] / "optimizer.pt").open("r+b") as file:
        file.truncate(100)
    execute.execute(spec("sft-dpo"), tmp_path, threading.Event(), loaders)
    assert story(tmp_path) == undisturbed["sft-dpo"]


def test_a_checkpoint_of_another_run_is_not_used(tmp_path: Path, loaders: Any) -> None:
    with pytest.raises(Stopped):
        execute.execute(spec("sft"), tmp_path / "a", StopAt(tmp_path / "a", 9), loaders)
    shutil.copytree(tmp_path / "a" / "checkpoints", tmp_path / "b" / "checkpoints")
    execute.execute(make_spec("sft", seed=1), tmp_path / "b", threading.Event(), loaders)
    assert story(tmp_path / "b")[0]["kind"] == "started"


def test_a_finished_run_is_not_run_again(tmp_path: Path, loaders: Any) -> None:
    execute.execute(spec("base"), tmp_path, threading.Event(), loaders)
    before = (tmp_path / "events.ndjson").read_bytes()
    execute.execute(spec("base"), tmp_path, threading.Event(), loaders)
    assert (tmp_path / "events.ndjson").read_bytes() == before


def _child(folder: str, tokenizer_folder: str, method: str) -> None:
    import torch

    from tests.support.tiny import make_loaders

    torch.set_num_threads(1)
    execute.execute(spec(method), Path(folder), threading.Event(), make_loaders(Path(tokenizer_folder)))


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path: Path, tokenizer_folder: Path, undisturbed: Any) -> None:
    rng = Random(11)
    context = multiprocessing.get_context("spawn")
    kills = 0
    for _ in range(30):
        child = context.Process(target=_child, args=(str(tmp_path), str(tokenizer_folder), "sft-dpo"))
        child.start()
        events = tmp_path / "events.ndjson"
        before = events.stat().st_size if events.exists() else 0
        more = before + rng.randint(100, 700)
        while child.is_alive() and kills < 6 and not (events.exists() and events.stat().st_size > more):
            time.sleep(0.005)
        if child.is_alive() and kills < 6:
            kills += 1
            os.kill(child.pid or 0, signal.SIGKILL)
        child.join(120)
        if child.exitcode == 0:
            break
    assert kills >= 3
    assert story(tmp_path) == undisturbed["sft-dpo"]
    assert json.loads((tmp_path / "events.ndjson").read_text().splitlines()[-1])["kind"] == "finished"
