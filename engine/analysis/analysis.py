"""From a trial's runs to its `Result`: figures with intervals, checks, verdict. No torch, no database."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from engine.analysis import contrasts
from engine.analysis.command import provenance
from engine.analysis.controls import control_checks, missing_runs, run_checks, runs_check
from engine.analysis.curves import curves
from engine.analysis.decomposition import chain
from engine.analysis.design import Design
from engine.analysis.figures import metrics_of
from engine.analysis.registration import registration, why_exploratory
from engine.analysis.threats import threats, threats_of_runs
from engine.rules import Case, Rule, decide, rule_of
from engine.run.planned import method_of, planned
from engine.spec.result import (
    ArmResult,
    Check,
    Interval,
    MetricInfo,
    PrimaryResult,
    Result,
    RuleResult,
    RunEntry,
    StudyResult,
    Verdict,
)
from engine.spec.runs import Context, RunResult
from engine.spec.study import StudySpec
from engine.spec.trial import TrialSpec
from engine.stats.evidence import Evidence, Run

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
    methods = {arm: method_of(study.arm(arm)) for arm in trial.arms}
    trains = {arm: method.trains for arm, method in methods.items()}
    expected = planned(trial)
    runs = [run for run in runs if (run.record.arm, run.record.seed) in expected]
    done = [run for run in runs if run.record.state == "succeeded"]
    design = Design(
        study=study,
        id=trial.id,
        scale=trial.scale,
        note=trial.settings.note,
        seeds=trial.seeds,
        arms=trial.arms,
        planned=expected,
        trains=trains,
        seeded={arm: method.seeded for arm, method in methods.items()},
        metrics=metrics_of(study),
        model=trial.model.model_dump(include={"name", "digest", "template", "parameters"}),
        data=_data(trial),
        understanding=trial.inspection.understanding if trial.inspection else None,
        provenance=provenance(trial, done),
        recipe=trial.recipe,
        registration=registration(trial, context),
        exploratory=why_exploratory(trial, context),
        context=context,
    )
    checks = run_checks([(run, trains[run.record.arm]) for run in done])
    return result_of(design, runs, checks)


def result_of(design: Design, runs: Sequence[RunResult], checks: Sequence[Check]) -> Result:
    """The result of a design.

    Args:
        design: What was to be done.
        runs: What came of its runs, in any order.
        checks: What was checked in the runs themselves.
    """
    study, rule = design.study, rule_of(design.study)
    places = {name: at for at, name in enumerate(design.arms)}
    runs = sorted(runs, key=lambda run: (places[run.record.arm], run.record.seed))
    done = [run for run in runs if run.record.state == "succeeded"]
    # First what the runs say by themselves, then what statistics say of all of them.
    counts, failures, notes = _counts(study, done), _failures(study, done), _notes(study, runs)
    learned = curves(design.context.learning, {run.record.run: run.record.arm for run in runs}, design.arms)
    entries = {name: tuple(_entry(run) for run in runs if run.record.arm == name) for name in design.arms}
    missing = missing_runs(study, design.planned, done)
    checks = [runs_check(len(design.planned), runs, missing_runs(study, design.planned, runs)), *checks]
    of_runs = threats_of_runs(design, done)
    read = [as_run(run, design.seeded[run.record.arm]) for run in done]
    evidence = Evidence(read, design.metrics)
    checks += control_checks(study, rule, design.arms, evidence) if done else []
    compared = contrasts.family(study, rule, evidence)
    return Result(
        study=_study(design),
        model=_described(design.model),
        data=_described({**design.data, **counts}),
        understanding=design.understanding,
        arms=tuple(_arm(design, name, entries[name], evidence) for name in design.arms),
        contrasts=tuple(compared),
        further=tuple(contrasts.others(study, rule, evidence)),
        decomposition=chain(study, evidence),
        checks=tuple(checks),
        metrics=tuple(
            MetricInfo(metric=name, label=metric.label, unit=metric.unit, direction=metric.direction)
            for name, metric in design.metrics.items()
        ),
        accuracy=study.accuracy,
        reliance=study.reliance,
        rule=RuleResult(
            name=rule.name, label=rule.label, roles=rule.roles(), reads=rule.metrics(), thresholds=rule.thresholds()
        ),
        failures=failures,
        flips=tuple(contrasts.flips(study, evidence, design.context)),
        curves=learned,
        notes=(*design.notes, *notes),
        verdict=_verdict(design, rule, evidence, (len(done), missing), checks),
        threats=threats(design, evidence, checks, of_runs),
        provenance=dict(design.provenance),
    )


def _data(trial: TrialSpec) -> dict[str, str | int]:
    """Where the data come from, and how calls are compared where answers are calls."""
    found: dict[str, str | int] = {"source": trial.data.source, "digest": trial.data.digest}
    read = trial.inspection.understanding if trial.inspection else None
    if trial.study.accepts_data:  # such studies are of calls
        found["grader"] = trial.data.grader or (read.grader if read else STRICT)
    if trial.data.without:
        found["rows_the_template_refuses"] = ", ".join(map(str, trial.data.without))
    return found


def as_run(run: RunResult, seeded: bool) -> Run:
    """A run as the statistics read it; `seeded`: whether another seed would give another one."""
    return Run(run.record.arm, run.record.seed, seeded, run.metrics, run.outcomes)


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


def _arm(design: Design, name: str, entries: tuple[RunEntry, ...], evidence: Evidence) -> ArmResult:
    arm = design.study.arm(name)
    levels = {metric: evidence.level(name, metric) for metric in evidence.metrics}
    return ArmResult(
        name=name, label=arm.label, method=arm.method, role=arm.role, trains=design.trains[name],
        runs=entries,
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
    probe = study.accuracy.split(".", 1)[0]
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


def _verdict(design: Design, rule: Rule, evidence: Evidence, ran: tuple[int, str], checks: Sequence[Check]) -> Verdict:
    """The verdict. `ran`: how many runs succeeded, and which are missing."""
    failed = [(check.label, check.detail) for check in checks if not check.ok and check.name != "runs"]
    smoke = design.scale == "smoke"
    runs, missing = (len(design.planned), ran[0]), ran[1]
    case = Case(design.study, evidence, runs, smoke, failed, design.exploratory, missing, design.advice)
    decision = decide(rule, case)
    code = rule.code(decision.code)
    return Verdict(
        code=code.code, label=code.label, tone=code.tone, text=decision.text, reasons=decision.reasons,
        figures=decision.figures,
    )  # fmt: skip


def _described(values: Mapping[str, str | int]) -> dict[str, str | int | float]:
    return {name: value for name, value in values.items() if value != ""}
