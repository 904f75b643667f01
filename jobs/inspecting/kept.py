"""What a trial would be made of, found out in a process of its own and kept: the same question is answered at once."""

from __future__ import annotations

import os
import platform
import shutil
import threading
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.data.problems import MOST_SHOWN, printable
from engine.run.inspection.settled import settled
from engine.run.planned import runs_of
from engine.spec.errors import DataError, StoreError
from engine.spec.provenance import accelerators, processor
from engine.spec.reference import DataRef
from engine.spec.run import digest
from engine.spec.trial import TrialSpec
from engine.spec.understanding import Inspection, Understanding
from jobs.inspecting import process
from jobs.lab import default_slots
from jobs.paths import Home, read_json, write_json
from jobs.queue import budget, eta

__all__ = ["inspect", "settled"]

FORM = 3  # raised whenever an inspection finds out something else, or measures otherwise
KEPT = 200  # inspections that are kept, the latest ones
TARGET = "engine.run.inspection.inspection:inspect"

Tell = Callable[[str], None]


def inspect(
    home: Home,
    trial: TrialSpec,
    understanding: Understanding | None = None,
    cancel: threading.Event | None = None,
    tell: Tell = lambda _: None,
    slots: int | None = None,
    target: str = TARGET,
) -> Inspection:
    """What the lab understands of a trial's model and data, and what its runs cost here; kept for the next time.

    Args:
        understanding: The data file as it was read; None for a study's own data.
        cancel: Set to give it up.
        tell: Is told what is being done, in words.
        slots: Runs at work at once; None: the lab's own number.
        target: "module:function" that looks, in a process of its own.

    Raises:
        DataError: The model's chat template cannot say some right answers, and bad rows are not to be left out.
        RunError: It was cancelled.
        LabError: Model or data cannot be used.
    """
    path = home.inspections / f"{key(trial)}.json"
    found = _known(path)
    total, free = budget.machine()
    if found is None or (found.needs and not 0 < free < found.needs):  # what was too large then may fit by now
        found = _look(home, trial, understanding, free, cancel, tell, target)
        _keep(path, found)
    if found.fit.refused_count and not trial.data.skip_bad_rows:
        raise refusal(trial, found)
    read = found.understanding or understanding
    if read is not None and understanding is not None:
        read = read.model_copy(update={"file": understanding.file})  # the same file may bear another name by now
    seconds = eta.of_inspection(trial, found, slots or default_slots())
    said = warnings(trial, found, free, total)
    return found.model_copy(update={"understanding": read, "seconds": seconds, "warnings": (*found.warnings, *said)})


def key(trial: TrialSpec) -> str:
    """What an inspection depends on: what each arm trains and measures, the libraries and the machine.

    Raises:
        LabError: A model or a plug-in that an arm needs cannot be had.
    """
    runs = runs_of(trial.model_copy(update={"seeds": 1}))
    return digest(
        {
            "form": FORM,
            "arms": [(run.arm, run.hash) for run in runs],
            "sizes": trial.settings.model_dump(mode="json", exclude={"seeds", "note"}),
            "model": trial.model.digest,
            "machine": [processor(), os.cpu_count(), budget.machine()[0] >> 28, platform.machine(), accelerators()],
            "libraries": {name: _version(name) for name in ("torch", "transformers", "peft", "trl")},
        }
    )[:32]


def refusal(trial: TrialSpec, found: Inspection) -> DataError:
    """The error that names the rows whose right answers the model cannot say: the first fifty, and how many more."""
    fit = found.fit
    lines = [f"- {_place(one.row, one.example)}: {printable(one.reason)}" for one in fit.refused[:MOST_SHOWN]]
    if fit.refused_count > len(lines):
        lines.append(f"- and {fit.refused_count - len(lines):,} more")
    name = _file(trial.data)
    head = f"The model {printable(trial.model.name)!r} cannot say {fit.refused_count:,} of the right answers in {name}"
    return DataError(
        f"{head}, so that its own answers could not be graded:\n" + "\n".join(lines),
        "Nothing was queued and your file was not changed. Choose a model with another chat template, correct the "
        "rows, or leave them out (--skip-bad-rows; in the window: “Leave out rows that cannot be used”).",
    )


def warnings(trial: TrialSpec, found: Inspection, free: int, total: int) -> tuple[str, ...]:
    """What may go wrong, with what to do about it.

    Args:
        free: Bytes of memory that are free; `total`: that there are.
    """
    said: list[str] = []
    largest = max(found.costs, key=lambda cost: cost.memory, default=None)
    room = free - int(budget.MARGIN * total)
    if largest is not None and largest.memory > room:
        said.append(budget.too_large(trial.settings.batch_size, largest.memory, largest.batches, max(0, room)))
    if found.fit.refused_count:
        rows = found.fit.refused_count
        said.append(
            f"{rows:,} {'row is' if rows == 1 else 'rows are'} left out, for the model's chat template cannot say the "
            f"right answer: {printable(found.fit.refused[0].reason)}"
        )
    if found.fit.cut:
        said.append(
            f"{found.fit.cut:,} of the examples are longer than the {found.fit.context:,} tokens that the model takes: "
            "their prompts are cut from the left. A model with a longer context would see them whole."
        )
    return tuple(said)


def _look(
    home: Home, trial: TrialSpec, understanding: Understanding | None, free: int, cancel: threading.Event | None,
    tell: Tell, target: str,
) -> Inspection:  # fmt: skip
    scratch = home.inspections / f"scratch-{os.getpid()}-{threading.get_ident()}"
    try:
        scratch.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The data folder {home.folder} cannot be written: {error.strerror or error}.",
            "Choose another with --home.",
        ) from error
    said = understanding.model_dump_json() if understanding is not None else ""
    try:
        asked = trial.model_dump_json(exclude={"inspection"})
        return process.look(process.Task(asked, said, free, str(scratch), str(home.folder), target), cancel, tell)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _known(path: Path) -> Inspection | None:
    plain: Any = read_json(path)
    try:
        return Inspection.model_validate(plain) if plain is not None else None
    except ValidationError:  # kept by another version of the lab
        return None


def _keep(path: Path, found: Inspection) -> None:
    try:
        write_json(path, found.model_dump(mode="json"))
        old = sorted(path.parent.glob("*.json"), key=lambda file: -file.stat().st_mtime)[KEPT:]
        for file in old:
            file.unlink(missing_ok=True)
    except OSError:  # it was found out all the same; the disk's state is said where it matters
        return


def _place(row: int, example: str) -> str:
    return f"row {row}" if row else f"example {printable(example)}"


def _file(ref: DataRef) -> str:
    return printable(Path(ref.path).name) if ref.path else f"the data {ref.source!r}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
