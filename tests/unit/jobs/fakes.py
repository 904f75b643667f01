"""A recipe without torch: the same promises as `engine.run.execute.execute`, a hundredth of the time.

What a run does is told by its arm's settings: `steps`, `seconds` (per step), and `trouble`. Its weights are a hash
chain over steps, so that a resumed run equals an undisturbed one to the last bit only if its checkpoint was right.
`arm` names an arm whose weights it needs. `like` stands for what makes weights: runs of equal values come out equal.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import signal
import struct
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from engine import methods
from engine.methods import Method, MethodConfig, Phase
from engine.methods._base import NAMES_A_NEED
from engine.run import weights
from engine.spec.errors import Diverged, RunError
from engine.spec.example import ItemText, Outcome
from engine.spec.plugins.discovery import Found, discover
from engine.spec.reference import DataRef, ModelRef
from engine.spec.run import RunSpec, Use, Wanted
from engine.spec.runs import RunResult
from engine.spec.stopping import Stopped, check
from engine.spec.study import ArmSpec, Primary, ProbeSpec, RuleSpec, ScaleSpec, StudySpec
from engine.spec.trial import TrialSpec
from engine.tuning.journal import Journal, finished
from jobs.executors.local import Launcher
from jobs.paths import read_json, write_json

TARGET = "tests.unit.jobs.fakes:execute"
PACE = "FAKE_RECIPE_SECONDS"  # seconds per step, whatever the settings say: it does not change what a run is
EVERY = 4  # steps between checkpoints and live measurements


class FakeConfig(MethodConfig):
    """What a run of the fake recipe does."""

    steps: int = 12
    seconds: float = 0.01
    trouble: str = ""
    n: int = 0
    like: str = ""
    arm: str = Field("", json_schema_extra=NAMES_A_NEED)


class Fake(Method[FakeConfig]):
    """The method of the fake recipe."""

    name: ClassVar[str] = "fake"
    label: ClassVar[str] = "Fake"
    Config: ClassVar[type[MethodConfig]] = FakeConfig

    def needs(self) -> dict[str, Wanted]:
        return {"other": Wanted(arm=self.config.arm)} if self.config.arm else {}

    def adaptation(self) -> Use | None:
        return Use(name="lora")

    def phases(self) -> tuple[Phase, ...]:
        return (Phase(objective=Use(name="sft"), share=1.0, learning_rate=0.1),)


def known() -> Found[Method]:
    """All methods, and the fake one."""
    found = discover("methods", Method)
    return replace(found, classes={**found.classes, "fake": Fake})


def install() -> None:
    """Make the fake method known in this process for good: for processes that do nothing else."""
    methods.found = known


def execute(spec: RunSpec, folder: Path, stop: threading.Event, kept: Path, shared: object = None) -> None:
    """One run, from its start or its checkpoint; what is trained already is only measured."""
    if finished(folder):
        return
    settings = spec.tune.method.settings
    for need in spec.tune.needs.values():
        if weights.found(kept, need.weights) is None:
            raise RunError(f"The weights of {need.of} are not there.")
    told = read_json(folder / "checkpoint.json") or {
        "step": 0,
        "seq": 0,
        "state": settings.get("like") or spec.tune.hash,
    }
    made = None if told["seq"] else weights.found(kept, spec.tune.hash)
    began = time.monotonic()
    state, steps = (made[1], 0) if made else (told["state"], settings["steps"])
    with Journal(folder, told["seq"]) as log:
        if not told["seq"]:
            made_with = {"versions": {"fake": "1"}, "hardware": {"cores": "1"}}
            log.emit("started", total_steps=steps, threads=1, device="cpu", **made_with)
        for step in range(told["step"] + 1, steps + 1):
            time.sleep(float(os.environ.get(PACE, settings["seconds"])))
            _trouble(settings["trouble"], step, folder, log)
            state = hashlib.sha256(state.encode()).hexdigest()
            elapsed = time.monotonic() - began
            log.emit("stepped", step=step, loss=number(state), learning_rate=0.1, phase="sft", elapsed=elapsed)
            if step % EVERY == 0:
                log.emit("probed", step=step, probe="calls", stage="live", metrics={"accuracy": number(state + "live")})
                write_json(folder / "checkpoint.json", {"step": step, "seq": log.seq, "state": state})
            if stop.is_set():
                write_json(folder / "checkpoint.json", {"step": step, "seq": log.seq, "state": state})
                raise Stopped("asked")
        check(stop)
        if not made:
            (folder / "adapter").mkdir(exist_ok=True)
            (folder / "adapter" / "weights.txt").write_text(state)
            state = digest_of(folder / "adapter" / "weights.txt")
            weights.keep(kept, spec.tune, folder / "adapter", state)
        if settings["trouble"] == "slow":  # to measure
            time.sleep(1.0)
        outcomes = [
            Outcome(
                item=f"i{n}",
                correct=number(f"{state}{n}") > 0.5,
                split="wording",
                cluster="c",
                output=state,
                value=number(f"{state}{n}"),
            )
            for n in range(20)
        ]
        metrics = {"accuracy": number(state), "reliance": number(state + "r")}
        texts = [ItemText(item=f"i{n}", prompt=f"What is {n}?", gold=str(n)) for n in range(20)]
        log.emit("asked", probe="calls", texts=texts)
        log.emit("probed", step=steps, probe="calls", stage="after", metrics=metrics, outcomes=outcomes)
        log.emit("checked", name="greedy", ok=True, detail="the same twice")
        log.emit("noted", name="negatives", detail="none")
        log.emit("finished", seconds=time.monotonic() - began, adapter=state)


def digest_of(path: Path) -> str:
    """sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def number(text: str) -> float:
    """A number in [0, 1) that a single changed bit of the text would change."""
    return struct.unpack(">Q", hashlib.sha256(text.encode()).digest()[:8])[0] / 2**64


