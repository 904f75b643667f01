"""Pictures of every page, light and dark, as the README and a reviewer need them.

    python packaging/screenshots.py FOLDER [--scale 2] [--home DATA_FOLDER] [--readme docs/screenshot.png]

With `--home` the pictures show that lab (its newest trial). Without, they show invented figures: for a look at the
window only. Run it under Xvfb, or with QT_QPA_PLATFORM=offscreen.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIZE = (1280, 800)
Act = Callable[..., None]
"""What is done on a page before its picture: (window, path of the picture, wait)."""


def main(argv: list[str]) -> int:
    """Make the pictures. Gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=float, default=2.0, help="pixels of the picture for one of the window")
    parser.add_argument("--home", type=Path, help="a data folder; without it the figures are invented")
    parser.add_argument("--only", default="", help="make only pictures whose name holds this")
    parser.add_argument("--readme", type=Path, help="copy the light verdict to this file")
    asked = parser.parse_args(argv)
    os.environ["QT_SCALE_FACTOR"] = str(asked.scale)
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "gui")]
    asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as spare:
        for mode in ("light", "dark"):
            _pictures(asked, mode, Path(spare))
    if asked.readme is not None:
        shutil.copyfile(asked.folder / "verdict-light.png", asked.readme)
    return 0


def _pictures(asked: argparse.Namespace, mode: str, spare: Path) -> None:
    from fake_lab import STEPS, FakeLab

    if asked.home is not None:
        _picture(asked, mode, "", None, ("questions", "queue", "live", "verdict"))
        return
    _picture(asked, mode, "empty-", FakeLab(spare, trials=0), ("questions", "queue", "live", "verdict"))
    _picture(asked, mode, "", FakeLab(spare), ("queue", "live", "questions"))
    _picture(asked, mode, "", FakeLab(spare, step=STEPS), ("verdict",))
    _picture(asked, mode, "done-", FakeLab(spare, step=STEPS, trials=2), ("questions", "live"))
    _picture(asked, mode, "elsewhere-", FakeLab(spare / mode, step=STEPS), ("questions", "verdict"), _bring)
    _picture(asked, mode, "options-", FakeLab(spare, step=STEPS), ("questions",), _options)
    _picture(asked, mode, "below-", FakeLab(spare, step=STEPS), ("verdict",), _scroll)


def _picture(
    asked: argparse.Namespace, mode: str, prefix: str, lab, pages: tuple[str, ...], act: Act | None = None
) -> None:
    from gui import operations
    from gui.app import application
    from gui.look.theme import Theme
    from gui.session import Session
    from gui.shell.main_window import MainWindow

    names = {page: f"{prefix}{page}-{mode}" for page in pages}
    if not any(asked.only in name for name in names.values()):
        return
    app = application()
    theme = Theme(mode)  # pyright: ignore[reportArgumentType]
    theme.apply()
    session = Session(asked.home, operations.open_lab if lab is None else lambda _: lab)
    window = MainWindow(session, theme)
    window.resize(*SIZE)
    window.show()
    session.open()
    _wait(app.processEvents, lambda: session.snapshot is not None)
    for page, name in names.items():
        if asked.only in name:
            window.go(page)
            if page == "verdict" and session.snapshot.trials:
                _wait(app.processEvents, lambda: window.pages["verdict"].result is not None, 120)
            _wait(app.processEvents, lambda: False, 1.5)
            if act is not None:
                act(window, asked.folder / f"{name}.png", partial(_wait, app.processEvents))
            window.grab().save(str(asked.folder / f"{name}.png"))
            print(asked.folder / f"{name}.png")
    gone: list[bool] = []
    session.closed.connect(lambda: gone.append(True))
    window.close()
    _wait(app.processEvents, lambda: bool(gone), 30)
    window.deleteLater()


def _options(window, path: Path, wait: Callable[..., None]) -> None:
    page = window.pages["questions"]
    dialog = page.ask(page.cards["function-calling"].study)
    wait(lambda: False, 0.6)
    dialog.grab().save(str(path.with_stem(f"{path.stem}-dialog")))
    dialog.reject()


def _scroll(window, path: Path, wait: Callable[..., None]) -> None:
    bar = window.pages["verdict"].scroller.verticalScrollBar()
    bar.setValue(bar.maximum())
    wait(lambda: False, 0.3)


def _bring(window, path: Path, wait: Callable[..., None]) -> None:
    """The way of a table from elsewhere: what is asked about it, a refusal, then its verdict on the other page."""
    from fake_table import invented_table

    from gui.dialogs.results import ResultsDialog

    if window.session.tables:
        return
    with tempfile.TemporaryDirectory() as folder:
        window.elsewhere.read(invented_table(Path(folder) / "results.csv"))
        wait(lambda: window.findChild(ResultsDialog) is not None)
    dialog = window.findChild(ResultsDialog)
    wait(lambda: False, 0.5)
    dialog.grab().save(str(path.with_stem(f"{path.stem}-dialog")))
    before = dialog.fields["reference"].arms.currentIndex()
    dialog.fields["reference"].arms.setCurrentIndex(dialog.fields["treated"].arms.currentIndex())
    dialog.judge.click()
    wait(lambda: False, 0.5)
    dialog.grab().save(str(path.with_stem(f"{path.stem}-refused")))
    dialog.fields["reference"].arms.setCurrentIndex(before)
    dialog.judge.click()
    wait(lambda: bool(window.session.tables))
    wait(lambda: False, 1.0)


def _wait(turn: Callable[[], object], ready: Callable[[], bool], seconds: float = 15.0) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not ready():
        turn()
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
