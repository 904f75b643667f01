"""From what a user chose to a trial that may be queued: planned, and where anything is the user's own, inspected."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from engine import models as base_models
from engine.spec.errors import LabError
from engine.spec.study import StudySpec
from engine.spec.trial import TrialSpec
from engine.spec.understanding import Inspection
from jobs import auditing
from jobs.inspecting import kept
from jobs.paths import Home
from jobs.studies import Options, Prepared, Until, prepare

SIDES = {"congruent": "helps", "conflicting": "misleads"}


def ready(
    home: Home,
    study: StudySpec,
    scale: str = "quick",
    seeds: int | None = None,
    arms: Sequence[str] | None = None,
    model: str | None = None,
    data: Path | str | None = None,
    options: Options | None = None,
    models: Mapping[str, str] | None = None,
    until: Until | None = None,
    cancel: threading.Event | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> TrialSpec:
    """A trial that may be queued. `jobs.studies.prepare` describes the arguments.

    The bundled models and data need no look before each trial: tests hold that they fit.

    Args:
        cancel: Set to give the inspection up.
        tell: Is told, in words, of arms that are run because a chosen one needs them, of models of another size
            than the study means, and of an audit that fails.

    Raises:
        LabError: The study, the model or the data cannot be used, or not with each other.
    """
    planned = prepare(study, scale, seeds, arms, model, data, options, models, until)
    if said := added(planned):
        tell(said)
    if planned.own:
        return _audited(home, settled(planned, inspected(home, planned, cancel)))
    trial = _audited(home, planned.trial)
    for said in (*sizes(planned), *auditing.warnings(trial.audit)):  # an inspection has them among its warnings
        tell(said)
    return trial


def _audited(home: Home, trial: TrialSpec) -> TrialSpec:
    return trial.model_copy(update={"audit": auditing.audit(home, trial)})


def inspected(
    home: Home,
    planned: Prepared,
    cancel: threading.Event | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Inspection:
    """What the lab understands of a planned trial's model and data. Raises LabError where they do not fit.

    Args:
        tell: Is told what is being done, in words.
    """
    found = kept.inspect(home, planned.trial, planned.understanding, cancel=cancel, tell=tell)
    said = auditing.warnings(auditing.audit(home, kept.settled(planned.trial, found)))
    return found.model_copy(update={"warnings": (*found.warnings, *prospects(planned), *sizes(planned), *said)})


def prospects(planned: Prepared) -> list[str]:
    """What a trial on a user's data cannot show, however many seeds it has: said before it is paid for."""
    read, study = planned.understanding, planned.trial.study
    if read is None:
        return []
    said = []
    missing = [words for side, words in SIDES.items() if not read.sides.get(side)]
    if missing:
        said.append(
            f"No item is measured on which the shortcut {' or '.join(missing)}, so reliance on it cannot be measured."
        )
    if not study.controls:
        said.append(
            "No shortcut can be planted in data of your own, so nothing proves that one would be seen: the figures and "
            "their intervals will be there, and the verdict will be inconclusive."
        )
    return said


def sizes(planned: Prepared) -> list[str]:
    """That a further model is not smaller, or not larger, than the base model where the study's own one is."""
    trial, said = planned.trial, []
    for role, chosen in trial.models.items():
        try:
            usual = [base_models.resolve(name or None) for name in (trial.study.models[role], trial.study.model)]
        except LabError:  # the study's own models are not there, so it is not known how large they are meant to be
            continue
        meant, found = (_order(one.parameters, base.parameters) for one, base in (usual, (chosen, trial.model)))
        if meant and found != meant:
            said.append(
                f"The model for {role!r} ({chosen.name}, {chosen.parameters:,} parameters) is not "
                f"{'larger' if meant > 0 else 'smaller'} than the base model ({trial.model.name}, "
                f"{trial.model.parameters:,}), as the study's own is: what it asks of two sizes is not tested."
            )
    return said


def _order(a: int, b: int) -> int:
    return (a > b) - (a < b)


def added(planned: Prepared) -> str:
    """That arms are run which were not chosen, and why; "" where there are none."""
    if not planned.added:
        return ""
    names = ", ".join(planned.trial.study.arm(name).label for name in planned.added)
    what = "is run as well: a chosen arm needs its weights" if len(planned.added) == 1 else (
        "are run as well: chosen arms need their weights"
    )  # fmt: skip
    return f"{names} {what}."


def settled(planned: Prepared, found: Inspection) -> TrialSpec:
    """The trial without the rows that its model cannot say, and with what was found."""
    return kept.settled(planned.trial, found).model_copy(update={"inspection": found})
