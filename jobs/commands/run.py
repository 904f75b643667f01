"""`run`: a study from its plan to its verdict and its reports."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from engine.spec.errors import RunError, SpecError
from engine.spec.study import StudySpec
from engine.spec.trial import TrialSpec
from jobs.commands.asked import Asked, as_typed
from jobs.commands.targets import check_targets
from jobs.commands.terminal.announce import announce
from jobs.commands.terminal.progress import follower
from jobs.commands.terminal.screen import Screen
from jobs.commands.terminal.summary import summary, times
from jobs.inspecting.words import brief
from jobs.lab import Lab
from jobs.launch import ready
from jobs.paths import Home
from jobs.report import write
from jobs.store.records import Snapshot
from jobs.studies import load

POLL = 0.2  # seconds between looks at the queue
GOES_ON = "What was measured is kept, and the same command goes on from there."
STOP_TIMEOUT = 60.0  # seconds the children have to write their checkpoints


@dataclass(frozen=True)
class Request(Asked):
    """What `run` is asked: besides, which files it writes."""

    json: Path | None = None
    reports: tuple[Path, ...] = ()


class Stopped(BaseException):
    """The user or the system asked this command to end; not an Exception, so that nothing on the way swallows it."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.code = 128 + signum


def run(request: Request, screen: Screen) -> int:
    """Run a study to its end and print what came out.

    Returns:
        0 where every run succeeded, 1 where one did not, 130 (143) where Ctrl-C (SIGTERM) stopped it.

    Raises:
        LabError: Before anything is queued, where the request, the model or the data cannot be used.
    """
    began = time.monotonic()
    check_targets(request.reports, request.json, request.data, placed=request.json)
    if request.data is not None and not request.data.exists():
        raise SpecError(f"There is no file {request.data}.", "--data takes a file of examples.")
    home = Home.at(request.home)
    study = load(request.study, home.study_folders)
    trial = _ready(home, study, request, screen)
    try:
        with _signals(), Lab(home) as lab:
            lab.warm()
            name = lab.enqueue(trial)
            screen.say(f"{name}: {study.question}")
            if note := trial.settings.note:
                screen.say(note, "bold yellow")
            announce(trial, lab.registration(name), screen)
            try:
                snapshot = _follow(lab, name, screen)
            except Stopped:
                screen.note("Stopping: each run in progress writes a checkpoint first.")
                lab.close(STOP_TIMEOUT)
                raise
            return _conclude(lab, name, snapshot, request, time.monotonic() - began, screen)
    except Stopped as stop:
        screen.note(f"Stopped. {GOES_ON}")
        return stop.code


def _ready(home: Home, study: StudySpec, request: Request, screen: Screen) -> TrialSpec:
    """The trial, ready to be queued; what was understood of the user's own model and data is printed."""
    for name in request.arms or ():
        study.arm(name)
    with as_typed():
        trial = ready(home, study, **request.choice(home), tell=screen.say)
    if trial.inspection is not None:
        for line in brief(trial.inspection):
            screen.say(line)
    return trial


def _follow(lab: Lab, name: str, screen: Screen) -> Snapshot:
    """Show the trial until none of its runs can go on by itself.

    Raises:
        RunError: The queue stands still, e.g. because the disk is full.
    """
    snapshot = lab.snapshot(name)
    if snapshot.paused:
        lab.resume()
    for run in reversed([r.run for r in snapshot.runs if r.state == "queued"]):
        lab.first(run)  # what earlier commands left waits behind what is asked for now
    shown = follower(screen, snapshot.trials[0])
    cursor = 0
    try:
        while True:
            snapshot = lab.snapshot(name)
            curves = lab.curves(name, cursor, shown.measures)
            cursor = curves.cursor
            shown.update(snapshot, curves)
            if not any(r.state in ("queued", "running") for r in snapshot.runs):
                return snapshot
            if snapshot.paused and not snapshot.running:
                raise RunError(snapshot.reason or "The queue is paused.", f"{snapshot.hint} {GOES_ON}".strip())
            time.sleep(POLL)
    finally:
        shown.close()


def _conclude(lab: Lab, name: str, snapshot: Snapshot, request: Request, wall: float, screen: Screen) -> int:
    result = lab.result(name)
    summary(result, screen)
    times(result, wall, screen)
    for path in (lab.home.reports / f"{name}.html", *request.reports, *([request.json] if request.json else [])):
        write(result, path)
        screen.say(f"Report: {path}")
    failed = [r for r in snapshot.runs if r.state != "succeeded"]
    for r in failed:
        screen.note(f"{r.arm}, seed {r.seed}: {r.state}: {r.reason} {r.hint}".rstrip(), "bold red")
    if failed:
        screen.note(f"{len(failed)} of {len(snapshot.runs)} runs did not succeed; the same command tries them again.")
    return 1 if failed else 0


@contextmanager
def _signals() -> Iterator[None]:
    """Turn the first Ctrl-C or SIGTERM into `Stopped`; later ones are ignored until the process ends.

    A second one would cut short the writing of checkpoints, or the interpreter's own end.
    """

    def stop(signum: int, frame: FrameType | None) -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        before.clear()
        raise Stopped(signum)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
