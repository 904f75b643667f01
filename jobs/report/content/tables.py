"""The tables of a report: every figure as a string made by `engine.stats.display.wording`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from engine.spec.result import Contrast, Result
from engine.stats.display import wording
from jobs.report.content.lookup import (
    ABSENT,
    arm_label,
    difference_between,
    gain_words,
    label_of,
    level_of,
    level_words,
    pair_label,
    primary_contrast,
    primary_metric,
    unit_of,
)
from jobs.report.content.model import Table

_LEVELS = 5  # columns of levels with intervals that fit on a page of paper
_VALUES = 8  # columns of single values


def design(result: Result) -> Table:
    """What each arm is and how many of its runs succeeded."""
    rows = []
    for arm in result.arms:
        done = sum(run.status == "succeeded" for run in arm.runs)
        seconds = [run.seconds for run in arm.runs if run.seconds is not None]
        role = "control" if arm.role == "control" else "trained" if arm.trains else "untouched"
        time = f"{sum(seconds):.1f} s" if seconds else ABSENT
        rows.append((arm.label, arm.method, role, f"{done} of {len(arm.runs)}", time))
    head = ("arm", "method", "role", "runs that succeeded", "time of all runs")
    return Table("design", "The arms", head, tuple(rows), words=(0, 1, 2))


def chain(result: Result) -> Table | None:
    """The decomposition in figures, and how reliance moved with each step."""
    if not result.decomposition:
        return None
    lean = result.reliance
    unit, other = unit_of(result, result.accuracy), unit_of(result, lean or "")
    rows = []
    for at, step in enumerate(result.decomposition):
        moved = (step.leaning, step.leaning_ci) if step.leaning is not None else None
        rows.append(
            (
                step.label,
                arm_label(result, step.arm),
                wording.level(step.level, unit),
                gain_words(step.gain, step.ci, unit) if at else ABSENT,
                *([gain_words(*moved, other) if moved else ABSENT] if lean else []),
            )
        )
    gain = wording.lowered(label_of(result, result.accuracy))
    last = [f"change: {wording.lowered(label_of(result, lean))}"] if lean else []
    head = ("step", "arm", f"level: {gain}", f"gain: {gain}", *last)
    return Table("chain", "What each step adds, with 95 % intervals", head, tuple(rows), words=(0, 1))


def contrasts(result: Result) -> Table | None:
    """The study's own pairs in figures."""
    pairs = result.contrasts
    if not pairs:
        return None
    rows = tuple(
        (
            *_difference(result, c),
            wording.probability(c.p) or ABSENT,
            wording.probability(c.p_holm) or ABSENT,
            str(c.n_seeds),
            "confirmatory" if c.primary and result.study.primary.registered else "exploratory",
        )
        for c in pairs
    )
    head = ("metric", "arms", "difference", "95 % interval", "p", "p (Holm)", "seeds", "read as")
    caption = "Paired differences with 95 % intervals"
    return Table("contrasts", caption, head, rows, words=(0, 1, 7), strong=_primary_rows(pairs))


def further(result: Result) -> Table | None:
    """The same pairs on every other metric."""
    rows = tuple((*_difference(result, c), wording.probability(c.p) or ABSENT, str(c.n_seeds)) for c in result.further)
    caption = "The same pairs on every other metric; outside the study’s tests, so p is not corrected"
    head = ("metric", "arms", "difference", "95 % interval", "p", "seeds")
    return Table("further", caption, head, rows, words=(0, 1)) if rows else None


def effects(result: Result) -> Table | None:
    """How large the differences are in other units, and what could have been found."""
    if not result.contrasts:
        return None
    rows = []
    for c in result.contrasts:
        sizes = (c.paired_d, c.cliffs_delta, c.cohens_h)
        unit = unit_of(result, c.metric)
        rows.append(
            (
                label_of(result, c.metric),
                pair_label(result, c.a, c.b),
                *(ABSENT if value is None else wording.level(value, "coefficient") for value in sizes),
                ABSENT if c.equivalent is None else "yes" if c.equivalent else "not shown",
                _found(c.detectable, unit),
            )
        )
    head = ("metric", "arms", "d of pairs", "Cliff’s delta", "Cohen’s h", "too small to matter", "could be found")
    caption = "Effect sizes, and what could be found"
    return Table("effects", caption, head, tuple(rows), words=(0, 1, 5), strong=_primary_rows(result.contrasts))


def discordant(result: Result) -> Table | None:
    """The primary contrast within each seed: items that only one of the two runs has right, with p if any."""
    found = primary_contrast(result)
    if found is None or all(seed.p is None for seed in found.seeds):
        return None
    rows = tuple(
        (
            f"seed {seed.seed}",
            wording.difference(seed.difference, unit_of(result, found.metric)),
            ABSENT if seed.only_a is None else str(seed.only_a),
            ABSENT if seed.only_b is None else str(seed.only_b),
            (wording.probability(seed.p) if seed.only_a or seed.only_b else "") or ABSENT,
        )
        for seed in found.seeds
    )
    a, b = (arm_label(result, arm) for arm in (found.a, found.b))
    head = ("seed", "difference", f"only {a} right", f"only {b} right", "McNemar’s exact p")
    return Table("discordant", "The primary contrast within each seed, item by item", head, rows)


