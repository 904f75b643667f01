"""Runs outside the queue: several at once, each in a process of its own, kept by what they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.spec import errors
from engine.spec.errors import LabError, RunError, WorkerLost
from engine.spec.run import RunSpec
from engine.tuning.journal import finished
from jobs.executors.local import Child, Launcher, wait_all
from jobs.executors.worker import DONE
from jobs.paths import read_json

POLL = 0.2  # seconds between two looks at the children
STOP_SECONDS = 60.0  # that they have to write their checkpoints


def run_all(
    specs: Sequence[RunSpec], root: Path, launcher: Launcher, slots: int, done: Callable[[RunSpec], None]
) -> dict[str, LabError]:
    """Bring every run to its end; one that has ended is not run again, one that was stopped goes on.

    Args:
        root: A folder in the data folder. It holds one folder a run, named by its hash.
        slots: How many are at work at once.
        done: Is told of each run that has ended.

    Returns:
        The runs that diverged, by hash: whatever else ends a run ends all.

    Raises:
        LabError: A run failed. What others have done is kept.
    """
    waiting = list({spec.hash: spec for spec in specs}.values())
    diverged: dict[str, LabError] = {}
    at_work: dict[str, tuple[RunSpec, Child]] = {}
    try:
        while waiting or at_work:
            while waiting and len(at_work) < slots:
                spec = waiting.pop(0)
                folder = root / spec.hash
                folder.mkdir(parents=True, exist_ok=True)
                if (told := _divergence(folder)) is not None:
                    diverged[spec.hash] = told
                elif not finished(folder):
                    child = launcher.start(spec.hash, spec.model_dump_json(), folder, 1)
                    at_work[spec.hash] = (spec, child)
                    continue
                done(spec)
            for name, (spec, child) in list(at_work.items()):
                if (code := child.exit_code()) is None:
                    continue
                child.close()
                del at_work[name]
                if code != DONE:
                    failure = _failure(root / name)
                    if not isinstance(failure, errors.Diverged):
                        raise failure
                    diverged[name] = failure
                done(spec)
            time.sleep(POLL)
    finally:
        children = [child for _, child in at_work.values()]
        for child in children:
            child.ask_to_stop()
        for child in wait_all(children, STOP_SECONDS):
            child.kill()
    return diverged


def _divergence(folder: Path) -> LabError | None:
    """How an earlier attempt at a run diverged: another would do so as well."""
    found = _failure(folder)
    return found if isinstance(found, errors.Diverged) else None


def _failure(folder: Path) -> LabError:
    """Why a run ended early, as its process left it."""
    told = read_json(folder / "failure.json")
    if told is None:
        return WorkerLost("A run's process ended without a word.", f"Its folder is {folder}; run.log may say why.")
    kind = getattr(errors, str(told.get("type")), RunError)
    known = kind if isinstance(kind, type) and issubclass(kind, LabError) else RunError
    return known(str(told.get("message")), str(told.get("hint")))