def _trouble(kind: str, step: int, folder: Path, log: Journal) -> None:
    if not kind or step != 6:
        return
    mark = folder.with_name(f"{folder.name}.troubled")  # beside the folder: it stays when the run begins anew
    first = not mark.exists()
    mark.touch()
    if kind == "diverged":
        raise Diverged("The loss is not a number at step 6.", "Lower the learning rate.")
    if kind == "bug":
        raise KeyError("a bug <b>&</b>")
    if kind == "memory":
        raise MemoryError("no room")
    if kind == "kill-once" and first:
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "segfault":
        ctypes.string_at(0)
    if kind == "deaf":  # as a library that holds the interpreter's lock, save that it ends
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
    if kind == "garbage" and first:
        with (folder / "events.ndjson").open("ab") as file:
            file.write(b'{"kind":"stepped","seq":\n\xff\xfe\n')
    if kind == "gap" and first:
        log.seq += 1


def launcher() -> Launcher:
    """Starts the fake recipe, from a process that has loaded nothing heavy."""
    return Launcher(TARGET, preload=["jobs.executors.worker", "engine.tuning.journal"], prepare="")


def study(steps: int = 12, seconds: float = 0.01, trouble: str = "", name: str = "fake", needs: str = "") -> StudySpec:
    """A study of two arms over the fake recipe.

    Args:
        trouble: What the arm "odd" meets.
        needs: The arm whose weights "plain" needs.
    """
    settings = {"steps": steps, "seconds": seconds}
    odd = settings | ({"trouble": trouble} if trouble else {"n": 1})
    plain = settings | ({"arm": needs} if needs else {})
    return StudySpec(
        id=name, question="Does the fake learn?", summary="-", claim="-", source="-", data="world.tools",
        arms=(
            ArmSpec(name="plain", label="Plain", method="fake", settings=plain),
            ArmSpec(name="odd", label="Odd", method="fake", settings=odd),
        ),
        probes=(ProbeSpec(probe="calls"),),
        primary=Primary(probe="calls", metric="accuracy", contrast=("odd", "plain")),
        contrasts=(("odd", "plain"),),
        accuracy="calls.accuracy",
        reliance="calls.reliance",
        rule=RuleSpec(name="shortcut", settings={"floor": 0.1, "treated": "odd", "base": "plain"}),
        scales={"smoke": ScaleSpec(seeds=2, note="-"), "quick": ScaleSpec(seeds=3)},
    )  # fmt: skip


def trial(of: StudySpec | None = None, seeds: int = 2, arms: tuple[str, ...] = ("plain", "odd")) -> TrialSpec:
    """A trial of it."""
    model = ModelRef(name="none", path="nowhere", digest="0" * 64)
    return TrialSpec(
        study=of or study(), scale="smoke", seeds=seeds, arms=arms, model=model, data=DataRef(source="world.tools")
    )


def figures(results: Iterable[RunResult]) -> str:
    """Everything that must be equal between two ways of running the same trial, to the last bit."""
    return json.dumps(
        [
            [r.record.run, r.metrics, {p: [o.model_dump(mode="json") for o in some] for p, some in r.outcomes.items()},
             r.checks, r.notes, r.adapter, r.record.state, r.record.step, r.record.loss]
            for r in results
        ],
        sort_keys=True,
    )  # fmt: skip
