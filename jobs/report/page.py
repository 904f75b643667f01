"""What the HTML template shows: every figure as a string made by `engine.stats.wording`, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from engine.stats import wording
from jobs.report import figures
from jobs.report.clean import clean
from jobs.report.figures import arm_label, label_of, level_of, unit_of
from jobs.result import Contrast, Interval, Result

TEMPLATES = Path(__file__).resolve().parents[2] / "resources" / "report"
WORDS = {
    "learned": "Learned",
    "format": "Format only",
    "shortcut": "Shortcut",
    "mixed": "Mixed",
    "inconclusive": "Inconclusive",
}
ABSENT = "–"
_BOUNDS = re.compile(rf"\[([+{wording.MINUS}\d.]+), ([+{wording.MINUS}\d.]+)\]")
_UNIT = re.compile(r"(\d) (?=%|points\b|nats\b)")


@dataclass(frozen=True)
class Table:
    """A table: its caption, its header, and rows whose first cell is their header.

    Attributes:
        strong: Which rows are the ones fixed beforehand.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    strong: frozenset[int] = frozenset()


def render(result: Result) -> str:
    """The report as one page that needs nothing else: no script, no network."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )
    return environment.get_template("report.html.j2").render(**_content(result))


def _harmless(value: Any) -> Any:
    """Every text that the template shows passes here; figures keep their unit and bounds on one line."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _UNIT.sub("\\1\N{NO-BREAK SPACE}", _BOUNDS.sub("[\\1,\N{NO-BREAK SPACE}\\2]", clean(value)))


def _content(result: Result) -> dict[str, Any]:
    primary = result.study.primary
    metric = f"{primary.probe}.{primary.metric}"
    found = next((c for c in result.contrasts if c.primary), None)
    return {
        "result": result,
        "word": WORDS[result.verdict.code],
        "style": Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        "accuracy": label_of(result, result.accuracy),
        "reliance": label_of(result, result.reliance),
        "primary": {
            "metric": label_of(result, metric),
            "pair": " against ".join(arm_label(result, arm) for arm in primary.contrast),
            "expected": "higher" if primary.expected == "greater" else "lower",
            "margin": wording.difference(primary.margin, unit_of(result, metric)).lstrip("+"),
            "figure": wording.difference(found.difference, unit_of(result, metric)) if found else "",
            "bounds": wording.bounds(found.ci, unit_of(result, metric)) if found else "",
            "p": wording.p_phrase(found.p) if found else "",
            "p_holm": wording.probability(found.p_holm) if found else "",
            "seeds": wording.counted(found.n_seeds, "paired seed") if found else "",
        },
        "waterfall": figures.waterfall(result),
        "scatter": figures.scatter(result),
        "forest": figures.forest(result),
        "chain": chain_table(result),
        "design": design_table(result),
        "arms": arms_table(result),
        "contrasts": contrast_table(result, result.contrasts, "Paired differences with 95 % intervals"),
        "effects": effects_table(result),
        "discordant": discordant_table(result),
        "further": contrast_table(result, result.further, "The same pairs on every other metric (not tested)"),
        "seeds": seeds_tables(result),
        "failures": failures_table(result),
        "provenance": [(name, str(value)) for name, value in result.provenance.items() if name != "command"],
        "command": str(result.provenance.get("command", "")),
        "origin": [*((f"model.{k}", str(v)) for k, v in result.model.items())]
        + [(f"data.{k}", str(v)) for k, v in result.data.items()],
    }


def design_table(result: Result) -> Table:
    """What each arm is and how many of its runs succeeded."""
    rows = []
    for arm in result.arms:
        done = sum(run.status == "succeeded" for run in arm.runs)
        seconds = [run.seconds for run in arm.runs if run.seconds is not None]
        rows.append(
            [
                arm.label,
                arm.method,
                "control" if arm.role == "control" else "trained" if arm.trains else "untouched",
                f"{done} of {len(arm.runs)}",
                f"{sum(seconds):.1f} s" if seconds else ABSENT,
            ]
        )
    return Table("The arms", ["arm", "method", "role", "runs that succeeded", "time of all runs"], rows)


def chain_table(result: Result) -> Table | None:
    """The decomposition in figures."""
    if not result.decomposition:
        return None
    unit = unit_of(result, result.accuracy)
    rows = [
        [
            step.label,
            arm_label(result, step.arm),
            wording.level(step.level, unit),
            wording.difference(step.gain, unit) if at else ABSENT,
            (wording.bounds(step.ci, unit) or ABSENT) if at else ABSENT,
        ]
        for at, step in enumerate(result.decomposition)
    ]
    return Table("What each step adds", ["step", "arm", "level", "gain", "95 % interval"], rows)


