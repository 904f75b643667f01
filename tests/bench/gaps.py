"""The window's event-loop gaps, in a process of its own: `python gaps.py SECONDS FOLDER` prints them as JSON (ms).

The live page redraws at 10 Hz from the window tests' lab, whose figures are invented; only time is measured here.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "gui")]

from fake_lab import STEPS, FakeLab  # noqa: E402
from PySide6.QtCore import Qt, QTimer  # noqa: E402

from gui.app import application  # noqa: E402
from gui.look.theme import Theme  # noqa: E402
from gui.session import Session  # noqa: E402
from gui.shell.main_window import MainWindow  # noqa: E402

WARM = 3.0  # seconds before the first gap counts


def main(seconds: float, folder: Path) -> None:
    app = application()
    lab = FakeLab(folder, step=1)
    theme = Theme("light")
    theme.apply()
    session = Session(None, lambda _: lab)
    window = MainWindow(session, theme)
    window.resize(1280, 800)
    window.show()
    session.open()
    window.go("live")
    gaps: list[float] = []
    began = last = time.perf_counter()

    def tick() -> None:
        nonlocal last
        now = time.perf_counter()
        if now - began > WARM:
            gaps.append(1000 * (now - last))
        last = now
        if now - began > WARM + seconds:
            app.quit()

    def move() -> None:
        lab.step = lab.step % (STEPS - 1) + 1

    timers = (QTimer(), QTimer())
    timers[0].setTimerType(Qt.TimerType.PreciseTimer)
    for timer, call, every in zip(timers, (tick, move), (5, 100), strict=True):
        timer.timeout.connect(call)
        timer.start(every)
    app.exec()
    session.close(5)
    gaps.sort()
    figures = {"p50": gaps[len(gaps) // 2], "p99": gaps[int(len(gaps) * 0.99)], "worst": gaps[-1]}
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]), Path(sys.argv[2]))
