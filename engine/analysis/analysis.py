"""From a trial's runs to its `Result`: figures with intervals, checks, verdict. No torch, no database."""

from __future__ import annotations

import dataclasses
import math
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from engine.analysis import contrasts
from engine.analysis.controls import control_checks, missing_runs, run_checks, runs_check
from engine.analysis.curves import curves
from engine.analysis.decomposition import chain
from engine.analysis.design import Design, Value
from engine.analysis.registration import looked, registration
from engine.analysis.threats import threats
from engine.methods import method_class
from engine.probes import probe_class
from engine.rules.shortcut import Case, decide
from engine.spec.result import (
    ArmResult,
    Check,
    Interval,
    MetricInfo,
    PrimaryResult,
    Result,
    Rules,
    RunEntry,
    Step,
    StudyResult,
    Verdict,
)
from engine.spec.runs import Context, RunResult
from engine.spec.study import StudySpec
from engine.spec.trial import TrialSpec
from engine.stats import resample
from engine.stats.evidence import Evidence, Run
from engine.stats.metric import Metric

STRICT = "strict"


def analyse(trial: TrialSpec, runs: Sequence[RunResult], context: Context | None = None) -> Result:
    """Everything that can be said about a trial, whether all of its runs are there or not.

    Args:
        trial: The trial.
        runs: What its runs left, in any order; runs that are missing or failed make the verdict inconclusive.
        context: What the lab knows beside them.
    """
    context = context or Context(queued=min((run.record.created for run in runs), default=0.0))
    study = trial.study
    trains = {arm: method_class(study.arm(arm).method).trains for arm in trial.arms}
    planned = frozenset((spec.arm, spec.seed) for spec in trial.runs())
    runs = [run for run in runs if (run.record.arm, run.record.seed) in planned]
    done = [run for run in runs if run.record.state == "succeeded"]
    design = Design(
        study=study,
        id=trial.id,
        scale=trial.scale,
        note=trial.settings.note,
        seeds=trial.seeds,
        arms=trial.arms,
        planned=planned,
        trains=trains,
        metrics=_metrics(study),
        model=trial.model.model_dump(include={"name", "digest", "template", "parameters"}),
        data=_data(trial),
        understanding=trial.inspection.understanding if trial.inspection else None,
        provenance=_provenance(trial, done),
        registration=registration(trial, context),
        exploratory=looked(context.looks),
        context=context,
    )
    return judge(design, runs, run_checks([(run, trains[run.record.arm]) for run in done]))


def judge(design: Design, runs: Sequence[RunResult], checks: Sequence[Check]) -> Result:
    """The result of a design.

    Args:
        design: What was to be done.
        runs: What came of its runs, in any order.
        checks: What was checked in the runs themselves.
    """
    study, trains = design.study, design.trains
    places = {name: at for at, name in enumerate(design.arms)}
    runs = sorted(runs, key=lambda run: (places[run.record.arm], run.record.seed))
    done = [run for run in runs if run.record.state == "succeeded"]
    evidence = Evidence((_as_run(run, trains[run.record.arm]) for run in done), design.metrics)
    checks = [
        runs_check(len(design.planned), runs, missing_runs(study, design.planned, runs)),
        *checks,
        *(control_checks(study, design.arms, evidence) if done else []),
    ]
    compared = contrasts.family(study, evidence)
    return Result(
        study=_study(design),
        model=_described(design.model),
        data=_described({**design.data, **_counts(study, done)}),
        understanding=design.understanding,
        arms=tuple(_arm(design, name, runs, evidence) for name in design.arms),
        contrasts=tuple(compared),
        further=tuple(contrasts.others(study, evidence)),
        decomposition=tuple(Step.model_validate(dataclasses.asdict(gain)) for gain in chain(study, evidence)),
        checks=tuple(checks),
        metrics=tuple(
            MetricInfo(metric=name, label=metric.label, unit=metric.unit, direction=metric.direction)
            for name, metric in design.metrics.items()
        ),
        accuracy=study.verdict.accuracy,
        reliance=study.verdict.reliance,
        rules=Rules.model_validate(study.verdict.model_dump(include=set(Rules.model_fields))),
        failures=_failures(study, done),
        flips=tuple(contrasts.flips(study, evidence, design.context)),
        curves=curves(design.context.learning, {run.record.run: run.record.arm for run in runs}, design.arms),
        notes=(*design.notes, *_notes(study, runs)),
        threats=threats(design, evidence, checks, done),
        verdict=_verdict(design, evidence, done, checks),
        provenance=dict(design.provenance),
    )


