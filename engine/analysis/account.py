"""What a trial's runs say by themselves, before any statistics: what was measured, what failed, what was noted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.analysis.controls import missing_runs, runs_check
from engine.analysis.curves import curves
from engine.analysis.design import Design
from engine.analysis.repeated import once_each
from engine.analysis.threats import threats_of_runs
from engine.spec.result import Check, Curve, RunEntry
from engine.spec.runs import RunResult
from engine.spec.study import StudySpec
from engine.stats.evidence import Run
from engine.stats.statistics._table import Table


@dataclass(frozen=True)
class Account:
    """What the runs say by themselves.

    Attributes:
        runs: Those that succeeded, as the statistics read them; a seed that repeats another one is left out.
        succeeded: How many succeeded, those left out as well.
        entries: Each arm's runs as the result lists them, by seed.
        missing: Which of the planned runs did not succeed; "" where all did.
        counts: How many items and clusters each probe measured, and each metric that reads fewer of them.
        failures: Each arm's wrong answers by type, as shares of its items.
        curves: How training went.
        checks: What must hold in every run.
        threats: What stands against reading more into them than they say.
        notes: What they noted.
    """

    runs: tuple[Run, ...]
    succeeded: int
    entries: Mapping[str, tuple[RunEntry, ...]]
    missing: str
    counts: Mapping[str, int]
    failures: dict[str, dict[str, float]]
    curves: tuple[Curve, ...]
    checks: tuple[Check, ...]
    threats: tuple[str, ...]
    notes: tuple[str, ...]


def account_of(design: Design, runs: Sequence[RunResult], checks: Sequence[Check]) -> Account:
    """The account of a design's runs, in any order; `checks`: what was checked in the runs themselves."""
    study = design.study
    places = {name: at for at, name in enumerate(design.arms)}
    runs = sorted(runs, key=lambda run: (places[run.record.arm], run.record.seed))
    done = [run for run in runs if run.record.state == "succeeded"]
    missing = missing_runs(study, design.planned, runs)
    return Account(
        runs=tuple(
            as_run(run, design.seeded[run.record.arm], design.complete(run.record.arm))
            for run in once_each(design, done)
        ),
        succeeded=len(done),
        entries={name: tuple(_entry(run) for run in runs if run.record.arm == name) for name in design.arms},
        missing=missing,
        counts=_counts(design, done),
        failures=_failures(study, done),
        curves=curves(design.context.learning, {run.record.run: run.record.arm for run in runs}, design.arms),
        checks=(runs_check(study, len(design.planned), runs, missing), *checks),
        threats=threats_of_runs(design, done),
        notes=_notes(study, runs),
    )


def as_run(run: RunResult, seeded: bool, complete: bool = False) -> Run:
    """A run as the statistics read it (`Run` says what `seeded` and `complete` are)."""
    return Run(run.record.arm, run.record.seed, seeded, run.metrics, run.outcomes, complete)


def _entry(run: RunResult) -> RunEntry:
    record = run.record
    done = record.state == "succeeded"
    metrics = {name: value for name, value in run.metrics.items() if math.isfinite(value)} if done else {}
    return RunEntry(
        seed=record.seed, run=record.run, status=record.state, reason="" if done else record.reason,
        seconds=record.seconds, metrics=metrics, adapter=run.adapter,
    )  # fmt: skip


def _counts(design: Design, done: Sequence[RunResult]) -> dict[str, int]:
    """How many items each probe measured, in how many clusters, and a metric that reads fewer: the most of any run."""
    found: dict[str, int] = {}
    for probe in (spec.probe for spec in design.study.probes):
        tables = [Table(outcomes) for run in done if (outcomes := run.outcomes.get(probe))]
        if not tables:
            continue
        whole = found[f"items.{probe}"], found[f"clusters.{probe}"] = _size(max(tables, key=len))
        for name, metric in design.metrics.items():
            if not name.startswith(f"{probe}."):
                continue
            kept = [metric.statistic.kept(table) for table in tables]
            table, most = max(zip(tables, kept, strict=True), key=lambda pair: pair[1].sum())
            read = _size(table.part(most))
            if 0 < read[0] < whole[0]:
                found[f"items.{name}"], found[f"clusters.{name}"] = read
    return found


def _size(table: Table) -> tuple[int, int]:
    """How many items, in how many clusters."""
    return len(table), len(set(table.clusters.tolist()))


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
    """What the runs noted, each once, with the runs that said it; how one trains only where it came to train."""
    said: dict[tuple[str, str], list[int]] = {}
    for run in runs:
        trained = run.record.step > 0 or run.record.state == "succeeded"
        for name, detail in run.notes:
            if name == "precision" and not trained:
                continue
            said.setdefault((run.record.arm, detail), []).append(run.record.seed)
    found = []
    for (arm, detail), seeds in said.items():
        which = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {', '.join(map(str, seeds))}"
        found.append(f"{study.arm(arm).label}, {which}: {detail}")
    return tuple(found)
