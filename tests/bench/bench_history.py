"""A long history: 5,000 runs in the queue's table, 1 M points in a plot, and how fast events are written.

`make bench` prints figures and writes docs/benchmarks.md and docs/benchmarks.json. Nothing here asserts a time.
"""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np

from engine.run.planned import runs_of
from engine.spec.events import EVENT, encode
from engine.spec.runs import Point
from gui.app import application
from gui.curves import CurveStore
from gui.look.theme import Theme, arm_styles
from gui.session import Session
from gui.shell.main_window import MainWindow
from gui.widgets.plot import PlotCard, Series
from jobs.lab import Lab
from jobs.paths import Home
from jobs.report.content.looks import looks
from jobs.store.write import Store
from tests.bench.record import record, spread
from tests.unit.jobs import fakes

TRIALS, SEEDS = 250, 10  # of two arms each: 5,000 runs
POINTS, CURVES = 1_000_000, 12
EVENTS = 50_000
REPEATS = 5
NOW = 1_790_000_000.0


fakes.install()


def fill(home: Home) -> None:
    """A database of finished runs, as a year of work would leave it."""
    home.create()
    store = Store(home)
    with store.batch():
        for number in range(TRIALS):
            trial = fakes.trial(fakes.study(steps=12 + number, name=f"study-{number}"), seeds=SEEDS)
            runs = runs_of(trial)
            store.add_trial(trial, runs, NOW + number)
            for run in runs:
                store.settle(run.hash, "succeeded", NOW + number, 20.0)
    store.close()


def rate(home: Home) -> float:
    """Events a second that the store takes in, in batches of 100 lines, as the supervisor reads them."""
    home.create()
    store = Store(home)
    trial = fakes.trial(seeds=1)
    runs = runs_of(trial)
    with store.batch():
        store.add_trial(trial, runs, NOW)
    step = {"kind": "stepped", "loss": 1.0, "learning_rate": 0.1, "phase": "sft", "elapsed": 1.0}
    events = (EVENT.validate_python({**step, "seq": n, "step": n + 1}) for n in range(EVENTS))
    lines = [encode(event).encode() for event in events]
    began = time.perf_counter()
    for start in range(0, EVENTS, 100):
        with store.batch():
            store.ingest(runs[0].hash, lines[start : start + 100], start)
    took = time.perf_counter() - began
    store.close()
    return EVENTS / took


def opened(home: Home) -> tuple[float, float]:
    """Seconds from opening the lab to a table with every run on the screen; the longest the window stood still."""
    app = application()
    theme = Theme("light")
    theme.apply()
    session = Session(home.folder)
    window = MainWindow(session, theme)
    window.resize(1280, 800)
    window.go("queue")
    window.show()
    app.processEvents()
    page = window.pages["queue"]
    began = last = time.perf_counter()
    longest = 0.0
    session.open()
    while page.model.rowCount() < 2 * SEEDS * TRIALS:  # pyright: ignore[reportAttributeAccessIssue]
        app.processEvents()
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
        assert now - began < 60
        time.sleep(0.001)
    window.repaint()
    took = time.perf_counter() - began
    session.close(5)
    window.close()
    return took, longest


def test_history(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    fill(home)
    reads = []
    reader = Lab.reader(home)
    for _ in range(REPEATS):
        began = time.perf_counter()
        assert len(reader.snapshot().runs) == 2 * SEEDS * TRIALS
        reads.append(time.perf_counter() - began)
    reader.close()
    opens = [opened(home) for _ in range(3)]
    record(
        "History",
        {
            "from opening the lab to 5,000 runs in the queue's table": f"{spread([o[0] for o in opens])} s",
            "longest the window stood still meanwhile": f"{spread([1000 * o[1] for o in opens])} ms",
            "reading a snapshot of 5,000 runs": f"{spread([1000 * r for r in reads])} ms",
            "events taken in, in batches of 100": f"{rate(Home.at(tmp_path / 'rate')):,.0f} a second",
        },
        {"opens": opens, "reads": reads},
        "Offscreen, 1280 x 800; the lab's thread, its lock and its database included.",
    )


def test_redraw() -> None:
    app = application()
    theme = Theme("light")
    theme.apply()
    rng = np.random.default_rng(0)
    store = CurveStore()
    steps = POINTS // CURVES
    for curve in range(CURVES):
        values = 2 + np.cumsum(rng.normal(0, 0.01, steps))
        store.add(Point(run=f"r{curve}", name="loss", step=n + 1, value=float(v)) for n, v in enumerate(values))
    card = PlotCard(theme, "Training loss", "below")
    card.resize(1240, 620)
    card.show()
    app.processEvents()
    arms = [f"arm-{n}" for n in range(CURVES)]
    styles = arm_styles(looks(arms, (), {}, ()), theme.tokens)

    def redraw(series: list[Series]) -> float:
        began = time.perf_counter()
        card.draw(series, steps)
        card.view.grab()
        return 1000 * (time.perf_counter() - began)

    def full(late: int) -> float:
        for curve in range(CURVES):  # each curve has a new point, as while runs train
            store.add([Point(run=f"r{curve}", name="loss", step=steps + 1 + late, value=2.0)])
        began = time.perf_counter()
        width = store.width("loss", steps)
        series = [
            Series(f"arm-{n}", f"Arm {n}", styles[f"arm-{n}"], store.band("loss", [f"r{n}"], width))
            for n in range(CURVES)
        ]
        return 1000 * (time.perf_counter() - began) + redraw(series)

    def zoomed(n: int) -> float:
        began = time.perf_counter()
        card.plot.setXRange(steps * n / 100, steps * (1 - n / 100), padding=0)
        card.view.grab()
        return 1000 * (time.perf_counter() - began)

    redraw([])
    bare = [redraw([]) for _ in range(REPEATS)]
    drawn = [full(n) for n in range(REPEATS + 1)][1:]
    beyond = [d - statistics.median(bare) for d in drawn]
    zooms = [zoomed(n) - statistics.median(bare) for n in range(REPEATS)]
    record(
        "Redraw",
        {
            f"{POINTS:,} points in {CURVES} curves, a new one in each: beyond bare axes": f"{spread(beyond)} ms",
            f"{POINTS:,} points in {CURVES} curves, another range: beyond bare axes": f"{spread(zooms)} ms",
            "bare axes": f"{spread(bare)} ms",
        },
        {"beyond_ms": beyond, "zoom_ms": zooms, "bare_ms": bare},
        "One plot of 1240 x 620, offscreen; averaging the points and painting included.",
    )