def arms_table(result: Result) -> Table:
    """Every metric of every arm, with intervals."""
    rows = []
    for info in result.metrics:
        cells = [level_of(arm, info.metric) for arm in result.arms]
        if any(cell is not None for cell in cells):
            rows.append([info.label, *(_level(cell, info.unit) for cell in cells)])
    return Table("Means over seeds with 95 % intervals", ["metric", *(arm.label for arm in result.arms)], rows)


def contrast_table(result: Result, contrasts: Sequence[Contrast], caption: str) -> Table | None:
    """Paired differences in figures."""
    if not contrasts:
        return None
    rows = []
    for c in contrasts:
        unit = unit_of(result, c.metric)
        rows.append(
            [
                label_of(result, c.metric),
                f"{arm_label(result, c.a)} {wording.MINUS} {arm_label(result, c.b)}",
                wording.difference(c.difference, unit),
                wording.bounds(c.ci, unit) or ABSENT,
                wording.probability(c.p) or ABSENT,
                wording.probability(c.p_holm) or ABSENT,
                str(c.n_seeds),
            ]
        )
    head = ["metric", "arms", "difference", "95 % interval", "p", "p (Holm)", "seeds"]
    return Table(caption, head, rows, frozenset(n for n, c in enumerate(contrasts) if c.primary))


def effects_table(result: Result) -> Table | None:
    """How large the differences are in other units, and what could have been found."""
    if not result.contrasts:
        return None
    rows = []
    for c in result.contrasts:
        unit = unit_of(result, c.metric)
        rows.append(
            [
                label_of(result, c.metric),
                f"{arm_label(result, c.a)} {wording.MINUS} {arm_label(result, c.b)}",
                *(ABSENT if value is None else wording.level(value, "") for value in _sizes(c)),
                ABSENT if c.equivalent is None else "yes" if c.equivalent else "not shown",
                ABSENT if c.detectable is None else wording.difference(c.detectable, unit).lstrip("+"),
            ]
        )
    head = ["metric", "arms", "d of pairs", "Cliff’s delta", "Cohen’s h", "too small to matter", "could be found"]
    return Table("Effect sizes, and what could be found", head, rows)


def _sizes(contrast: Contrast) -> tuple[float | None, ...]:
    return contrast.paired_d, contrast.cliffs_delta, contrast.cohens_h


def discordant_table(result: Result) -> Table | None:
    """The primary contrast within each seed: items that only one of the two runs has right."""
    found = next((c for c in result.contrasts if c.primary), None)
    if found is None or all(seed.p is None for seed in found.seeds):
        return None
    unit = unit_of(result, found.metric)
    rows = [
        [
            f"seed {seed.seed}",
            wording.difference(seed.difference, unit),
            ABSENT if seed.only_a is None else str(seed.only_a),
            ABSENT if seed.only_b is None else str(seed.only_b),
            wording.probability(seed.p) or ABSENT,
        ]
        for seed in found.seeds
    ]
    a, b = (arm_label(result, arm) for arm in (found.a, found.b))
    head = ["seed", "difference", f"only {a} right", f"only {b} right", "McNemar’s exact p"]
    return Table("The primary contrast within each seed, item by item", head, rows)


def seeds_tables(result: Result) -> list[Table]:
    """The values of single seeds on the metrics that the verdict reads."""
    primary = f"{result.study.primary.probe}.{result.study.primary.metric}"
    seeds = sorted({run.seed for arm in result.arms for run in arm.runs})
    found = []
    for metric in dict.fromkeys([primary, result.accuracy, result.reliance]):
        unit = unit_of(result, metric)
        rows = []
        for arm in result.arms:
            runs = {run.seed: run for run in arm.runs}
            cells = []
            for seed in seeds:
                run = runs.get(seed)
                value = run.metrics.get(metric) if run else None
                shown = wording.level(value, unit) if value is not None else ABSENT
                cells.append(run.status if run and run.status != "succeeded" else shown)
            rows.append([arm.label, *cells])
        found.append(Table(label_of(result, metric), ["arm", *(f"seed {seed}" for seed in seeds)], rows))
    return found


def failures_table(result: Result) -> Table | None:
    """Types of wrong answers, as shares of all items."""
    kinds = _union(list(found) for found in result.failures.values())
    if not kinds:
        return None
    rows = []
    for arm in result.arms:
        shares = result.failures.get(arm.name)
        if shares is not None:
            rows.append([arm.label, *(wording.level(shares[k], "share") if k in shares else ABSENT for k in kinds)])
    return Table("Wrong answers by type, share of all items", ["arm", *kinds], rows)


def _level(found: Interval | None, unit: str) -> str:
    if found is None:
        return ABSENT
    return f"{wording.level(found.mean, unit)} {wording.bounds(found.ci, unit, signed=False)}".rstrip()


def _union(lists: Iterable[list[str]]) -> list[str]:
    return list(dict.fromkeys(name for names in lists for name in names))
