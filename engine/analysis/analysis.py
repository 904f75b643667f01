"""From a trial's runs to its `Result`: figures with intervals, checks, verdict. No torch, no database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.analysis import contrasts
from engine.analysis.account import Account, account_of
from engine.analysis.command import provenance
from engine.analysis.controls import control_checks, run_checks
from engine.analysis.decomposition import chain
from engine.analysis.design import ROLE, Design
from engine.analysis.figures import check_read, metrics_of
from engine.analysis.health import health_of
from engine.analysis.registration import registration, why_exploratory
from engine.analysis.sequential import at_its_end, sequential
from engine.analysis.threats import threats
from engine.rules import Case, Rule, decide, rule_of
from engine.run.planned import method_of, planned
from engine.spec.audit import Audit
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
from engine.spec.trial import TrialSpec
from engine.stats.evidence import Evidence
from engine.stats.inference.looks import Looks

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
    looks, seeds = _looks(trial, context)
    expected = frozenset((arm, seed) for arm, seed in planned(trial) if seed < seeds)
    runs = [run for run in runs if (run.record.arm, run.record.seed) in expected]
    done = [run for run in runs if run.record.state == "succeeded"]
    design = Design(
        study=study,
        id=trial.id,
        scale=trial.scale,
        note=trial.settings.note,
        seeds=seeds,
        arms=trial.arms,
        planned=expected,
        looks=looks,
        trains=trains,
        seeded={arm: method.seeded for arm, method in methods.items()},
        controls=frozenset(n for n, method in methods.items() if method.control or study.arm(n).role == "control"),
        metrics=metrics_of(study),
        model=trial.model.model_dump(include={"name", "digest", "template", "parameters"})
        | {f"{ROLE}{role}": model.name for role, model in trial.models.items()},
        data=_data(trial),
        understanding=trial.inspection.understanding if trial.inspection else None,
        audit=trial.audit,
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
    check_read(study, rule, design.metrics)
    account = account_of(design, runs, checks)
    evidence = Evidence(account.runs, design.metrics, design.looks)
    health = health_of(design, rule, [run for run in runs if run.record.state == "succeeded"], evidence)
    audited = [audit_check(design.audit)] if design.audit is not None and design.audit.done else []
    controls = control_checks(study, rule, design.arms, evidence) if account.runs else ()
    checks = [*account.checks, *audited, *health.checks, *controls]
    verdict = _verdict(design, rule, evidence, account, checks)
    if (ended := at_its_end(design, evidence, verdict.code)) is not None:
        said = _verdict(design, rule, ended, account, checks)
        verdict, evidence = (said, ended) if said.code == verdict.code else (verdict, evidence)
    compared = contrasts.family(study, rule, evidence)
    return Result(
        study=_study(design),
        model=_described(design.model),
        data=_described({**design.data, **account.counts}),
        understanding=design.understanding,
        arms=tuple(_arm(design, name, account.entries[name], evidence) for name in design.arms),
        contrasts=tuple(compared),
        further=tuple(contrasts.others(study, rule, evidence)),
        decomposition=chain(study, evidence),
        checks=tuple(checks),
        audit=design.audit,
        metrics=tuple(
            MetricInfo(metric=name, label=metric.label, unit=metric.unit, direction=metric.direction)
            for name, metric in design.metrics.items()
        ),
        accuracy=study.accuracy,
        reliance=study.reliance,
        rule=RuleResult(
            name=rule.name, label=rule.label, roles=rule.roles(), reads=rule.metrics(), thresholds=rule.thresholds()
        ),
        failures=account.failures,
        flips=tuple(contrasts.flips(study, evidence, design.context)),
        curves=account.curves,
        notes=(*design.notes, *health.notes, *account.notes),
        verdict=verdict,
        sequential=sequential(design, evidence, verdict.code, checks),
        threats=threats(design, evidence, checks, (*health.warnings, *account.threats)),
        provenance=dict(design.provenance),
    )


def _looks(trial: TrialSpec, context: Context) -> tuple[Looks | None, int]:
    """The look that a trial has come to, and how many seeds belong to it."""
    if not trial.looks:
        return None, trial.seeds
    begun = context.begun or trial.looks[0]
    at = next((at for at, seeds in enumerate(trial.looks) if seeds >= begun), len(trial.looks) - 1)
    return Looks(trial.looks, at), trial.looks[at]


def audit_check(found: Audit) -> Check:
    """The design audit as a check: where it fails, a verdict would be about a part of the input."""
    return Check(name="audit", label="no part of the input alone tells the answer", ok=found.ok, detail=found.sentence)


def _data(trial: TrialSpec) -> dict[str, str | int]:
    """Where the data come from, and how calls are compared where answers are calls."""
    found: dict[str, str | int] = {"source": trial.data.source, "digest": trial.data.digest}
    read = trial.inspection.understanding if trial.inspection else None
    if trial.study.accepts_data:  # such studies are of calls
        found["grader"] = trial.data.grader or (read.grader if read else STRICT)
    if trial.data.without:
        found["rows_the_template_refuses"] = ", ".join(map(str, trial.data.without))
    return found


def _study(design: Design) -> StudyResult:
    study = design.study
    return StudyResult(
        id=study.id, trial=design.id, question=study.question, claim=study.claim, source=study.source,
        published=study.published, published_differs=study.published_differs,
        scale=design.scale, note=design.note, seeds=design.seeds,
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


def _verdict(design: Design, rule: Rule, evidence: Evidence, account: Account, checks: Sequence[Check]) -> Verdict:
    failed = [(check.label, check.detail) for check in checks if not check.ok and check.name != "runs"]
    smoke = design.scale == "smoke"
    ran = (len(design.planned), account.succeeded)
    case = Case(design.study, evidence, ran, smoke, failed, design.exploratory, account.missing, design.advice)
    decision = decide(rule, case)
    code = rule.code(decision.code)
    return Verdict(
        code=code.code, label=code.label, tone=code.tone, text=decision.text, reasons=decision.reasons,
        figures=decision.figures,
    )  # fmt: skip


def _described(values: Mapping[str, str | int]) -> dict[str, str | int | float]:
    return {name: value for name, value in values.items() if value != ""}
