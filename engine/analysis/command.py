"""The command that repeats a trial, and what a result says of how it came about."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from engine.analysis.design import Value
from engine.models import bundled
from engine.run.planned import size_of
from engine.spec.reference import ModelRef
from engine.spec.runs import RunResult
from engine.spec.study import ArmSpec
from engine.spec.trial import TrialSpec


def provenance(trial: TrialSpec, done: Sequence[RunResult]) -> dict[str, Value]:
    """Command, versions, hardware and sizes of a trial, of the runs that succeeded."""
    ends = [run.record.finished for run in done if run.record.finished is not None]
    found: dict[str, Value] = {
        "command": command(trial),
        "trial": trial.id,
        "recipe": trial.recipe,
        "steps": trial.settings.steps,
        "batch_size": trial.settings.batch_size,
        "train_examples": trial.settings.train_examples,
        "items_per_split": trial.settings.items,
        **{f"steps.{arm.name}": size_of(trial.settings, arm).steps for arm in _longer(trial)},
        **{f"model.{role}": f"{model.name} ({model.digest[:12]})" for role, model in sorted(trial.models.items())},
    }
    if ends:
        found["finished"] = datetime.fromtimestamp(max(ends), UTC).isoformat(timespec="seconds")
    return (
        found
        | _gathered("version", [run.versions for run in done])
        | _gathered("hardware", [run.hardware for run in done])
    )


def _longer(trial: TrialSpec) -> list[ArmSpec]:
    """The arms that were trained for longer than the scale says."""
    return [arm for arm in map(trial.study.arm, trial.arms) if arm.longer > 1]


def _gathered(kind: str, told: Sequence[Mapping[str, str]]) -> dict[str, Value]:
    """What the runs say of themselves; where they differ, all that was said."""
    values: dict[str, set[str]] = {}
    for run in told:
        for name, value in run.items():
            values.setdefault(name, set()).add(value)
    return {f"{kind}.{name}": ", ".join(sorted(values[name])) for name in sorted(values)}


def command(trial: TrialSpec) -> str:
    """What to type to run the trial again; it is quoted for a POSIX shell."""
    seeds = ["--until-settled", "--max-seeds"] if trial.looks else ["--seeds"]
    words = ["python", "main.py", "run", trial.study.id, "--scale", trial.scale, *seeds, str(trial.seeds)]
    if len(trial.arms) < len(trial.study.arms):
        words += ["--arms", ",".join(trial.arms)]
    words += ["--model", _named(trial.model)]
    for role, model in sorted(trial.models.items()):
        words += ["--with", f"{role}={_named(model)}"]
    words += ["--data", trial.data.path] if trial.data.path else []
    words += ["--skip-bad-rows"] if trial.data.skip_bad_rows else []
    words += ["--grader", trial.data.grader] if trial.data.grader else []
    words += ["--batch", str(trial.settings.batch_size)]
    return " ".join(shlex.quote(word) for word in words)


def _named(model: ModelRef) -> str:
    """A bundled model by its name, any other by its folder."""
    known = [found for name in bundled.names() if (found := bundled.find(name)) is not None]
    return model.name if any(Path(model.path) == Path(found) for found in known) else model.path
