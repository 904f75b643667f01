"""The window beside what it is compared with: a bare window at the start, plots alone while two runs train.

`make bench` prints ratios and writes docs/benchmarks.md and docs/benchmarks.json. Nothing here asserts a time.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.record import record

ROOT = Path(__file__).resolve().parents[2]
REPEATS, SECONDS = 5, 15.0
ENV = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)}
BARE = """
from PySide6.QtWidgets import QApplication, QMainWindow
import pyqtgraph
app = QApplication([])
window = QMainWindow()
window.setCentralWidget(pyqtgraph.PlotWidget())
window.resize(1280, 800)
window.show()
app.processEvents()
print("shown", flush=True)
"""
OURS = """
import sys
from pathlib import Path
from gui.app import application
from gui.shell.main_window import MainWindow
from gui.session import Session
from gui.look.theme import Theme
app = application()
theme = Theme("light")
theme.apply()
session = Session(Path(sys.argv[1]))
window = MainWindow(session, theme)
window.show()
app.processEvents()
print("shown", flush=True)
"""


def shown(code: str, *arguments: str) -> float:
    """Seconds from the start of a fresh interpreter to the window on the (offscreen) screen."""
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, env=ENV, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "shown\n"
        took = time.perf_counter() - began
        process.kill()
    return took


def gaps(folder: Path) -> dict[str, float]:
    script = [sys.executable, str(Path(__file__).with_name("gaps.py")), str(SECONDS), str(folder)]
    done = subprocess.run(script, env=ENV, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_window(tmp_path: Path) -> None:
    starts = [(shown(BARE), shown(OURS, str(tmp_path / "home"))) for _ in range(REPEATS + 1)][1:]  # the first warms up
    ratios = [ours / bare for bare, ours in starts]
    alone = gaps(tmp_path)
    command = [sys.executable, "main.py", "run", "function-calling", "--home", str(tmp_path / "runs")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=ENV) as training:
        assert training.stdout is not None
        busy = sum("step 30/" in line for line in _until(training.stdout, "step 30/", 2))
        beside = gaps(tmp_path)
        training.send_signal(signal.SIGINT)
        training.stdout.read()
    assert busy == 2, "two runs were training"
    spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    record(
        "Window",
        {
            f"window shown, against a bare PySide6 + pyqtgraph window (median of {REPEATS}, range)": spread,
            "p99 event-loop gap while two runs train, against plots alone": f"{beside['p99'] / alone['p99']:.2f}",
            "gaps with plots alone: p50, p99, worst": _in_words(alone),
            "gaps while two runs train: p50, p99, worst": _in_words(beside),
        },
        {"starts_vs_bare": ratios, "gaps_alone_ms": alone, "gaps_training_ms": beside},
        f"Gaps are those of a 5 ms timer over {SECONDS:.0f} s while the live page redraws at 10 Hz (offscreen).",
    )


def _in_words(gaps: dict[str, float]) -> str:
    return f"{gaps['p50']:.1f}, {gaps['p99']:.1f}, {gaps['worst']:.1f} ms"


def _until(lines, mark: str, times: int) -> list[str]:
    """Lines up to the one in which `mark` stands for the last of so many times."""
    found: list[str] = []
    for line in lines:
        found.append(line)
        if sum(mark in seen for seen in found) == times:
            break
    return found
