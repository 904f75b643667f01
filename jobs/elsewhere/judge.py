"""Results from elsewhere, judged as the lab's own runs are.

Which arm plays which part is named by whoever asks, before any figure is seen; what is not named is guessed from the
arms' names and order, and the result says so. Nothing here can prove that a table is what it says it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.analysis.analysis import result_of
from engine.analysis.design import Design
from engine.analysis.repeated import copies
from engine.data.tables.choices import Choices, Source
from engine.data.tables.reading import read
from engine.data.tables.table import Run, Table
from engine.spec.example import Outcome, Side
from engine.spec.result import Result
from engine.spec.run import digest
from engine.spec.runs import RunRecord, RunResult
from engine.stats.metric import Metric, reliance_metric, share_metric
from engine.stats.resampling.columns import Columns
from engine.stats.statistics.mean import Mean
from jobs.elsewhere.checks import advice, base_note, table_checks
from jobs.elsewhere.roles import PARTS, Roles, is_known, suggest
from jobs.elsewhere.study import PROBE, Thresholds, command, label_of, slugs, table_study
from jobs.elsewhere.words import files_words, listed, options, right_words, understood

METRICS: tuple[Metric, ...] = (
    share_metric("accuracy", "Accuracy"),
    reliance_metric("Reliance on the shortcut"),
    share_metric("congruent", "Accuracy where the shortcut helps", side=Side.CONGRUENT),
    share_metric("conflicting", "Accuracy where the shortcut misleads", side=Side.CONFLICTING),
    Metric(name="logprob", label="Mean log-probability", unit="nats", direction="up", statistic=Mean(column="value")),
)
NAMED_LATER = "named when the figures were there already"
PREVIEW = 6
"""At most so many rows are shown before anything is judged."""


@dataclass(frozen=True)
class Contents:
    """What a table holds, for whoever names the parts. No figure of an arm is in it: parts come first.

    Attributes:
        seeds: Each arm's seeds, in the table's order of arms.
        preview: Some rows as they were read: arm, seed and outcome.
        guess: Which arm may play which part.
        understood: What was understood, in sentences.
    """

    table: Table
    rows: int
    items: int
    seeds: dict[str, tuple[int, ...]]
    sided: bool
    preview: tuple[tuple[str, int, Outcome], ...]
    guess: Roles
    understood: tuple[str, ...] = ()


def describe_file(sources: Path | Sequence[Source], choices: Choices | None = None) -> Contents:
    """Read a table and say what it holds; `judge_table` goes on from there.

    Args:
        sources: A file, or files with the arms they were named for.
        choices: How to read it, as far as somebody said it.

    Raises:
        Unclear: Something has to be said first (a DataError that says what).
        DataError: The file cannot be used.
        SpecError: It does not have two arms.
    """
    return describe(read(sources, choices))


def describe(table: Table) -> Contents:
    """What a table holds. Raises SpecError where it does not have two arms."""
    return Contents(
        table=table,
        rows=sum(map(len, table.runs.values())),
        items=len({outcome.item for outcomes in table.runs.values() for outcome in outcomes}),
        seeds={arm: tuple(table.seeds(arm)) for arm in table.arms},
        sided=table.sided,
        preview=tuple(_some_rows(table)),
        guess=suggest(table.arms),
        understood=tuple(understood(table)),
    )


def _some_rows(table: Table) -> Iterator[tuple[str, int, Outcome]]:
    """The first rows of each arm, few enough that every arm has its turn."""
    each = max(1, PREVIEW // len(table.arms))
    for arm in table.arms[:PREVIEW]:
        seed, outcomes = next((seed, found) for (own, seed), found in table.runs.items() if own == arm)
        yield from ((arm, seed, outcome) for outcome in outcomes[:each])


def analyse_file(
    sources: Path | Sequence[Source],
    limits: Thresholds | None = None,
    choices: Choices | None = None,
    **parts: str | None,
) -> Result:
    """The result of a table.

    Args:
        sources: A file, or files with the arms they were named for (`engine.data.tables`).
        limits: None: the defaults.
        choices: How to read it, as far as somebody said it.
        parts: Which arm plays which of `PARTS`; what is not named is guessed (see `suggest`).

    Raises:
        Unclear: Something has to be said first (a DataError that says what).
        DataError: The file cannot be used.
        SpecError: The arms do not make a comparison.
    """
    table = read(sources, choices)
    return judge_table(table, suggest(table.arms, **parts), limits)


def judge_table(table: Table, found: Roles, limits: Thresholds | None = None) -> Result:
    """The result of a table that was read, with its arms in these parts. Copies of a run count once."""
    limits = limits or Thresholds()
    names, labels = slugs(table.arms), {arm: label_of(arm) for arm in table.arms}
    same = copies(table.runs)
    base_seeds = tuple(table.seeds(found.base))
    # A base that answers alike whenever it is asked; one that is the reference too may be a trained arm.
    still = is_known(found) and same.seeds.get(found.base) == (base_seeds,)
    extra = {(arm, seed) for arm, groups in same.seeds.items() for group in groups for seed in group[1:]}
    runs_ = {run: outcomes for run, outcomes in table.runs.items() if run not in extra}
    others = {arm: groups for arm, groups in same.seeds.items() if not (still and arm == found.base)}
    same = replace(same, seeds=others)
    study = table_study(table, found, limits, names)
    metrics = {f"{PROBE}.{m.name}": m for m in METRICS if m.name != "logprob" or table.valued}
    runs = _runs(runs_, names, metrics)
    once = still or len(base_seeds) == 1
    trains = {names[arm]: not (arm == found.base and once) for arm in table.arms}
    seeds = sorted({seed for arm in table.arms if trains[names[arm]] for seed in table.seeds(arm)})
    whole = (found.treated, found.reference, found.base)  # controls, and arms without a part, may have fewer seeds
    planned = {
        (names[arm], seed)
        for arm in table.arms
        for seed in (seeds if trains[names[arm]] and arm in whole else table.seeds(arm))
        if (arm, seed) not in extra
    }
    told = {part: arm for part in PARTS if (arm := getattr(found, part)) is not None}
    notes = [*_notes(table, found), *([base_note(base_seeds, labels[found.base])] if still else [])]
    design = Design(
        study=study,
        id=f"table-{digest([table.digest, told, limits.margin, limits.floor, *_said(table)])[:8]}",
        scale="elsewhere",
        note="",
        seeds=len(seeds),
        arms=tuple(names.values()),
        planned=frozenset(planned),
        exploratory=NAMED_LATER,
        notes=tuple(notes),
        advice=advice(table),
        trains=trains,
        seeded=trains,
        metrics=metrics,
        model={"name": "trained elsewhere"},
        data={"source": files_words(table.sources), "digest": table.digest},
        provenance={
            "command": command(table, told, limits),
            "rows": sum(map(len, table.runs.values())),
            "form": table.form,
            **{f"column.{role}": column for role, column in table.columns.items()},
            **({"columns not used": listed(table.unused)} if table.unused else {}),
            "what is right": right_words(table),
        },
    )
    return result_of(design, runs, table_checks(table, same, labels))


def _said(table: Table) -> list[list[str]]:
    """How the table was to be read, where anything was said: the same file read otherwise is another table."""
    words = options((), table.choices)
    return [words] if words else []


def _runs(
    found: Mapping[Run, list[Outcome]], names: Mapping[str, str], metrics: Mapping[str, Metric]
) -> list[RunResult]:
    figures = _figures(list(found.values()), metrics)
    return [
        RunResult(
            record=RunRecord(run=f"{names[arm]}-{seed}", arm=names[arm], seed=seed, state="succeeded", created=0.0),
            metrics=own, outcomes={PROBE: tuple(outcomes)}, checks=(), notes=(), versions={},
        )
        for ((arm, seed), outcomes), own in zip(found.items(), figures, strict=True)
    ]  # fmt: skip


def _figures(runs: list[list[Outcome]], metrics: Mapping[str, Metric]) -> list[dict[str, float]]:
    """Every metric of each run; one that its items do not give is left out."""
    columns = Columns(runs)
    means = {name: columns.figures(metric.statistic) for name, metric in metrics.items()}
    return [
        {name: float(values[at]) for name, values in means.items() if math.isfinite(values[at])}
        for at in range(len(runs))
    ]


def _notes(table: Table, parts: Roles) -> Iterator[str]:
    """What whoever reads the result should know of how the table was read."""
    if parts.guessed:
        guessed = ", ".join(f"{part} is {label_of(getattr(parts, part))}" for part in parts.guessed)
        yield f"Nobody named these parts, so they were guessed: {guessed}. Name them with the options of `analyze`."
    if rows := table.contradicted:
        where = f"in {len(rows):,} rows, first in row {rows[0]}" if len(rows) > 1 else f"in row {rows[0]}"
        yield f"`correct` was taken, though it is not what `prediction` and `gold` say {where}."
    yield from table.notes