def _data(trial: TrialSpec) -> dict[str, str | int]:
    """Where the data come from, and how calls are compared where answers are calls."""
    found: dict[str, str | int] = {"source": trial.data.source, "digest": trial.data.digest}
    read = trial.inspection.understanding if trial.inspection else None
    if trial.study.verdict.parses:
        found["grader"] = trial.data.grader or (read.grader if read else STRICT)
    if trial.data.without:
        found["rows_the_template_refuses"] = ", ".join(map(str, trial.data.without))
    return found


def _metrics(study: StudySpec) -> dict[str, Metric]:
    """Every metric of the study's probes, those of the verdict first."""
    found = {f"{p.probe}.{m.name}": m for p in study.probes for m in probe_class(p.probe).metrics}
    first = [f"{study.primary.probe}.{study.primary.metric}", study.verdict.accuracy, study.verdict.reliance]
    return {name: found[name] for name in dict.fromkeys([*first, *found]) if name in found}


def _as_run(run: RunResult, trains: bool) -> Run:
    return Run(run.record.arm, run.record.seed, trains, run.metrics, run.outcomes)


def _study(design: Design) -> StudyResult:
    study = design.study
    return StudyResult(
        id=study.id, trial=design.id, question=study.question, claim=study.claim, source=study.source,
        published=study.published, scale=design.scale, note=design.note, seeds=design.seeds,
        primary=PrimaryResult.model_validate(
            study.primary.model_dump(include=set(PrimaryResult.model_fields)) | {"registered": not design.exploratory}
        ),
        registration=design.registration,
    )  # fmt: skip


def _arm(design: Design, name: str, runs: Sequence[RunResult], evidence: Evidence) -> ArmResult:
    arm = design.study.arm(name)
    levels = {metric: evidence.level(name, metric) for metric in evidence.metrics}
    return ArmResult(
        name=name, label=arm.label, method=arm.method, role=arm.role, trains=design.trains[name],
        runs=tuple(_entry(run) for run in runs if run.record.arm == name),
        summary=tuple(
            Interval(metric=metric, mean=found.value, ci=found.ci, n_seeds=found.n_seeds)
            for metric, found in levels.items() if found is not None
        ),
    )  # fmt: skip


def _entry(run: RunResult) -> RunEntry:
    record = run.record
    done = record.state == "succeeded"
    metrics = {name: value for name, value in run.metrics.items() if math.isfinite(value)} if done else {}
    return RunEntry(
        seed=record.seed, run=record.run, status=record.state, reason="" if done else record.reason,
        seconds=record.seconds, metrics=metrics, adapter=run.adapter,
    )  # fmt: skip


def _counts(study: StudySpec, done: Sequence[RunResult]) -> dict[str, int]:
    """How many items each probe measured, in how many clusters: the most of any run."""
    found: dict[str, int] = {}
    for probe in (spec.probe for spec in study.probes):
        outcomes = max((run.outcomes.get(probe, ()) for run in done), key=len, default=())
        if outcomes:
            found[f"items.{probe}"] = len(outcomes)
            found[f"clusters.{probe}"] = len({o.cluster for o in outcomes})
    return found


