"""The design audit of a trial, kept: the same examples and items are audited once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.run.audit.audit import audit as audited
from engine.run.audit.mixes import MOST_SEEDS
from engine.run.planned import runs_of
from engine.spec.audit import Audit
from engine.spec.run import TuneSpec, digest
from engine.spec.trial import TrialSpec
from jobs.paths import Home, read_json, write_json

FORM = 2  # raised whenever the audit asks something else
KEPT = 200  # audits that are kept, the latest ones


def audit(home: Home, trial: TrialSpec) -> Audit:
    """The audit of a trial's arms, seeds, examples and items. Raises LabError where its data cannot be read."""
    path = home.audits / f"{key(trial)}.json"
    found = _known(path)
    if found is None:
        found = audited(trial)
        _keep(path, found)
    return found


def key(trial: TrialSpec) -> str:
    """What an audit depends on: what each arm is shown at each seed, and what is measured."""
    runs = runs_of(trial.model_copy(update={"seeds": min(trial.seeds, MOST_SEEDS)}))
    return digest(
        {
            "form": FORM,
            "arms": [(run.arm, _shown(run.tune)) for run in runs],
            "labels": [(arm.name, arm.label) for arm in trial.study.arms],
            "probes": [use.model_dump(mode="json") for use in runs[0].probes],
            "items": trial.settings.items,
            "controls": [control.model_dump(mode="json") for control in trial.study.controls],
        }
    )[:32]


def _shown(tune: TuneSpec) -> dict[str, Any]:
    """What decides which examples a run is shown."""
    return tune.model_dump(
        mode="json", include={"method", "data", "agreement", "seed", "size"}, exclude={"data": {"path"}}
    )


def warnings(found: Audit | None) -> tuple[str, ...]:
    """One line where the audit fails; none where it passes."""
    if found is None or found.ok:
        return ()
    return (f"The design audit fails, so there will be no verdict. {found.sentence}",)


def _known(path: Path) -> Audit | None:
    plain = read_json(path)
    try:
        return Audit.model_validate(plain) if plain is not None else None
    except ValidationError:  # kept by another version of the lab
        return None


def _keep(path: Path, found: Audit) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, found.model_dump(mode="json"))
        for old in sorted(path.parent.glob("*.json"), key=lambda file: -file.stat().st_mtime)[KEPT:]:
            old.unlink(missing_ok=True)
    except OSError:  # it was found out all the same; the disk's state is said where it matters
        return
