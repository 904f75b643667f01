"""A window on a lab that computes nothing, opened and closed for each test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_lab import FakeLab
from fake_table import invented_table
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.spec.study import StudySpec
from engine.spec.trial import TrialSpec
from gui import operations
from gui.app import application
from gui.look.theme import Mode, Theme
from gui.operations import Launch
from gui.session import Session
from gui.shell.main_window import MainWindow
from tests.support.patience import HANG

Opened = Callable[..., MainWindow]


class PatientBot(QtBot):
    """Waits as long as a busy machine may need: only a hang fails for its time."""

    def waitUntil(self, callback: Callable[[], object], *, timeout: int = 1000 * int(HANG)) -> None:  # noqa: N802
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal: object, *, timeout: int = 1000 * int(HANG), **more: object) -> object:  # noqa: N802
        return super().waitSignal(signal, timeout=timeout, **more)


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> PatientBot:
    """pytest-qt's own, with more patience."""
    return PatientBot(request)


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    """The application, as the window makes it."""
    return application()


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[Launch]:
    """Takes the place of planning, which needs a model: what was asked for is kept here."""
    asked: list[Launch] = []

    def plan(_lab: object, study: StudySpec, choice: Launch) -> TrialSpec:
        asked.append(choice)
        return TrialSpec.model_construct(study=study, scale="quick", seeds=1, arms=())

    monkeypatch.setattr(operations, "plan", plan)
    return asked


@pytest.fixture
def opened(qapp: QApplication, qtbot, tmp_path: Path) -> Iterator[Opened]:
    """Opens a window on a fake lab; each is closed, and its threads are gone, when the test ends."""
    made: list[MainWindow] = []

    def open_on(lab: FakeLab, mode: Mode = "light", wait: bool = True) -> MainWindow:
        theme = Theme(mode)
        theme.apply()
        session = Session(None, lambda _: lab)
        window = MainWindow(session, theme)
        made.append(window)
        window.show()
        session.open()
        if wait:
            # A snapshot reaches the session first and the window's other parts an instant later.
            qtbot.waitUntil(lambda: bool(session.snapshot and (session.trial or not session.snapshot.trials)))
        return window

    yield open_on
    for window in made:
        if not window.session.is_closing:
            with qtbot.waitSignal(window.session.closed):
                window.close()
        window.deleteLater()


@pytest.fixture
def lab(tmp_path: Path) -> FakeLab:
    """A lab with one trial that runs."""
    return FakeLab(tmp_path)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of results from elsewhere."""
    return invented_table(tmp_path / "results.csv", seeds=3, items=60)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], threading.Event]]:
    """Makes an operation wait until its event is set; set at the end at the latest."""
    gates: list[threading.Event] = []

    def hold(name: str) -> threading.Event:
        gate, plain = threading.Event(), getattr(operations, name)
        gates.append(gate)

        def waits(*arguments: object) -> object:
            gate.wait(20)
            return plain(*arguments)

        monkeypatch.setattr(operations, name, waits)
        return gate

    yield hold
    for gate in gates:
        gate.set()