def _failures(study: StudySpec, done: Sequence[RunResult]) -> dict[str, dict[str, float]]:
    """Each arm's wrong answers by type, as shares of all items that the accuracy's probe scored."""
    probe = study.verdict.accuracy.split(".", 1)[0]
    types: dict[str, Counter[str]] = {}
    items: Counter[str] = Counter()
    for run in done:
        outcomes = run.outcomes.get(probe, ())
        items[run.record.arm] += sum(outcome.correct is not None for outcome in outcomes)
        types.setdefault(run.record.arm, Counter()).update(o.failure for o in outcomes if o.failure)
    return {
        arm: {kind: count / items[arm] for kind, count in sorted(found.items(), key=lambda kv: (-kv[1], kv[0]))}
        for arm, found in types.items()
        if items[arm]
    }


def _notes(study: StudySpec, runs: Sequence[RunResult]) -> tuple[str, ...]:
    """What the runs noted, each once, with the runs that said it."""
    said: dict[tuple[str, str], list[int]] = {}
    for run in runs:
        for _, detail in run.notes:
            said.setdefault((run.record.arm, detail), []).append(run.record.seed)
    found = []
    for (arm, detail), seeds in said.items():
        which = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {', '.join(map(str, seeds))}"
        found.append(f"{study.arm(arm).label}, {which}: {detail}")
    return tuple(found)


def _verdict(design: Design, evidence: Evidence, done: Sequence[RunResult], checks: Sequence[Check]) -> Verdict:
    failed = [(check.label, check.detail) for check in checks if not check.ok and check.name != "runs"]
    runs, missing = (len(design.planned), len(done)), missing_runs(design.study, design.planned, done)
    smoke = design.scale == "smoke"
    decision = decide(Case(design.study, evidence, runs, smoke, failed, design.exploratory, missing, design.advice))
    return Verdict(code=decision.code, text=decision.text, reasons=decision.reasons)


def _provenance(trial: TrialSpec, done: Sequence[RunResult]) -> dict[str, Value]:
    ends = [run.record.finished for run in done if run.record.finished is not None]
    found: dict[str, Value] = {
        "command": command(trial),
        "trial": trial.id,
        "recipe": max((spec.recipe for spec in trial.runs()), default=0),
        "resamples": resample.RESAMPLES,
        "steps": trial.settings.steps,
        "batch_size": trial.settings.batch_size,
        "train_examples": trial.settings.train_examples,
        "items_per_split": trial.settings.items,
    }
    if ends:
        found["finished"] = datetime.fromtimestamp(max(ends), UTC).isoformat(timespec="seconds")
    return (
        found
        | _gathered("version", [run.versions for run in done])
        | _gathered("hardware", [run.hardware for run in done])
    )


def _gathered(kind: str, told: Sequence[Mapping[str, str]]) -> dict[str, Value]:
    """What the runs say of themselves; where they differ, all that was said."""
    values: dict[str, set[str]] = {}
    for run in told:
        for name, value in run.items():
            values.setdefault(name, set()).add(value)
    return {f"{kind}.{name}": ", ".join(sorted(values[name])) for name in sorted(values)}


def command(trial: TrialSpec) -> str:
    """What to type to run the trial again; it is quoted for a POSIX shell."""
    words = ["python", "main.py", "run", trial.study.id, "--scale", trial.scale, "--seeds", str(trial.seeds)]
    if len(trial.arms) < len(trial.study.arms):
        words += ["--arms", ",".join(trial.arms)]
    words += ["--model", trial.model.name if _bundled(trial.model.path) else trial.model.path]
    words += ["--data", trial.data.path] if trial.data.path else []
    words += ["--skip-bad-rows"] if trial.data.skip_bad_rows else []
    words += ["--grader", trial.data.grader] if trial.data.grader else []
    words += ["--batch", str(trial.settings.batch_size)]
    return " ".join(shlex.quote(word) for word in words)


def _bundled(path: str) -> bool:
    from engine.models import bundled

    known = [found for name in bundled.names() if (found := bundled.find(name)) is not None]
    return any(Path(path) == Path(found) for found in known)


def _described(values: Mapping[str, str | int]) -> dict[str, str | int | float]:
    return {name: value for name, value in values.items() if value != ""}
