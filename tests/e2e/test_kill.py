"""Killing anything at any moment loses nothing, doubles nothing, and changes no figure."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from jobs.executors.local import alive
from jobs.lab import Lab
from jobs.paths import Home, read_json
from jobs.store.write import Store
from tests.e2e import killable
from tests.support.patience import HANG
from tests.unit.jobs import fakes

KINDS = ("child", "lab", "both", "server")


class Victim:
    """The lab's process, begun again whenever it was killed."""

    def __init__(self, home: Path, acknowledged: Path, root: Path, pace: float) -> None:
        self.home, self.acknowledged, self.root, self.pace = Home.at(home), acknowledged, root, pace
        self.log = (home.parent / "victim.log").open("ab")
        self.start()

    def start(self) -> None:
        script = [sys.executable, "-m", "tests.e2e.killable", str(self.home.folder), str(self.acknowledged)]
        environment = {**os.environ, fakes.PACE: str(self.pace)}
        self.process = subprocess.Popen(script, cwd=self.root, env=environment, stdout=self.log, stderr=self.log)

    def children(self) -> list[int]:
        told = [read_json(p) or {} for p in self.home.runs.glob("*/worker.json")]
        return [t["pid"] for t in told if alive(t.get("pid"), t.get("started"))]

    def family(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.Error:
            return []

    def kill(self, kind: str, rng: random.Random) -> bool:
        """Kill as told. Returns whether there was anything to kill."""
        if self.process.poll() is not None:
            assert self.process.returncode == 0, "the lab ended by itself, and not well"
            return False
        pids = []
        if kind in ("child", "both"):
            pids += rng.sample(self.children(), k=min(1, len(self.children())))
        if kind == "server":  # the process that runs are forked from
            pids += [p.pid for p in self.family() if p.pid not in self.children()][-1:]
        if kind in ("lab", "both"):
            pids.append(self.process.pid)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if kind in ("lab", "both"):
            self.process.wait(10)
            self.start()
        return bool(pids)


def test_ten_kills(tmp_path: Path, root: Path) -> None:
    kill_and_compare(tmp_path, root, kills=10, seed=1, pace=0.02)


@pytest.mark.slow
def test_a_hundred_kills(tmp_path: Path, root: Path) -> None:
    kill_and_compare(tmp_path, root, kills=100, seed=2, pace=0.14)


def kill_and_compare(tmp_path: Path, root: Path, kills: int, seed: int, pace: float) -> None:
    """`pace`: seconds a step takes, so that the trial outlasts its kills on any machine."""
    rng = random.Random(seed)
    home, acknowledged = tmp_path / "home", tmp_path / "acknowledged.ndjson"
    victim = Victim(home, acknowledged, root, pace)
    family: list[psutil.Process] = []
    try:
        count = 0
        while count < kills and victim.process.poll() is None:
            time.sleep(rng.uniform(0.0, 0.3) if rng.random() < 0.3 else rng.uniform(0.3, 1.2))
            family += victim.family()
            count += victim.kill(rng.choice(KINDS), rng)
        assert count == kills, f"the trial was done after {count} kills: make it longer"
        assert victim.process.wait(240) == 0
    finally:
        victim.process.kill()
        victim.log.close()
    trial = fakes.trial(fakes.study(steps=killable.STEPS), seeds=killable.SEEDS)
    no_process_is_left(family)
    whole = Store(Home.at(home))
    assert whole.check("integrity_check") == "ok"
    assert not list(whole.db.query("PRAGMA foreign_key_check"))
    whole.close()
    reader = Lab.reader(home)
    results = reader.run_results(trial.id)
    reader.close()
    nothing_lost_nor_doubled(acknowledged, {r.record.run: (r.record.attempt, fakes.figures([r])) for r in results})
    assert fakes.figures(results) == undisturbed(tmp_path / "undisturbed", trial.id)


def nothing_lost_nor_doubled(acknowledged: Path, now: dict[str, tuple[int, str]]) -> None:
    said = [json.loads(line) for line in acknowledged.read_text().splitlines()]
    assert {line["run"] for line in said} == set(now)
    for line in said:
        assert now[line["run"]] == (line["attempt"], line["figures"]), "an acknowledged result was changed or repeated"


def no_process_is_left(family: list[psutil.Process]) -> None:
    _, left = psutil.wait_procs(list(set(family)), timeout=HANG)
    assert not left


def undisturbed(home: Path, trial: str) -> str:
    lab = Lab(home, slots=2, launcher=fakes.launcher())
    with lab:
        lab.enqueue(fakes.trial(fakes.study(steps=killable.STEPS, seconds=0.01), seeds=killable.SEEDS))
        while lab.snapshot(trial).trials[0].finished is None:
            time.sleep(0.05)
        return fakes.figures(lab.run_results(trial))


def test_of_twenty_labs_at_once_one_owns_the_folder(tmp_path: Path, root: Path) -> None:
    code = (
        "import sys, time\n"
        "from jobs.lab import Lab\n"
        "from engine.spec.errors import StoreError\n"
        "from tests.unit.jobs import fakes\n"
        "try:\n"
        "    lab = Lab(sys.argv[1], slots=1, launcher=fakes.launcher())\n"
        "except StoreError as error:\n"
        "    print('refused', error.message); sys.exit(3)\n"
        "print('owner', flush=True); sys.stdin.read(); lab.close()\n"
    )
    home = str(tmp_path / "home")
    labs = [
        subprocess.Popen(
            [sys.executable, "-c", code, home], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(20)
    ]
    end = time.monotonic() + HANG
    while sum(lab.poll() is not None for lab in labs) < 19:
        assert time.monotonic() < end
        time.sleep(0.05)
    owner = next(lab for lab in labs if lab.poll() is None)
    said = [lab.communicate()[0] for lab in labs if lab is not owner]
    assert {lab.returncode for lab in labs if lab is not owner} == {3}
    assert all(f"process {owner.pid}" in words for words in said)
    assert owner.communicate("")[0] == "owner\n"
    assert owner.returncode == 0