def reliance(result: Result) -> Table | None:
    """Reliance of each arm, what it is made of where that was measured, and its change over the reference."""
    lean = result.reliance
    if lean is None:
        return None
    reference = result.study.primary.contrast[1]
    probe = lean.rpartition(".")[0]
    sides = [m for m in (f"{probe}.congruent", f"{probe}.conflicting") if any(i.metric == m for i in result.metrics)]
    rows = []
    for arm in result.arms:
        level = level_of(arm, lean)
        if level is None:
            continue
        moved = difference_between(result, arm.name, reference, lean) if arm.name != reference else None
        unit = unit_of(result, lean)
        parts = [level_words(level_of(arm, side), unit_of(result, side)) for side in sides]
        rows.append((arm.label, *parts, level_words(level, unit), gain_words(*moved, unit) if moved else ABSENT))
    if not rows:
        return None
    head = ("arm", *(label_of(result, m) for m in (*sides, lean)), f"against {arm_label(result, reference)}")
    return Table("reliance", "Reliance on the shortcut, with 95 % intervals", head, tuple(rows))


def arms(result: Result) -> list[Table]:
    """Every metric of every arm, with intervals."""
    rows = []
    for info in result.metrics:
        cells = [level_of(arm, info.metric) for arm in result.arms]
        if any(cell is not None for cell in cells):
            rows.append((info.label, *(level_words(cell, info.unit) for cell in cells)))
    head = ("metric", *(arm.label for arm in result.arms))
    return _split(Table("arms", "Means over seeds with 95 % intervals", head, tuple(rows)), _LEVELS) if rows else []


def seeds(result: Result) -> list[Table]:
    """The values of single seeds on the metrics that the verdict reads."""
    numbers = sorted({run.seed for arm in result.arms for run in arm.runs})
    found = []
    read = [primary_metric(result), result.accuracy, *([result.reliance] if result.reliance else [])]
    read += result.rule.reads if result.rule else ()
    for at, metric in enumerate(dict.fromkeys(read)):
        unit = unit_of(result, metric)
        rows = []
        for arm in result.arms:
            runs = {run.seed: run for run in arm.runs}
            cells = []
            for seed in numbers:
                run = runs.get(seed)
                value = run.metrics.get(metric) if run else None
                shown = wording.level(value, unit) if value is not None else ABSENT
                cells.append(run.status if run and run.status != "succeeded" else shown)
            rows.append((arm.label, *cells))
        head = ("arm", *(f"seed {seed}" for seed in numbers))
        found += _split(Table(f"seeds-{at + 1}", label_of(result, metric), head, tuple(rows)), _VALUES)
    return found


def failures(result: Result) -> list[Table]:
    """Types of wrong answers, as shares of all items."""
    kinds = _union(list(found) for found in result.failures.values())
    rows = tuple(
        (arm.label, *(wording.level(shares[k], "share") if k in shares else ABSENT for k in kinds))
        for arm in result.arms
        if (shares := result.failures.get(arm.name)) is not None
    )
    table = Table("failures", "Wrong answers by type, share of all items", ("arm", *kinds), rows)
    return _split(table, _VALUES) if kinds and rows else []


def _found(size: float | None, unit: str) -> str:
    if size is None:
        return ABSENT
    return wording.unsigned(size, unit) if wording.exists(size, unit) else "none"


def _difference(result: Result, c: Contrast) -> tuple[str, str, str, str]:
    unit = unit_of(result, c.metric)
    figure, bounds = wording.difference(c.difference, unit), wording.bounds(c.ci, unit)
    return label_of(result, c.metric), pair_label(result, c.a, c.b), figure, bounds or ABSENT


def _primary_rows(pairs: Sequence[Contrast]) -> tuple[int, ...]:
    return tuple(at for at, pair in enumerate(pairs) if pair.primary)


def _split(table: Table, most: int) -> list[Table]:
    """A wide table as several, each with the rows' headers, so that paper holds it and no column is cut off."""
    columns = len(table.head) - 1
    parts = max(1, -(-columns // most))
    if parts == 1:
        return [table]
    width = -(-columns // parts)
    return [
        dataclasses.replace(
            table,
            name=f"{table.name}-part-{part + 1}",
            caption=f"{table.caption} ({part + 1} of {parts})",
            head=(table.head[0], *table.head[first : first + width]),
            rows=tuple((row[0], *row[first : first + width]) for row in table.rows),
        )
        for part, first in enumerate(range(1, columns + 1, width))
    ]


def _union(lists: Iterable[list[str]]) -> list[str]:
    return list(dict.fromkeys(name for names in lists for name in names))
