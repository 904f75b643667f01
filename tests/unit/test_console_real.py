"""The command line over a real lab and a tiny random model: stopped by Ctrl-C, run on, run again, reported."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.support.tiny import make_model, tokenizer_folder

__all__ = ["tokenizer_folder"]  # a fixture
from tests.support.patience import HANG

pytestmark = pytest.mark.slow
NO_DISPLAY = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


@pytest.fixture
def model(tokenizer_folder: Path, tmp_path: Path) -> Path:
    """A folder with a tiny random model, as a user would bring one."""
    from transformers import AutoTokenizer

    folder = tmp_path / "a model"
    shutil.copytree(tokenizer_folder, folder)
    make_model(len(AutoTokenizer.from_pretrained(folder))).save_pretrained(folder)
    return folder


def start(root: Path, *argv: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name not in NO_DISPLAY}
    return subprocess.Popen(
        [sys.executable, "-u", "main.py", *argv],
        cwd=root,
        env=environment,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # a process group of its own, as a shell gives each command
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, _ = process.communicate(timeout=HANG)
    return process.returncode, out


def test_ctrl_c_then_the_same_command_then_a_report(root: Path, model: Path, home: Path, tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    command = ["run", "nli-frequency", "--scale", "smoke", "--arms", "base,balanced", "--model", str(model)]
    command += ["--json", str(target)]

    first = start(root, *command)
    assert first.stdout is not None
    seen = ""
    while "step 5/10" not in seen:
        line = first.stdout.readline()
        assert line, seen
        seen += line
    os.killpg(first.pid, signal.SIGINT)  # what a terminal does: every process of the command gets it
    code, rest = finish(first)
    assert code == 130, seen + rest
    assert "the same command goes on from there" in rest
    assert "Traceback" not in rest
    assert "Warning" not in rest
    assert not target.exists()
    assert_nothing_lives(home)

    code, out = finish(start(root, *command))
    assert code == 0, out
    assert "Its numbers mean nothing" in out
    result = json.loads(target.read_text(encoding="utf-8"))
    assert {run["status"] for arm in result["arms"] for run in arm["runs"]} == {"succeeded"}
    trial = result["study"]["trial"]
    assert (home / "reports" / f"{trial}.html").exists()

    target.unlink()
    began = time.monotonic()
    code, out = finish(start(root, *command))
    assert code == 0, out
    assert out.count("had finished before") == 3  # base once, balanced at two seeds
    assert json.loads(target.read_text(encoding="utf-8"))["arms"] == result["arms"]
    assert time.monotonic() - began < 60  # nothing was trained

    items = tmp_path / "items.csv"
    wanted = ["--to", str(items), "--items", "--probe", "entailment"]
    code, out = finish(start(root, "report", "nli-frequency", *wanted))
    assert (code, f"{items} (" in out) == (0, True), out
    assert items.read_text(encoding="utf-8").startswith("arm,seed,probe,item,")

    code, out = finish(start(root, "report", "nli-frequency", "--to", str(tmp_path / "again.csv")))
    assert code == 0, out
    assert (tmp_path / "again.csv").read_text(encoding="utf-8").startswith("arm,seed,")


def assert_nothing_lives(home: Path) -> None:
    """No worker of this data folder is left."""
    for file in home.glob("runs/*/worker.json"):
        told = json.loads(file.read_text(encoding="utf-8"))
        until = time.monotonic() + HANG
        while psutil.pid_exists(told["pid"]) and time.monotonic() < until:
            time.sleep(0.1)
        assert not psutil.pid_exists(told["pid"])
